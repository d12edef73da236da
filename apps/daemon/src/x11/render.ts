import type { RawRender } from 'x11';
import type { X11Transport } from './transport.ts';

/** Porter–Duff operators this code base uses. */
export const RENDER_OP = { source: 1, over: 3 } as const;
export type RenderOp = (typeof RENDER_OP)[keyof typeof RENDER_OP];

export type RenderRect = Readonly<{ x: number; y: number; width: number; height: number }>;

/**
 * Drawing pictures onto pictures inside the server. All of it is sent without waiting: use it inside
 * `connection.checked`, which tells whether the server refused any of it.
 */
export type Render = Readonly<{
  /** How pixels of a visual are laid out; null for a visual nothing can be composed from. */
  formatOf(visual: number): number | null;
  /** @returns a picture that shows `drawable`; the caller frees it. */
  createPicture(
    drawable: number,
    format: number,
    values?: Readonly<{ repeat?: 1; subwindowMode?: 1 }>,
  ): number;
  freePicture(picture: number): void;
  /** Later drawing onto `picture` changes only these rectangles. */
  clip(picture: number, rectangles: readonly RenderRect[]): void;
  /** Copies or blends `rect` of `source` to `at` on `destination`. */
  composite(
    op: RenderOp,
    source: number,
    destination: number,
    rect: RenderRect,
    at: { x: number; y: number },
  ): void;
  /** @param color 0x00RRGGBB. */
  fill(picture: number, color: number, rectangles: readonly RenderRect[]): void;
}>;

export function openRender(connection: X11Transport, raw: RawRender): Render {
  return {
    formatOf: (visual) => raw.findVisualFormat(visual) || null,
    createPicture: (drawable, format, values = {}) => {
      const id = connection.allocateId();
      raw.CreatePicture(id, drawable, format, values);
      return id;
    },
    freePicture: (picture) => {
      raw.FreePicture(picture);
      connection.releaseId(picture);
    },
    clip: (picture, rectangles) => raw.SetPictureClipRectangles(picture, 0, 0, flat(rectangles)),
    composite: (op, source, destination, rect, at) =>
      raw.Composite(op, source, 0, destination, rect.x, rect.y, 0, 0, at.x, at.y, rect.width, rect.height),
    fill: (picture, color, rectangles) => {
      const channel = (shift: number) => ((color >>> shift) & 0xff) / 255;
      raw.FillRectangles(
        RENDER_OP.source,
        picture,
        [channel(16), channel(8), channel(0), 1],
        flat(rectangles),
      );
    },
  };
}

function flat(rectangles: readonly RenderRect[]): number[] {
  return rectangles.flatMap(({ x, y, width, height }) => [x, y, width, height]);
}
