import { ProtocolError, type Rect } from '@deskhand/protocol';
import { z } from 'zod';

/** One monitor that the person lets us see. */
export type PortalStream = Readonly<{
  node: number;
  /** In desktop space: the pixels that the compositor sends. */
  bounds: Rect;
  /** As the compositor counts; the same where nothing is scaled. */
  logical: Rect;
}>;

/** A monitor as the compositor tells all its clients. */
export type Output = Readonly<{ bounds: Rect; logical: Rect }>;

const Streams = z.array(
  z.tuple([
    z.int(),
    z.looseObject({
      position: z.object({ value: z.tuple([z.int(), z.int()]) }).optional(),
      size: z.object({ value: z.tuple([z.int(), z.int()]) }).optional(),
    }),
  ]),
);

/**
 * What the portal's Start says is shared, the main monitor first: GNOME names them in no order.
 * @param outputs all there are; their scales are nowhere else.
 * @throws ProtocolError DISPLAY_UNAVAILABLE
 */
export function portalStreams(value: unknown, outputs: readonly Output[]): PortalStream[] {
  const parsed = Streams.safeParse(value);
  if (!parsed.success || parsed.data.length === 0)
    throw new ProtocolError('DISPLAY_UNAVAILABLE', 'The desktop portal shares no monitor.');
  const streams = parsed.data.map(([node, { position, size }]) => {
    const [x, y] = position?.value ?? [0, 0];
    const [width, height] = size?.value ?? [0, 0];
    if (width < 1 || height < 1)
      throw new ProtocolError(
        'DISPLAY_UNAVAILABLE',
        'The desktop portal does not say how large a monitor is.',
      );
    const logical = { x, y, width, height };
    const output = outputs.find((each) => x === each.logical.x && y === each.logical.y);
    const same = output?.logical.width === width && output.logical.height === height;
    return { node, bounds: same ? output.bounds : logical, logical };
  });
  return streams.sort(({ logical: a }, { logical: b }) => fromOrigin(a) - fromOrigin(b) || a.x - b.x);
}

function fromOrigin({ x, y }: Rect): number {
  return Math.abs(x) + Math.abs(y);
}
