import { z } from 'zod';
import { Frame } from './frame.ts';
import { Point, Rect } from './geometry.ts';

/** Where a fact about the screen comes from, best first. */
export const ElementSource = z.enum(['accessibility', 'dom', 'ocr']);
export type ElementSource = z.infer<typeof ElementSource>;

export const MAX_ELEMENTS = 3000;

/**
 * One thing on the screen that has a name. `bounds` is in pixels of the observation's frame (fractional),
 * so engines need no other coordinate space.
 */
export const ScreenElement = z
  .looseObject({
    id: z.string().max(200),
    source: ElementSource,
    role: z
      .string()
      .max(64)
      .meta({ description: 'Lower case: button, link, text_field, menu_item, check_box, label, word …' }),
    name: z.string().max(2000),
    /** Current value of fields, sliders, combo boxes. Never filled for password fields. */
    value: z.string().max(10_000).optional(),
    description: z.string().max(2000).optional(),
    states: z
      .array(z.string().max(32))
      .max(32)
      .default([])
      .meta({ description: 'focused, enabled, checked, selected, editable, protected, …' }),
    bounds: Rect,
    windowId: z.string().max(64).optional(),
  })
  .meta({ title: 'Screen element' });
export type ScreenElement = z.infer<typeof ScreenElement>;

export const WindowInfo = z
  .looseObject({
    id: z.string().max(64),
    title: z.string().max(2000),
    application: z.string().max(200),
    pid: z.int().min(0).optional(),
    bounds: Rect.meta({ description: 'Desktop space, including decorations.' }),
    active: z.boolean(),
    minimized: z.boolean().default(false),
  })
  .meta({ title: 'Window' });
export type WindowInfo = z.infer<typeof WindowInfo>;

export const SettleReason = z.enum(['quiet', 'ceiling', 'load_finished', 'no_change', 'not_asked']);
export const SettleReport = z.looseObject({
  settledMs: z
    .number()
    .min(0)
    .meta({ description: 'From the end of the input to the decision that the screen is quiet.' }),
  reason: SettleReason,
});
export type SettleReport = z.infer<typeof SettleReport>;

export const PageInfo = z.looseObject({
  url: z.string().max(8192),
  title: z.string().max(2000),
  loading: z.boolean().default(false),
  allShown: z.boolean().optional().meta({
    description:
      'With elements: true when they are all that there is on the page, nothing of it scrolled out of sight or not to be read.',
  }),
});
export type PageInfo = z.infer<typeof PageInfo>;

/** What a machine reports when asked to look. */
export const Observation = z
  .looseObject({
    frame: Frame.nullable(),
    /** Share of pixels that differ from the previous frame of this lease; 0 = "no visible change". */
    changedFraction: z.number().min(0).max(1).optional(),
    windows: z.array(WindowInfo).max(500).default([]),
    activeWindowId: z.string().max(64).nullable().default(null),
    windowsUntold: z.literal(true).optional().meta({
      description: 'This desktop lets no program list its windows: that there are none here says nothing.',
    }),
    pointer: Point.nullable().default(null).meta({ description: 'In frame pixels.' }),
    elements: z.array(ScreenElement).max(MAX_ELEMENTS).default([]),
    /** Sources that were asked and answered; one that is missing here was not looked at. */
    sources: z.array(ElementSource).default([]),
    page: PageInfo.nullable().default(null),
    settle: SettleReport,
    timings: z
      .record(z.string(), z.number())
      .default({})
      .meta({ description: 'Milliseconds per part: settle, capture, encode, elements …' }),
  })
  .meta({ title: 'Observation' });
export type Observation = z.infer<typeof Observation>;

/** What to look at. Everything is optional and cheap unless asked for. */
export const ObserveRequest = z
  .strictObject({
    frame: z
      .strictObject({
        maxSidePx: z.int().min(64).max(8192).default(1280),
        mimeType: z.enum(['image/jpeg', 'image/png', 'image/webp']).default('image/jpeg'),
        /** A crop in desktop space at full resolution ("zoom"). */
        region: Rect.optional(),
        drawPointer: z.boolean().default(false),
        compact: z.boolean().default(false).meta({
          description:
            'As few bytes as stay legible: a picture of few colours comes lossless in those (PNG where JPEG was asked for), any other in lower quality.',
        }),
      })
      .nullable()
      .default({ maxSidePx: 1280, mimeType: 'image/jpeg', drawPointer: false, compact: false }),
    /** Accessibility tree and, where the browser is ours, the page's DOM. */
    elements: z.boolean().default(false),
    /** Words by OCR: expensive, so only when the tree is blind. */
    ocr: z.boolean().default(false),
    /** Wait for the screen to be quiet first. */
    settle: z.boolean().default(true),
    settleCeilingMs: z.int().min(0).max(30_000).default(3000),
    displayId: z
      .string()
      .max(128)
      .optional()
      .meta({ description: 'Default: the display of the active window, else the primary one.' }),
  })
  .meta({ title: 'Observe request' });
export type ObserveRequest = z.infer<typeof ObserveRequest>;
export type ObserveRequestInput = z.input<typeof ObserveRequest>;
