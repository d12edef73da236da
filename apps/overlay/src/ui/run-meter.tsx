import type { RunView } from '../core/panel-view.ts';
import { formatCents, formatCount, formatDuration } from './numbers.ts';
import { t } from './words.ts';

/** Task, time, steps and money of the run. */
export function RunMeter({ run, nowMs }: { run: RunView; nowMs: number }) {
  const startedMs = Date.parse(run.startedAt);
  const usedMs = Math.max(0, (run.endedAt ? Date.parse(run.endedAt) : nowMs) - startedMs);
  const allowedMs = run.deadlineAt ? Date.parse(run.deadlineAt) - startedMs : null;
  const figure = (
    name: 'step' | 'cost' | 'time',
    format: (value: number) => string,
    used: number,
    limit: number | null,
  ) => (
    <div>
      <dt>{t(name)}</dt>
      <dd>{limit === null ? format(used) : t('of', { used: format(used), limit: format(limit) })}</dd>
    </div>
  );
  return (
    <section class="meter">
      <p class="task" title={run.task}>
        <bdi>{run.task}</bdi>
      </p>
      <dl class="figures">
        {figure('step', formatCount, run.step, run.maxSteps)}
        {figure('cost', formatCents, run.costCents, run.budgetCents)}
        {figure('time', formatDuration, usedMs, allowedMs)}
      </dl>
      {allowedMs !== null && <progress aria-label={t('time')} max={allowedMs} value={usedMs} />}
    </section>
  );
}
