import type { PanelView } from '../core/panel-view.ts';
import { sentenceOf as sentence } from '../core/sentence.ts';
import { Icon } from './icon.tsx';
import { formatClock } from './numbers.ts';
import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

/** Icon and word of the state, and one sentence that says what it means now. */
export function Status({ view, model }: { view: PanelView; model: PanelModel }) {
  const sentence = sentenceOf(view, model.hostHeard);
  const toggle = model.collapsed ? 'expand' : 'collapse';
  return (
    <header class="status">
      <h1>
        <span class="chip">
          <Icon name={view.mode} />
        </span>
        <span>{t(`mode.${view.mode}`)}</span>
      </h1>
      {model.transport.collapse && (
        <button type="button" class="plain" aria-label={t(toggle)} onClick={() => model.toggleCollapsed()}>
          <Icon name={toggle} />
        </button>
      )}
      {sentence && <p class="sentence">{sentence}</p>}
    </header>
  );
}

export const sentenceOf = (view: PanelView, hostHeard: boolean): string =>
  sentence(view, hostHeard, t, formatClock);
