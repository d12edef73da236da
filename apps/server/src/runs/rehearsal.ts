import type { Decision, Engine, EngineSession, HistoryEntry, Turn, Verifier } from '@deskhand/agent';
import type { Minds } from './minds.ts';

/** What a marker in a task asks a test machine to play. */
type Part = 'pause' | 'fail';

/**
 * The minds of a run on a test machine whose task bears `[pause]` or `[fail]` (v1-api.md 10.1): what a client's own tests
 * need to be the same each time. The virtual desktop is really looked at and its pointer really moved, once a step; the
 * task itself is not attempted, and every word of the run says so.
 * @returns null for any other task
 */
export function rehearsalFor(task: string): Minds | null {
  const part = /\[(pause|fail)\]/.exec(task)?.[1] as Part | undefined;
  if (part === undefined) return null;
  const engine: Engine = {
    name: 'rehearsal',
    observeRequest: {},
    open: (_brief, earlier = []) => new Rehearsal(part, earlier),
  };
  return { engineFor: async () => engine, verifierFor: async () => NO_JUDGE };
}

/** A step, then what the marker says; after a pause one more step and the end. */
class Rehearsal implements EngineSession {
  readonly #part: Part;
  #asked: boolean;
  #steps: number;

  constructor(part: Part, earlier: readonly HistoryEntry[]) {
    this.#part = part;
    this.#steps = new Set(earlier.map((entry) => entry.step)).size;
    // A server that restarted has asked already, or was about to: a person answers once.
    this.#asked = this.#steps > 0;
  }

  async decide({ sight }: Turn): Promise<Decision> {
    const marker = `[${this.#part}]`;
    const reasoning = `A rehearsal: the task says ${marker}.`;
    if (this.#steps === 0 || (this.#asked && this.#steps === 1 && this.#part === 'pause')) {
      this.#steps += 1;
      const { geometry } = sight.observation.frame ?? {};
      const { width, height } = geometry?.image ?? { width: 2, height: 2 };
      const point = { x: Math.floor(width / 2), y: Math.floor(height / (1 + this.#steps)) };
      const operations = [{ type: 'move', point, durationMs: 0 } as const];
      return { type: 'act', reasoning, frameId: geometry?.frameId ?? null, operations };
    }
    if (this.#part === 'fail')
      return { type: 'fail', reasoning, code: 'TASK_FAILED', message: `The task says ${marker}.` };
    if (!this.#asked) {
      this.#asked = true;
      return {
        type: 'ask_human',
        reasoning,
        question: `The task says ${marker}: resume the run to let it go on.`,
      };
    }
    return {
      type: 'done',
      reasoning,
      summary: 'Rehearsed on a test machine; the task itself was not attempted.',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const NO_JUDGE: Verifier = {
  name: 'rehearsal',
  verify: async () => ({
    judgement: 'satisfied',
    reason: 'A rehearsal on a test machine: its marker was followed, nothing else was judged.',
    confidence: 0,
    evidence: [],
  }),
};
