import type { RunView } from '../core/panel-view.ts';
import { fill, words } from './messages.ts';
import { formatCents, formatDuration } from './numbers.ts';

/** Task, time, steps and money of the run. */
export function RunMeter({ run, nowMs }: { run: RunView; nowMs: number }) {
  const startedMs = Date.parse(run.startedAt);
  const usedMs = Math.max(0, (run.endedAt === null ? nowMs : Date.parse(run.endedAt)) - startedMs);
  const allowedMs = run.deadlineAt === null ? null : Date.parse(run.deadlineAt) - startedMs;
  const time =
    allowedMs === null ? formatDuration(usedMs) : `${formatDuration(usedMs)} / ${formatDuration(allowedMs)}`;
  return (
    <section class="meter">
      <p class="task" title={run.task}>
        <bdi>{run.task}</bdi>
      </p>
      <p class="figures">
        <span>{fill(words.step, { step: run.step, max: run.maxSteps })}</span>
        <span>
          {run.budgetCents === null
            ? formatCents(run.costCents)
            : fill(words.costOf, { cost: formatCents(run.costCents), budget: formatCents(run.budgetCents) })}
        </span>
        <span>{time}</span>
      </p>
      {allowedMs !== null && allowedMs > 0 && (
        <progress aria-label={words.time} max={1} value={Math.min(1, usedMs / allowedMs)} />
      )}
    </section>
  );
}
