import type { StepView } from '../core/panel-view.ts';
import { formatCount, formatSeconds } from './numbers.ts';
import { t } from './words.ts';

/** The last steps, newest first. A log for those who look; it is not spoken by itself. */
export function StepLog({ steps }: { steps: readonly StepView[] }) {
  const done = steps.filter((step) => step.outcome !== null);
  return (
    <section class="log">
      <div role="log" aria-live="off" aria-label={t('steps')}>
        <ol>
          {done.length === 0 && <li class="none">{t('noSteps')}</li>}
          {done.map((step) => (
            <li
              key={step.step}
              class={`outcome-${step.outcome}`}
              title={
                step.settledMs === null ? undefined : t('settled', { seconds: formatSeconds(step.settledMs) })
              }
            >
              <span class="number">{formatCount(step.step)}</span>
              <bdi>{step.action}</bdi>
              <span class="outcome">{step.outcome && t(`outcome.${step.outcome}`)}</span>
              <span class="took">{t('took', { seconds: formatSeconds(step.tookMs) })}</span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
