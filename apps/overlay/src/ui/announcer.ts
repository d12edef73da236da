import type { PanelModel } from './panel-model.ts';
import { sentenceOf } from './status.tsx';
import { t } from './words.ts';

/** What a screen reader says: states politely, decisions and stops at once, steps now and then. */

/** Steps are spoken at most this often; a state change at once. */
const SPEAK_MS = 5000;

let line = '';
let spokenMode = '';
let spokenAtMs = 0;

/** The polite line for this moment; stays the same between two announcements. */
export function politeLine({ shown: view, hostHeard }: PanelModel): string {
  if (view === null) return '';
  const now = performance.now();
  if (view.mode === spokenMode && now - spokenAtMs < SPEAK_MS) return line;
  const step = view.mode === 'running' ? (view.next ?? view.steps[0]) : null;
  line = joined([t(`mode.${view.mode}`), sentenceOf(view, hostHeard), step?.action], '. ');
  spokenMode = view.mode;
  spokenAtMs = now;
  return line;
}

/** The urgent line, or nothing. */
export function urgentLine({ shown: view, hostHeard }: PanelModel): string {
  switch (view?.mode) {
    case 'awaiting_human':
      return joined([t('mode.awaiting_human'), view.ask?.request?.action, view.ask?.question], ': ');
    case 'stopped':
    case 'controls_lost':
      return joined([t(`mode.${view.mode}`), sentenceOf(view, hostHeard)], '. ');
    default:
      return '';
  }
}

const joined = (parts: readonly (string | null | undefined)[], between: string): string =>
  parts.filter(Boolean).join(between);
