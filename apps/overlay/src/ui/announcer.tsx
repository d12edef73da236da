import { MODE_WORDS } from './messages.ts';
import type { PanelModel } from './panel-model.ts';
import { sentenceOf } from './status.tsx';

/** Steps are spoken at most this often; a state change at once. */
const SPEAK_MS = 5000;

/** What a screen reader says: states politely, decisions and stops at once, steps now and then. */
export class Announcer {
  #line = '';
  #mode = '';
  #spokenAtMs = 0;

  /** The polite line for this moment; stays the same between two announcements. */
  politeLine(model: PanelModel): string {
    const view = model.shown;
    if (view === null) return '';
    const now = performance.now();
    if (view.mode === this.#mode && now - this.#spokenAtMs < SPEAK_MS) return this.#line;
    const step = view.mode === 'running' ? (view.next ?? view.steps[0]) : null;
    this.#line = [MODE_WORDS[view.mode], sentenceOf(view, model.hostHeard), step?.action]
      .filter(Boolean)
      .join('. ');
    this.#mode = view.mode;
    this.#spokenAtMs = now;
    return this.#line;
  }
}

/** The urgent line, or nothing. */
export function urgentLine(model: PanelModel): string {
  const view = model.shown;
  if (view === null) return '';
  if (view.mode === 'awaiting_human')
    return [MODE_WORDS.awaiting_human, view.ask?.request?.action, view.ask?.question]
      .filter(Boolean)
      .join(': ');
  if (view.mode === 'stopped' || view.mode === 'controls_lost')
    return `${MODE_WORDS[view.mode]}. ${sentenceOf(view, model.hostHeard)}`;
  return '';
}
