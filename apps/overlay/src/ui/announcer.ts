import type { PanelModel } from './panel-model.ts';
import type { sentenceOf } from './status.tsx';
import type { t as translate } from './words.ts';

/** Steps are spoken at most this often; a state change at once. */
const SPEAK_MS = 5000;

/** What a screen reader says: states politely, decisions and stops at once, steps now and then. */
export class Announcer {
  readonly #t: typeof translate;
  readonly #sentenceOf: typeof sentenceOf;
  #line = '';
  #mode = '';
  #spokenAtMs = 0;

  constructor(t: typeof translate, sentence: typeof sentenceOf) {
    this.#t = t;
    this.#sentenceOf = sentence;
  }

  /** The polite line for this moment; stays the same between two announcements. */
  politeLine({ shown: view, hostHeard }: PanelModel): string {
    if (view === null) return '';
    const now = performance.now();
    if (view.mode === this.#mode && now - this.#spokenAtMs < SPEAK_MS) return this.#line;
    const step = view.mode === 'running' ? (view.next ?? view.steps[0]) : null;
    this.#line = joined(
      [this.#t(`mode.${view.mode}`), this.#sentenceOf(view, hostHeard), step?.action],
      '. ',
    );
    this.#mode = view.mode;
    this.#spokenAtMs = now;
    return this.#line;
  }

  /** The urgent line, or nothing. */
  urgentLine({ shown: view, hostHeard }: PanelModel): string {
    switch (view?.mode) {
      case 'awaiting_human':
        return joined([this.#t('mode.awaiting_human'), view.ask?.request?.action, view.ask?.question], ': ');
      case 'stopped':
      case 'controls_lost':
        return joined([this.#t(`mode.${view.mode}`), this.#sentenceOf(view, hostHeard)], '. ');
      default:
        return '';
    }
  }
}

const joined = (parts: readonly (string | null | undefined)[], between: string): string =>
  parts.filter(Boolean).join(between);
