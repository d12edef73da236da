/** One stored picture with its pixels. */
export type ReplayFrame = Readonly<{
  index: number;
  step: number;
  mimeType: string;
  base64: string;
  width: number;
  height: number;
}>;

const MIME_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/webp']);

/**
 * The newest usable frame of each step, and after the last step the last frame as its end.
 * Frames that would take the page over `maxBytes` are left out, every other step's first, so that what stays is
 * spread over the whole run; the first and the last frame stay longest.
 */
export function chooseFrames(
  frames: readonly ReplayFrame[],
  maxBytes: number,
): { byStep: ReadonlyMap<number, ReplayFrame>; leftOut: number } {
  const newest = new Map<number, ReplayFrame>();
  for (const frame of [...frames].sort((a, b) => a.index - b.index))
    if (isUsable(frame)) newest.set(frame.step, frame);
  let steps = [...newest.keys()].sort((a, b) => a - b);
  const all = steps.length;
  const bytes = () => steps.reduce((sum, step) => sum + (newest.get(step)?.base64.length ?? 0), 0);
  while (steps.length > 0 && bytes() > maxBytes) {
    const thinned = steps.filter((_, index) => index % 2 === 0 || index === steps.length - 1);
    steps = thinned.length < steps.length ? thinned : steps.slice(0, -1);
  }
  const kept = new Map(
    steps.flatMap((step) => (newest.has(step) ? [[step, newest.get(step) as ReplayFrame]] : [])),
  );
  return { byStep: kept, leftOut: all - kept.size };
}

function isUsable(frame: ReplayFrame): boolean {
  return (
    MIME_TYPES.has(frame.mimeType) &&
    frame.width > 0 &&
    frame.height > 0 &&
    frame.base64.length > 0 &&
    /^[A-Za-z0-9+/]*={0,2}$/.test(frame.base64)
  );
}
