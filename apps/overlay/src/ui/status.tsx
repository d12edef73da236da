import type { PanelView } from '../core/panel-view.ts';
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
      {model.canCollapse && (
        <button type="button" class="plain" aria-label={t(toggle)} onClick={() => model.toggleCollapsed()}>
          <Icon name={toggle} />
        </button>
      )}
      {sentence !== '' && <p class="sentence">{sentence}</p>}
    </header>
  );
}

export function sentenceOf(view: PanelView, hostHeard: boolean): string {
  switch (view.mode) {
    case 'idle':
      return view.run === null ? t('idle') : t('lastRun', { status: view.run.status });
    case 'pairing':
      return view.pairing === null ? '' : t('pairing', { host: view.pairing.host });
    case 'paused':
    case 'takeover':
      return t('pause', { kind: view.pause?.kind });
    case 'stopped':
      return t('stopped', { by: view.latch?.by, at: formatClock(view.latch?.at ?? '') ?? 'unknown' });
    case 'disconnected':
      return t('disconnected');
    case 'controls_lost':
      return t(`lost.${!hostHeard ? 'host' : view.links.guard ? 'daemon' : 'guard'}`);
    default:
      return '';
  }
}
