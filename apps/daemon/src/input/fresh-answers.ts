import type { WindowQuestions } from '../windows/x11-toplevels.ts';
import type { X11Connection } from '../x11/index.ts';

const PROPERTIES = [
  '_NET_CLIENT_LIST_STACKING',
  '_NET_CLIENT_LIST',
  '_NET_SUPPORTING_WM_CHECK',
  '_NET_ACTIVE_WINDOW',
  'WM_TRANSIENT_FOR',
] as const;
/** Windows are a few levels deep; whoever asks more may wait for it. */
const MAX_USUAL = 12;
/** Windows that were aimed at last, some with keys and clicks. */
const MAX_OCCASIONS = 32;

/**
 * Questions about windows asked while the X server serves nobody else, so that an answer stays true until the end.
 * What was asked on the last such occasion is asked at once, in one write with the grab: it is probably asked again,
 * and its answer is there then without another round trip. Nothing is remembered but the questions.
 */
export class FreshAnswers implements WindowQuestions {
  readonly #x: X11Connection;
  #atoms: Readonly<Record<string, number>> = {};
  /** Since the server serves nobody else; null while it does. */
  #answers: Map<string, Promise<unknown>> | null = null;
  #asked = new Map<string, () => Promise<unknown>>();
  readonly #usual = new Map<string, ReadonlyMap<string, () => Promise<unknown>>>();

  constructor(x: X11Connection) {
    this.#x = x;
  }

  get root(): number {
    return this.#x.root;
  }

  /** Names made numbers ahead: a question by name would leave in a write of its own. */
  async prepare(): Promise<void> {
    this.#atoms = await this.#x.atoms(PROPERTIES);
  }

  /** From now to {@link end} the server serves nobody else. @param occasion what usually asks the same. */
  begin(occasion: string): void {
    this.#answers = new Map();
    for (const [key, ask] of this.#usual.get(occasion) ?? []) this.#ask(key, ask);
    this.#asked = new Map();
    this.#usual.delete(occasion);
    this.#usual.set(occasion, this.#asked);
    const [oldest] = this.#usual.keys();
    if (this.#usual.size > MAX_OCCASIONS && oldest !== undefined) this.#usual.delete(oldest);
  }

  end(): void {
    this.#answers = null;
    this.#asked = new Map();
  }

  getNumbers(window: number, name: string | number): Promise<number[]> {
    const atom = typeof name === 'number' ? name : (this.#atoms[name] ?? name);
    return this.#remembered(`property ${window} ${atom}`, () => this.#x.getNumbers(window, atom));
  }

  queryTree(window: number): ReturnType<X11Connection['queryTree']> {
    return this.#remembered(`tree ${window}`, () => this.#x.queryTree(window));
  }

  windowAttributes(window: number): ReturnType<X11Connection['windowAttributes']> {
    return this.#remembered(`attributes ${window}`, () => this.#x.windowAttributes(window));
  }

  geometry(window: number): ReturnType<X11Connection['geometry']> {
    return this.#remembered(`geometry ${window}`, () => this.#x.geometry(window));
  }

  inputFocus(): Promise<number> {
    return this.#ask('focus', () => this.#x.inputFocus());
  }

  pointer(): ReturnType<X11Connection['pointer']> {
    return this.#ask('pointer', () => this.#x.pointer());
  }

  /** Another place each time: who knows it ahead asks it ahead. */
  translate(
    source: number,
    destination: number,
    x: number,
    y: number,
  ): ReturnType<X11Connection['translate']> {
    return this.#ask(`place ${source} ${destination} ${x} ${y}`, () =>
      this.#x.translate(source, destination, x, y),
    );
  }

  #remembered<T>(key: string, ask: () => Promise<T>): Promise<T> {
    if (this.#answers !== null && this.#asked.size < MAX_USUAL) this.#asked.set(key, ask);
    return this.#ask(key, ask);
  }

  #ask<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers?.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const answer = ask();
    // Asked ahead about a window that is gone by now, and perhaps never waited for.
    answer.catch(() => {});
    this.#answers?.set(key, answer);
    return answer;
  }
}
