import type { CommandFailure, CommandResult } from '@deskhand/protocol';

export type Answer = Readonly<{
  message: CommandResult | CommandFailure;
  /** The picture the result mentions, to be sent before it. */
  frame: { frameId: string; bytes: Uint8Array } | null;
}>;

const REMEMBERED = 1000;
/** Observations are large; older answers keep what was done and lose what was seen. */
const REMEMBERED_WITH_SIGHT = 8;

/**
 * Commands by id: one in flight is joined, one that is finished is answered again, none is done twice
 * (SPEC ACT1). Lives as long as the daemon; its boot id tells a server when it is gone.
 */
export class CommandCache {
  readonly #inFlight = new Map<string, Promise<Answer>>();
  readonly #finished = new Map<string, Answer>();

  /** Runs `work` for a new id only. */
  async once(id: string, work: () => Promise<Answer>): Promise<Answer> {
    const finished = this.#finished.get(id);
    if (finished !== undefined) return repeated(finished);
    const running = this.#inFlight.get(id);
    if (running !== undefined) return repeated(await running);
    const started = work();
    this.#inFlight.set(id, started);
    try {
      const answer = await started;
      this.#remember(id, answer);
      return answer;
    } finally {
      this.#inFlight.delete(id);
    }
  }

  #remember(id: string, answer: Answer): void {
    this.#finished.set(id, answer);
    const ids = [...this.#finished.keys()];
    const fading = ids[ids.length - 1 - REMEMBERED_WITH_SIGHT];
    if (fading !== undefined) {
      const old = this.#finished.get(fading) as Answer;
      const message = old.message.type === 'result' ? { ...old.message, observation: null } : old.message;
      this.#finished.set(fading, { message, frame: null });
    }
    const oldest = ids[0];
    if (ids.length > REMEMBERED && oldest !== undefined) this.#finished.delete(oldest);
  }
}

function repeated(answer: Answer): Answer {
  return answer.message.type === 'result'
    ? { ...answer, message: { ...answer.message, repeated: true } }
    : answer;
}
