import { z } from 'zod';
import { FrameGeometry } from './geometry.ts';

/** How the overlay is kept out of a frame; decided by the start-up self-test (overlay.md 1.3). */
export const OverlayExclusion = z.enum(['none_needed', 'native', 'compose', 'dock', 'mask']);
export type OverlayExclusion = z.infer<typeof OverlayExclusion>;

/** What the last self-test found out about keeping the overlay out of frames. */
export const ExclusionState = z
  .looseObject({
    strategy: OverlayExclusion,
    reason: z.string().max(500).nullable().meta({ description: 'Why it is not a better one.' }),
    testedAt: z.iso.datetime().nullable(),
    tookMs: z.int().min(0).optional(),
    panelProven: z.boolean().optional().meta({
      description: 'The panel’s own patch was on the screen and in no picture; absent without a panel.',
    }),
  })
  .meta({ title: 'Exclusion state' });
export type ExclusionState = z.infer<typeof ExclusionState>;

export const ImageMimeType = z.enum(['image/jpeg', 'image/png', 'image/webp']);
export type ImageMimeType = z.infer<typeof ImageMimeType>;

/**
 * One captured picture with everything needed to understand a point in it.
 * The bytes travel beside it (link: a binary message; store: a blob named by `sha256`), never inside.
 */
export const Frame = z
  .strictObject({
    geometry: FrameGeometry,
    mimeType: ImageMimeType,
    byteLength: z
      .int()
      .min(1)
      .max(64 * 1024 * 1024),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    capturedAt: z.iso.datetime(),
    exclusion: OverlayExclusion,
    /** Capture failed and an older picture was reused. */
    degraded: z.boolean().default(false),
  })
  .meta({ title: 'Frame' });
export type Frame = z.infer<typeof Frame>;

/** A frame together with its encoded picture. */
export type FrameWithBytes = Readonly<{ frame: Frame; bytes: Uint8Array }>;
