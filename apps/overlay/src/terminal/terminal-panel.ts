import type { CommandResult, PanelMode, PanelView, StepView } from '../core/panel-view.ts';
import { sentenceOf, type Translate } from '../core/sentence.ts';

/** Where lines go, and how they may look. */
export type Screen = Readonly<{
  /** One line without its end. */
  line(text: string): void;
  /** Escape codes are understood. */
  coloured: boolean;
}>;

const MARKS: Readonly<Record<PanelMode, string>> = {
  idle: '○',
  pairing: '⇄',
  running: '▶',
  awaiting_human: '?',
  paused: '‖',
  takeover: '✋',
  stopped: '■',
  disconnected: '⚠',
  controls_lost: '⚠',
};
const COLOURS: Partial<Record<PanelMode, number>> = {
  running: 34,
  awaiting_human: 33,
  stopped: 31,
  disconnected: 33,
  controls_lost: 31,
};

/**
 * The panel as lines of a terminal: the same state and the same words, a line for each change. Everything in a view is
 * inert text already.
 */
export class TerminalPanel {
  readonly #screen: Screen;
  readonly #t: Translate;
  readonly #keys: boolean;
  readonly #clock: (iso: string) => string | null;
  #mode: PanelMode | null = null;
  #head = '';
  #told = new Map<number, string>();
  #runId: string | null = null;
  #thought: string | null = null;

  /** @param options.keys pressing `s` stops here. */
  constructor(
    screen: Screen,
    t: Translate,
    options: { keys: boolean; clock: (iso: string) => string | null },
  ) {
    this.#screen = screen;
    this.#t = t;
    this.#keys = options.keys;
    this.#clock = options.clock;
  }

  show(view: PanelView): void {
    if (view.run?.id !== this.#runId) {
      this.#runId = view.run?.id ?? null;
      this.#told.clear();
      this.#thought = null;
      if (view.run !== null) this.#screen.line(this.#paint(1, view.run.task));
    }
    for (const step of [...view.steps].reverse()) this.#step(step);
    if (view.thought !== null && view.thought !== this.#thought) {
      this.#thought = view.thought;
      this.#screen.line(this.#paint(2, `     “${oneLine(view.thought)}”`));
    }
    const sentence = sentenceOf(view, true, this.#t, this.#clock);
    const asked = view.ask === null ? '' : askedLine(view.ask);
    const head = [this.#t(`mode.${view.mode}`), sentence, asked].filter((part) => part !== '').join('. ');
    if (head === this.#head) return;
    this.#head = head;
    this.#screen.line(this.#paint(COLOURS[view.mode] ?? 0, `${MARKS[view.mode]} ${head}`));
    if (view.mode !== this.#mode && view.mode !== 'stopped')
      this.#screen.line(this.#paint(2, `  ${this.#how(view)}`));
    this.#mode = view.mode;
  }

  /** What became of a stop that was asked for here. */
  stopResult(result: CommandResult['result'], chord: string): void {
    if (result === 'confirmed') return;
    this.#screen.line(this.#paint(31, this.#t('stop.notConfirmed', { chord })));
  }

  stopAsked(): void {
    this.#screen.line(this.#t('stop.pending'));
  }

  #how({ stop }: PanelView): string {
    const anywhere = stop.active
      ? stop.chordArmed === false
        ? this.#t('stop.hotkeyDead', { reason: stop.chordReason ?? '' })
        : this.#t('stop.anywhere', { chord: stop.chord })
      : this.#t('stop.inactive', { chord: stop.chord });
    return this.#keys ? `${this.#t('terminal.keys')} ${anywhere}` : anywhere;
  }

  #step({ step, action, outcome, tookMs }: StepView): void {
    const line =
      outcome === null
        ? action
        : `${action ?? ''} – ${this.#t(`outcome.${outcome}`)} (${this.#t('took', { seconds: (tookMs / 1000).toFixed(1) })})`;
    if (line === null || this.#told.get(step) === line) return;
    this.#told.set(step, line);
    this.#screen.line(`${String(step).padStart(4)} ${line}`);
  }

  #paint(code: number, text: string): string {
    return this.#screen.coloured && code > 0 ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

/** Facts first; the agent's own words in quotation marks and on this line, so that they pass for nothing else. */
function askedLine({ request, question }: NonNullable<PanelView['ask']>): string {
  const words = question === '' ? null : `“${oneLine(question)}”`;
  return [request?.action, words].filter(Boolean).join(' – ');
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
}
