import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { panelRun } from '@deskhand/overlay/testing';
import { PROBE_CELL_PX, PROBE_CELLS, probeCells } from '@deskhand/protocol';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { AT, MODES, PANEL_SIZE, stagePanel } from '../helpers/panel-stage.ts';

/** Where the pictures of docs/overlay.md lie. `DESKHAND_UPDATE_IMAGES=1` makes them anew; look at them afterwards. */
const images = fileURLToPath(new URL('../../docs/images', import.meta.url));
const update = process.env.DESKHAND_UPDATE_IMAGES === '1';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Axe = {
  run(): Promise<{
    violations: Array<{ id: string; nodes: Array<{ html: string; failureSummary: string }> }>;
  }>;
};

describe('how the panel looks', () => {
  const stage = stagePanel();

  describe.each(['dark', 'light'] as const)('%s', (colorScheme) => {
    type Look = Readonly<{
      picture: Buffer;
      objections: unknown[];
      faults: string[];
      stop: { x: number; y: number; width: number; height: number };
      firstTab: string;
      endless: number;
    }>;
    const looks = new Map<string, Look>();

    beforeAll(async () => {
      await stage.show('idle', { colorScheme, prepare: (context) => context.addInitScript(axe) });
      // A desktop that has worked before.
      stage.fake.setDaemon({ run: panelRun({ status: 'succeeded' }) });
      await stage.says('.sentence', 'The last run: succeeded.');
      for (const mode of MODES) {
        await stage.reenter(mode);
        const endless = await stage.page.evaluate<number>(
          'document.getAnimations().filter((a) => a.effect.getTiming().iterations !== 1).length',
        );
        await stage.settled();
        const picture = await sharp(await stage.page.screenshot())
          .png({ palette: true, colours: 64, effort: 10 })
          .toBuffer();
        const report = await stage.page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
        const objections = report.violations.map(({ id, nodes }) => [
          id,
          nodes[0]?.html,
          nodes[0]?.failureSummary,
        ]);
        const stop = await stage.box('.stop-button');
        await stage.startTabbing();
        await stage.page.keyboard.press('Tab');
        const firstTab = await stage.focused();
        await stage.page.evaluate('document.activeElement.blur()');
        looks.set(mode, { picture, objections, faults: [...stage.faults], stop, firstTab, endless });
      }
      await stage.leave();
    }, 120_000);
    const look = (mode: string) => looks.get(mode) as Look;

    it.each(MODES)('%s looks as in the documentation', async (mode) => {
      const { picture, faults } = look(mode);
      const file = `${images}/panel-${mode.replaceAll('_', '-')}-${colorScheme}.png`;
      if (update || !existsSync(file)) {
        mkdirSync(images, { recursive: true });
        writeFileSync(file, picture);
      }
      expect(await difference(picture, readFileSync(file))).toBeLessThan(0.03);
      expect(faults).toEqual([]);
    });

    it('has nothing that axe objects to in any state', () => {
      expect(MODES.flatMap((mode) => look(mode).objections.map((objection) => [mode, objection]))).toEqual(
        [],
      );
    });

    it('has STOP at the same place, 56 pixels high and first in tab order, in every state', () => {
      expect(new Set(MODES.map((mode) => JSON.stringify(look(mode).stop)))).toHaveLength(1);
      expect(look('idle').stop.height).toBe(56);
      expect(MODES.map((mode) => look(mode).firstTab)).toEqual(MODES.map(() => 'stop-button'));
    });

    it('has no animation that repeats', () => {
      expect(MODES.map((mode) => look(mode).endless)).toEqual(MODES.map(() => 0));
    });

    it('has the contrast it promises', async () => {
      await stage.show('idle', { colorScheme });
      const hex = async (name: string) =>
        (
          await stage.page.evaluate<string>(
            `getComputedStyle(document.documentElement).getPropertyValue('--${name}')`,
          )
        ).trim();
      const [text, muted, surround, stop, stopText, pageColor] = await Promise.all(
        ['text', 'muted', 'stop-surround', 'stop', 'stop-text', 'page'].map(hex),
      );
      const ratio = (one = '', other = '') => contrast(one, other);
      expect(ratio(text, pageColor)).toBeGreaterThan(12);
      expect(ratio(muted, pageColor)).toBeGreaterThan(6);
      expect(ratio(stopText, stop)).toBeGreaterThan(5);
      expect(ratio(stop, surround)).toBeGreaterThan(3);
      for (const tone of ['run', 'await', 'paused', 'stopped', 'lost', 'ready', 'good'])
        expect([tone, ratio(await hex(tone), pageColor) > 4.5]).toEqual([tone, true]);
      const raised = await hex('raised');
      expect(ratio(await hex('edge-of-field'), raised)).toBeGreaterThan(3);
    });
  });

  /** What a person would hit instead of STOP, at any scroll position of the panel. */
  const covering = () =>
    stage.page.evaluate<string[]>(`(() => {
      const button = document.querySelector('.stop-button');
      const panel = document.querySelector('.panel');
      const hits = [];
      for (let top = 0; top <= panel.scrollHeight; top += 20) {
        panel.scrollTop = top;
        const { left, right, top: upper, bottom } = button.getBoundingClientRect();
        for (const x of [left + 12, (left + right) / 2, right - 12])
          for (const y of [upper + 4, (upper + bottom) / 2, bottom - 4]) {
            const hit = document.elementFromPoint(x, y);
            if (!button.contains(hit)) hits.push(top + ' ' + hit?.className);
          }
      }
      return hits;
    })()`);

  it('shows no picture of the screen while the person is in control', async () => {
    await stage.show('takeover');
    expect(await stage.page.locator('canvas, img').count()).toBe(0);
  });

  it('keeps a visible edge around STOP with forced colours, dashed when it is inactive', async () => {
    await stage.show('running', { forcedColors: 'active' });
    const edge = () =>
      stage.page.locator('.stop-button').evaluate((button) => {
        const style = (
          globalThis as unknown as { getComputedStyle(of: unknown): Record<string, string> }
        ).getComputedStyle(button);
        return `${style.borderTopStyle} ${style.borderTopWidth}`;
      });
    expect(await edge()).toBe('solid 4px');
    await stage.fake.guard[Symbol.asyncDispose]();
    await stage.page.waitForSelector('.mode-controls_lost');
    expect(await edge()).toBe('dashed 4px');
  });

  it('moves nothing where motion is unwelcome', async () => {
    await stage.show('running', { reducedMotion: 'reduce' });
    stage.fake.setGuard({ control: 'stopped', latch: { tripped: true, by: 'panel', at: AT } });
    await stage.page.waitForSelector('.mode-stopped');
    expect(await stage.page.evaluate('document.getAnimations().length')).toBe(0);
  });

  it('draws every line darker for those who ask for contrast', async () => {
    await stage.show('running', { contrast: 'more' });
    const color = (name: string) =>
      stage.page.evaluate<string>(`getComputedStyle(document.documentElement).getPropertyValue('--${name}')`);
    expect(await color('muted')).toBe(await color('text'));
  });

  it('has room for text at twice its size', async () => {
    for (const mode of ['running', 'awaiting_human', 'stopped']) {
      await stage.show(mode);
      const before = await stage.box('.stop-button');
      await stage.page.evaluate("document.documentElement.style.fontSize = '28px'");
      expect(await stage.overflow()).toBe(0);
      const after = await stage.box('.stop-button');
      expect(after.height).toBeGreaterThanOrEqual(56);
      expect(after.y + after.height).toBe(before.y + before.height);
      await stage.page.evaluate("document.documentElement.style.fontSize = ''");
    }
  });

  it.each([
    // A zoom of 200 % leaves half of the pixels of style.
    ['at a zoom of 200 %', { width: 188, height: 320 }, 40],
    ['in a window of 320 pixels', { width: 320, height: 480 }, 46],
  ])('stays whole and usable %s', async (_where, viewport, below) => {
    for (const mode of ['running', 'awaiting_human', 'stopped']) {
      await stage.show(mode, { viewport });
      await stage.settled();
      expect(await stage.overflow()).toBe(0);
      const stop = await stage.box('.stop-button');
      expect(stop.height).toBe(56);
      expect(stop.y + stop.height).toBeLessThanOrEqual(viewport.height - below);
      const control = stage.page.locator('.controls button').first();
      await control.scrollIntoViewIfNeeded();
      expect(await control.isVisible()).toBe(true);
      expect(await stage.box('.stop-button')).toEqual(stop);
      // However far it is scrolled, what is under the pointer there is the button.
      expect(await covering()).toEqual([]);
    }
  });

  it('made small, says who is in control and keeps STOP', async () => {
    await stage.show('running', { viewport: { width: PANEL_SIZE.width, height: 160 } });
    expect(await stage.page.locator('.status h1').isVisible()).toBe(true);
    expect(await stage.page.locator('.meter').isVisible()).toBe(false);
    const stop = await stage.box('.stop-button');
    expect([stop.height, stop.y + stop.height]).toEqual([56, 160 - 46]);
    await stage.pressStop();
  });

  it('takes the patch of a probe away after its moment', async () => {
    await stage.show('running');
    stage.fake.daemon.send({ type: 'probe', id: 'p0', nonce: 'c0ffee0123456789', showMs: 50 });
    await eventually(() => stage.fake.daemon.messages('probe_shown').length === 1);
    await eventually(async () => (await stage.page.locator('.patch').count()) === 0);
  });

  it.each([1, 1.5, 2])(
    '[LOCAL10] at scale %d paints the patch of a probe to the pixel, and the cross-hair at the same place of the picture',
    async (scale) => {
      await stage.show('running', { deviceScaleFactor: scale });
      const [picture, target] = [await stage.box('.screen'), await stage.box('.target')];
      expect(Math.abs(target.x + target.width / 2 - picture.x - (248 / 320) * picture.width)).toBeLessThan(1);
      expect(Math.abs(target.y + target.height / 2 - picture.y - (147 / 180) * picture.height)).toBeLessThan(
        1,
      );
      const nonce = 'c0ffee0123456789';
      // Again when a photograph took longer than the patch stays.
      await eventually(
        async () => {
          const before = stage.fake.daemon.messages('probe_shown').length;
          stage.fake.daemon.send({ type: 'probe', id: `p${before}`, nonce, showMs: 2000 });
          await eventually(() => stage.fake.daemon.messages('probe_shown').length > before);
          const { data, info } = await sharp(await stage.page.screenshot({ scale: 'device' }))
            .removeAlpha()
            .raw()
            .toBuffer({ resolveWithObject: true });
          const at = 12 * scale;
          const seen = probeCells(nonce).map((_set, cell) => {
            const x = at + (cell % PROBE_CELLS) * PROBE_CELL_PX + 1;
            const y = at + Math.floor(cell / PROBE_CELLS) * PROBE_CELL_PX + 1;
            const [red = 0, green = 0] = data.subarray((y * info.width + x) * 3);
            return green > 200 && red < 60;
          });
          expect(seen).toEqual(probeCells(nonce));
          return true;
        },
        { timeoutMs: 30_000 },
      );
    },
  );
});

/** Contrast of two colours, 1 … 21; WCAG 2. */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const hex = color.length === 4 ? color.replace(/[^#]/g, '$&$&') : color;
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** Mean difference of two pictures, 0…1, after shrinking both: fonts may differ a little, layout and colour may not. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const small = (picture: Buffer) =>
    sharp(picture).removeAlpha().resize(94, 140, { fit: 'fill' }).raw().toBuffer();
  const [a, b] = await Promise.all([small(one), small(other)]);
  let sum = 0;
  for (const [index, value] of a.entries()) sum += Math.abs(value - (b[index] ?? 0));
  return sum / a.length / 255;
}
