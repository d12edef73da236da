import { sleep } from '@deskhand/base';
import type { Point } from '@deskhand/protocol';
import type { Settled } from '../ports.ts';
import type { ChangeHistory, ChangeSummary } from './change-history.ts';

export type SettleOptions = Readonly<{
  /** The least to wait, whatever is seen. */
  floorMs: number;
  /** How long to wait for an answer while nothing, or nothing but the target's own feedback, has been seen. */
  answerMs?: number;
  /** No change for this long after the last one. */
  quietMs: number;
  ceilingMs: number;
  /** What was clicked, desktop space: a button that only looks pressed has not answered yet. */
  target?: Point | null;
  stillLoading?: () => Promise<boolean>;
}>;

/** What went on after so many pauses has a rhythm: it is not over before it stood still for longer than it ever did. */
const RHYTHM = { pauses: 3, times: 2, mostMs: 400 } as const;
/** How often a page that still loads is asked again. */
const LOADING_POLL_MS = 40;

/**
 * Waits until `history` is quiet: the floor has passed, nothing but ambient changes for `quietMs`, and
 * nothing is loading. Times count from this call, which is the end of the input; changes from the mark on.
 * Ends at the ceiling whatever happens.
 * @param look brings the history up to date; called before each decision.
 * @param now monotonic milliseconds, the clock of the history.
 */
export async function waitForQuiet(
  history: ChangeHistory,
  options: SettleOptions,
  parts: { look: () => Promise<void> | void; now: () => number; stepMs: number },
  stop: { signal: AbortSignal },
): Promise<Settled> {
  const { floorMs, answerMs = floorMs, quietMs, ceilingMs, target = null, stillLoading } = options;
  const { look, now, stepMs } = parts;
  const startedAt = now();
  let sawLoading = false;
  let loadedAt = startedAt;
  for (;;) {
    stop.signal.throwIfAborted();
    await look();
    const at = now();
    const change = history.summary(target);
    const report = (reason: Settled['reason']): Settled => ({
      settledMs: Math.round((at - startedAt) * 10) / 10,
      reason,
      changedArea: change?.area ?? 0,
      answerMs: change?.answeredAt == null ? null : Math.max(0, change.answeredAt - startedAt),
      // A pause that somebody explained by loading needs no patience the next time.
      longestGapMs: sawLoading ? 0 : (change?.longestGapMs ?? 0),
      places: change?.places ?? [],
      moving: history.moving(),
    });
    if (at - startedAt >= ceilingMs) return report('ceiling');
    const answered = change !== null && change.answeredAt !== null;
    const quietAt = Math.max(
      startedAt + (answered ? floorMs : Math.max(floorMs, answerMs)),
      change === null ? startedAt : change.lastAt + Math.max(quietMs, rhythmMs(change)),
      sawLoading ? loadedAt + quietMs : startedAt,
    );
    if (at >= quietAt) {
      const loading = stillLoading === undefined ? false : await stillLoading();
      if (!loading) {
        if (sawLoading) return report('load_finished');
        return report(change === null ? 'no_change' : 'quiet');
      }
      sawLoading = true;
      loadedAt = now();
      await sleep(Math.max(1, Math.min(LOADING_POLL_MS, startedAt + ceilingMs - loadedAt)), stop);
      continue;
    }
    await sleep(Math.max(1, Math.min(stepMs, quietAt - at, startedAt + ceilingMs - at)), stop);
  }
}

/** How long what changes step by step may stand still, milliseconds; 0 for what came in one or two bursts. */
function rhythmMs({ pauses, longestGapMs }: ChangeSummary): number {
  return pauses < RHYTHM.pauses ? 0 : Math.min(longestGapMs * RHYTHM.times, RHYTHM.mostMs);
}
