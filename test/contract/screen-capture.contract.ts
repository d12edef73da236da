import type { ScreenCapture } from '@deskhand/daemon/ports';
import { contains } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** A picture whose pixels are known, put on the screen by somebody else. */
export type KnownScreen = Readonly<{
  /** Desktop size. */
  width: number;
  height: number;
  /** Solid rectangles, desktop space, in stacking order; [red, green, blue]. */
  patches: ReadonlyArray<{ x: number; y: number; width: number; height: number; color: readonly number[] }>;
}>;

/** What every {@link ScreenCapture} promises; run on each implementation. */
export function screenCaptureContract(
  name: string,
  open: () => Promise<{ capture: ScreenCapture; screen: KnownScreen }>,
): void {
  describe(`ScreenCapture contract: ${name}`, () => {
    let capture: ScreenCapture;
    let screen: KnownScreen;
    const { signal } = new AbortController();
    beforeAll(async () => {
      ({ capture, screen } = await open());
    });
    afterAll(() => capture?.[Symbol.asyncDispose]());

    it('says what it is and lists displays with exactly one primary', async () => {
      expect(capture.name).not.toBe('');
      const displays = await capture.displays();
      expect(displays.filter((display) => display.primary)).toHaveLength(1);
      expect(new Set(displays.map(({ id }) => id)).size).toBe(displays.length);
      const right = Math.max(...displays.map(({ bounds }) => bounds.x + bounds.width));
      const bottom = Math.max(...displays.map(({ bounds }) => bounds.y + bounds.height));
      expect([right, bottom]).toEqual([screen.width, screen.height]);
    });

    it('grabs a whole display with the right colours in the right places', async () => {
      const display = (await capture.displays()).find(({ primary }) => primary);
      if (display === undefined) throw new Error('no primary display');
      const image = await capture.grab(display.bounds, { signal });
      expect([image.width, image.height]).toEqual([display.bounds.width, display.bounds.height]);
      for (const patch of screen.patches) {
        // Inner corners: one pixel off anywhere shows.
        for (const [x, y] of [
          [patch.x, patch.y],
          [patch.x + patch.width - 1, patch.y + patch.height - 1],
        ] as const) {
          expect(contains(display.bounds, { x, y })).toBe(true);
          expect(colorAt(image, x - display.bounds.x, y - display.bounds.y)).toEqual(patch.color);
        }
      }
    });

    it('grabs a region to the pixel, down to a single one', async () => {
      const [patch] = screen.patches;
      if (patch === undefined) throw new Error('no patch');
      const around = { x: patch.x - 1, y: patch.y - 1, width: 3, height: 5 };
      const image = await capture.grab(around, { signal });
      expect([image.width, image.height]).toEqual([3, 5]);
      expect(colorAt(image, 1, 1)).toEqual(patch.color);
      expect(colorAt(image, 0, 1)).not.toEqual(patch.color);
      expect(colorAt(image, 1, 0)).not.toEqual(patch.color);
      const single = await capture.grab({ x: patch.x, y: patch.y, width: 1, height: 1 }, { signal });
      expect(colorAt(single, 0, 0)).toEqual(patch.color);
    });

    it('answers grabs asked for at the same time, each with its own region', async () => {
      const sizes = [
        [40, 30],
        [7, 9],
        [100, 1],
      ] as const;
      const images = await Promise.all(
        sizes.map(([width, height]) => capture.grab({ x: 1, y: 2, width, height }, { signal })),
      );
      expect(images.map(({ width, height }) => [width, height])).toEqual(sizes.map((size) => [...size]));
    });

    it.each([
      { x: -1, y: 0, width: 10, height: 10 },
      { x: 0, y: 0, width: 100_000, height: 10 },
      { x: 90_000, y: 90_000, width: 10, height: 10 },
    ])('refuses a region outside the desktop: %j', async (region) => {
      await expect(capture.grab(region, { signal })).rejects.toMatchObject({ code: 'DISPLAY_UNAVAILABLE' });
    });

    it.each([
      { x: 0.5, y: 0, width: 10, height: 10 },
      { x: 0, y: 0, width: 0, height: 10 },
    ])('refuses a region that is not whole pixels: %j', async (region) => {
      await expect(capture.grab(region, { signal })).rejects.toMatchObject({ code: 'CAPTURE_FAILED' });
    });

    it('rejects with the reason of an aborted signal', async () => {
      const reason = new Error('not any more');
      await expect(
        capture.grab({ x: 0, y: 0, width: 1, height: 1 }, { signal: AbortSignal.abort(reason) }),
      ).rejects.toBe(reason);
    });

    it('goes on after refusals', async () => {
      await capture.grab({ x: 0, y: 0, width: 2, height: 2 }, { signal });
    });
  });
}

function colorAt(
  image: { width: number; format: string; pixels: Uint8Array },
  x: number,
  y: number,
): number[] {
  const at = (y * image.width + x) * (image.format === 'bgrx' ? 4 : 3);
  const [first = -1, second = -1, third = -1] = image.pixels.subarray(at, at + 3);
  return image.format === 'bgrx' ? [third, second, first] : [first, second, third];
}
