import {
  type CommandId,
  type Observation,
  Operation,
  type OperationInput,
  type Outcome,
  ProtocolError,
} from '@deskhand/protocol';
import type { HistoryEntry, Machine } from '../ports.ts';

/** Fresh facts from the machine: one careful look, files on request, and what the journal says was done. */
export class Evidence {
  readonly #machine: Machine;
  readonly #newCommandId: () => CommandId;
  readonly #signal: AbortSignal;
  readonly history: readonly HistoryEntry[];
  /** What the run is about to tell as its answer: to be proven, no proof. */
  readonly answer: string | null;

  constructor(options: {
    machine: Machine;
    newCommandId: () => CommandId;
    history: readonly HistoryEntry[];
    answer?: string | undefined;
    signal: AbortSignal;
  }) {
    this.#machine = options.machine;
    this.#newCommandId = options.newCommandId;
    this.#signal = options.signal;
    this.history = options.history;
    this.answer = options.answer ?? null;
  }

  /** Elements and, because a tree can be made to say anything, the words of the picture. */
  async look(): Promise<Observation> {
    const sight = await this.#machine.observe(
      { elements: true, ocr: true, settle: true },
      { signal: this.#signal },
    );
    return sight.observation;
  }

  /** Elements alone, which a busy machine had no time for beside reading the picture; its words are kept. */
  async lookAgain(before: Observation): Promise<Observation> {
    const { observation } = await this.#machine.observe({ elements: true }, { signal: this.#signal });
    return {
      ...observation,
      elements: [...observation.elements, ...before.elements.filter(({ source }) => source === 'ocr')],
      sources: [...new Set([...observation.sources, ...before.sources])],
    };
  }

  /** What is known about a file; null when this desktop does not say. Content only when it is text and short enough. */
  async file(
    path: string,
    wantContent: boolean,
  ): Promise<{ exists: boolean; content: string | null } | null> {
    const stat = await this.#ask({ type: 'stat_file', path });
    const exists = stat?.result?.exists;
    if (typeof exists !== 'boolean') return null;
    if (!exists || !wantContent) return { exists, content: null };
    const read = await this.#ask({ type: 'read_file', path, maxBytes: 1_048_576 });
    const content = read?.result?.text;
    return { exists, content: typeof content === 'string' ? content : null };
  }

  /** A question that changes nothing; no answer is an answer too. */
  async #ask(input: OperationInput): Promise<Outcome | null> {
    try {
      const { outcomes } = await this.#machine.act(
        {
          commandId: this.#newCommandId(),
          frameId: null,
          operations: [Operation.parse(input)],
          observe: { frame: null, settle: false },
        },
        { signal: this.#signal },
      );
      return outcomes[0] ?? null;
    } catch (error) {
      if (error instanceof ProtocolError && !this.#signal.aborted) return null;
      throw error;
    }
  }
}
