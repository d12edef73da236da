import type { PanelView } from '../core/panel-view.ts';
import { t } from './words.ts';

/** What happens next in facts, and beneath it the model's reason, quoted. */
export function Next({ view }: { view: PanelView }) {
  const step = view.next ?? view.steps[0] ?? null;
  if (step === null && view.thought === null) return null;
  return (
    <section class="next">
      {step?.action && (
        <p class="action">
          <span class="label">{t(view.next === null ? 'last' : 'next')}</span> <bdi>{step.action}</bdi>
        </p>
      )}
      {view.thought && (
        <details class="thought">
          <summary>
            <span class="label">{t('why')}</span>
            <q dir="auto">{view.thought}</q>
          </summary>
        </details>
      )}
    </section>
  );
}
