import type { RunView } from '../core/panel-view.ts';
import { formatCents, formatCount, formatDuration } from './numbers.ts';
import { t } from './words.ts';

/** Task, time, steps and money of the run. */
export function RunMeter({ run, nowMs }: { run: RunView; nowMs: number }) {
  const startedMs = Date.parse(run.startedAt);
  const usedMs = Math.max(0, (run.endedAt === null ? nowMs : Date.parse(run.endedAt)) - startedMs);
  const allowedMs = run.deadlineAt === null ? null : Date.parse(run.deadlineAt) - startedMs;
  const figures = [
    [t('step'), formatCount(run.step), formatCount(run.maxSteps)],
    [t('cost'), formatCents(run.costCents), run.budgetCents === null ? null : formatCents(run.budgetCents)],
    [t('time'), formatDuration(usedMs), allowedMs === null ? null : formatDuration(allowedMs)],
  ] as const;
  return (
    <section class="meter">
      <p class="task" title={run.task}>
        <bdi>{run.task}</bdi>
      </p>
      <dl class="figures">
        {figures.map(([name, used, limit]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{limit === null ? used : t('of', { used, limit })}</dd>
          </div>
        ))}
      </dl>
      {allowedMs !== null && allowedMs > 0 && (
        <progress aria-label={t('time')} max={1} value={Math.min(1, usedMs / allowedMs)} />
      )}
    </section>
  );
}
