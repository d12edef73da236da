import { sleep } from '@deskhand/base';
import type { Point } from '@deskhand/protocol';
import type { EarlyListener, Settled } from '../ports.ts';
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
  /** Ends the wait, before the floor too: the application itself said that it is done. */
  arrived?: () => Promise<boolean>;
  /** Whether what was clicked says of itself that it changed: nobody else's answer has to be waited for as long. */
  told?: () => Promise<boolean>;
  early?: EarlyListener;
}>;

/** What went on after so many pauses has a rhythm: it is not over before it stood still for longer than it ever did. */
const RHYTHM = { pauses: 3, times: 2, mostMs: 400 } as const;
/** How often a page that still loads is asked again: so exactly its end is known, and quiet counts from there. */
const LOADING_POLL_MS = 40;
/** A look that begins so long before the end is over when the end comes. */
const EARLY_MS = 110;
/** What an application tells about itself comes a little later than its pixels: until then nobody looks early. */
const EARLY_AFTER_CHANGE_MS = 30;
/** How often the application is asked whether it is done. */
const ARRIVED_POLL_MS = 12;
/** And when it says so, nothing changed for longer than a frame takes: a field may open another one when it is entered. */
const ARRIVED_QUIET_MS = 25;
/** What else a page does because a box was ticked, it does with the same picture, or soon after. */
const TOLD_ANSWER_MS = 180;
/** Asked when it can still save something; applications tell a little later than they paint. */
const ASK_TOLD_AT_MS = 100;

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
  const { arrived, told, early } = options;
  const { look, now, stepMs } = parts;
  const startedAt = now();
  let sawLoading = false;
  let askedLoadingAt = startedAt;
  /** When it was first told that what had been loading no longer does. */
  let loadedAt: number | null = null;
  let calmAt: number | null = null;
  const stir = () => {
    if (calmAt !== null) early?.stirred();
    calmAt = null;
  };
  let askedAt = startedAt;
  let answerAt = startedAt + Math.max(floorMs, answerMs);
  let mayTell = told !== undefined && answerMs > TOLD_ANSWER_MS;
  for (;;) {
    stop.signal.throwIfAborted();
    await look();
    const at = now();
    const change = history.summary(target);
    const report = (reason: Settled['reason']): Settled => ({
      settledMs: Math.round((at - startedAt) * 10) / 10,
      reason,
      changedArea: change?.area ?? 0,
      restedMs: change === null ? null : Math.max(0, at - change.lastAt),
      answerMs: change?.answeredAt == null ? null : Math.max(0, change.answeredAt - startedAt),
      // A pause that somebody explained by loading needs no patience the next time.
      longestGapMs: sawLoading ? 0 : (change?.longestGapMs ?? 0),
      places: change?.places ?? [],
      moving: history.moving(),
    });
    if (calmAt !== null && change !== null && change.lastAt >= calmAt) stir();
    if (at - startedAt >= ceilingMs) return report('ceiling');
    const rested = change === null || at - change.lastAt >= ARRIVED_QUIET_MS;
    if (arrived !== undefined && rested && at - askedAt >= ARRIVED_POLL_MS) {
      askedAt = at;
      if (await arrived()) return report(change === null ? 'no_change' : 'quiet');
    }
    const answered = change !== null && change.answeredAt !== null;
    if (mayTell && !answered && change !== null && at - startedAt >= ASK_TOLD_AT_MS) {
      mayTell = false;
      if ((await told?.()) === true) answerAt = startedAt + Math.max(floorMs, TOLD_ANSWER_MS);
    }
    if (sawLoading && loadedAt === null && at - askedLoadingAt >= LOADING_POLL_MS) {
      askedLoadingAt = at;
      if ((await stillLoading?.()) !== true) loadedAt = now();
    }
    const quietAt = Math.max(
      answered ? startedAt + floorMs : answerAt,
      change === null ? startedAt : change.lastAt + Math.max(quietMs, rhythmMs(change)),
      // What the end of the load brought may not be painted yet, and it ended since it was asked about last.
      sawLoading ? (loadedAt ?? at + LOADING_POLL_MS) + quietMs : startedAt,
    );
    if (at >= quietAt) {
      const loading = stillLoading === undefined ? false : await stillLoading();
      if (!loading) {
        if (sawLoading) return report('load_finished');
        return report(change === null ? 'no_change' : 'quiet');
      }
      sawLoading = true;
      loadedAt = null;
      askedLoadingAt = now();
      stir();
      await sleep(Math.max(1, Math.min(LOADING_POLL_MS, startedAt + ceilingMs - askedLoadingAt)), stop);
      continue;
    }
    const changedAt = change?.lastAt ?? startedAt;
    if (
      calmAt === null &&
      early !== undefined &&
      (!sawLoading || loadedAt !== null) &&
      quietAt - at <= EARLY_MS &&
      at - changedAt >= EARLY_AFTER_CHANGE_MS
    ) {
      if ((await stillLoading?.()) !== true) {
        calmAt = now();
        early.calm(change === null ? null : calmAt - change.lastAt);
      }
    }
    await sleep(Math.max(1, Math.min(stepMs, quietAt - at, startedAt + ceilingMs - at)), stop);
  }
}

/** How long what changes step by step may stand still, milliseconds; 0 for what came in one or two bursts. */
function rhythmMs({ pauses, longestGapMs }: ChangeSummary): number {
  return pauses < RHYTHM.pauses ? 0 : Math.min(longestGapMs * RHYTHM.times, RHYTHM.mostMs);
}
