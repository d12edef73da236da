import type english from '../locales/en.json';
import type { PanelView } from './panel-view.ts';

export type MessageKey = keyof typeof english;
export type Translate = (
  key: MessageKey,
  values?: Readonly<Record<string, string | number | null | undefined>>,
) => string;

/**
 * What the state means now, in one sentence; empty where its name says it all.
 * @param clock time of day of an ISO time, null for what is none.
 */
export function sentenceOf(
  view: PanelView,
  hostHeard: boolean,
  t: Translate,
  clock: (iso: string) => string | null,
): string {
  switch (view.mode) {
    case 'idle':
      return view.run === null
        ? t('idle')
        : t('lastRun', { status: t('runStatus', { status: view.run.status }) });
    case 'pairing':
      return view.pairing === null ? '' : t('pairing', { host: view.pairing.host });
    case 'paused':
    case 'takeover':
      return t('pause', { kind: view.pause?.kind });
    case 'stopped':
      return t('stopped', { by: view.latch?.by, at: clock(view.latch?.at ?? '') ?? 'unknown' });
    case 'disconnected':
      return t('disconnected');
    case 'controls_lost':
      return t(`lost.${!hostHeard ? 'host' : view.links.guard ? 'daemon' : 'guard'}`);
    default:
      return '';
  }
}
