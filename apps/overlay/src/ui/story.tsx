import type { PanelView } from '../core/panel-view.ts';
import { t } from './words.ts';

/** What happens next in facts, and beneath it the model's reason, quoted. */
export function Next({ view: { next, steps, thought } }: { view: PanelView }) {
  const action = (next ?? steps[0])?.action;
  if (!action && !thought) return null;
  return (
    <section class="next">
      {action && (
        <p class="action">
          <span class="label">{t(next ? 'next' : 'last')}</span> <bdi>{action}</bdi>
        </p>
      )}
      {thought && (
        <details class="thought">
          <summary>
            <span class="label">{t('why')}</span>
            <q dir="auto">{thought}</q>
          </summary>
        </details>
      )}
    </section>
  );
}
