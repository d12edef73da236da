import { z } from 'zod';
import { COMMAND_NAMES } from './panel-view.ts';

/** Most bytes a renderer may send at once. */
export const RENDERER_FRAME_BYTES = 64 * 1024;

/** Renderer → host: everything a renderer can ask for. The host checks it, whatever the renderer is. */
export const RendererCommand = z.strictObject({
  type: z.literal('command'),
  id: z.string().min(1).max(64),
  name: z.enum(COMMAND_NAMES),
  note: z.string().max(2000).optional(),
  requestId: z.string().max(128).optional(),
  digest: z.string().max(128).optional(),
  /** What the panel showed and the person typed. */
  code: z
    .string()
    .regex(/^\d{4}$/)
    .optional(),
  scope: z.enum(['once', 'run', 'always']).optional(),
});
export type RendererCommand = z.infer<typeof RendererCommand>;

const place = {
  x: z.number().min(-1_000_000).max(1_000_000),
  y: z.number().min(-1_000_000).max(1_000_000),
  width: z.number().min(0).max(100_000),
  height: z.number().min(0).max(100_000),
};
/** Where the panel's window is and what its display leaves free; desktop space. Carries the id of the move it answers. */
export const RendererPlace = z.strictObject({
  type: z.literal('place'),
  id: z.string().max(64).optional(),
  ...place,
  area: z.strictObject(place),
});
export type RendererPlace = z.infer<typeof RendererPlace>;

/** The patch of a probe is on the screen; desktop space. */
export const RendererPainted = z.strictObject({
  type: z.literal('painted'),
  id: z.string().min(1).max(64),
  ...place,
});
export type RendererPainted = z.infer<typeof RendererPainted>;

export const RendererMessage = z.discriminatedUnion('type', [
  RendererCommand,
  RendererPlace,
  RendererPainted,
]);
export type RendererMessage = z.infer<typeof RendererMessage>;
