import { sleep } from '@deskhand/base';
import type { SettleReport } from '@deskhand/protocol';
import type { ChangeHistory } from './change-history.ts';

export type SettleOptions = Readonly<{
  floorMs: number;
  quietMs: number;
  ceilingMs: number;
  stillLoading?: () => Promise<boolean>;
}>;

/** How often a page that still loads is asked again. */
const LOADING_POLL_MS = 40;

/**
 * Waits until `history` is quiet: the floor has passed, nothing but ambient changes for `quietMs`, and
 * nothing is loading. Ends at the ceiling whatever happens.
 * @param look brings the history up to date; called before each decision.
 * @param now monotonic milliseconds, the clock of the history.
 */
export async function waitForQuiet(
  history: ChangeHistory,
  options: SettleOptions,
  parts: { look: () => Promise<void> | void; now: () => number; stepMs: number },
  stop: { signal: AbortSignal },
): Promise<SettleReport & { changedArea: number }> {
  const { floorMs, quietMs, ceilingMs, stillLoading } = options;
  const { look, now, stepMs } = parts;
  const markedAt = history.markedAt;
  let sawLoading = false;
  let loadedAt = markedAt;
  for (;;) {
    stop.signal.throwIfAborted();
    await look();
    const at = now();
    const change = history.lastChange();
    const report = (reason: SettleReport['reason']) => ({
      settledMs: Math.round((at - markedAt) * 10) / 10,
      reason,
      changedArea: change?.area ?? 0,
    });
    if (at - markedAt >= ceilingMs) return report('ceiling');
    const quietAt = Math.max(
      markedAt + floorMs,
      change === null ? markedAt : change.at + quietMs,
      sawLoading ? loadedAt + quietMs : markedAt,
    );
    if (at >= quietAt) {
      const loading = stillLoading === undefined ? false : await stillLoading();
      if (!loading) {
        if (sawLoading) return report('load_finished');
        return report(change === null ? 'no_change' : 'quiet');
      }
      sawLoading = true;
      loadedAt = now();
      await sleep(Math.min(LOADING_POLL_MS, markedAt + ceilingMs - loadedAt), stop);
      continue;
    }
    await sleep(Math.max(1, Math.min(stepMs, quietAt - at, markedAt + ceilingMs - at)), stop);
  }
}
