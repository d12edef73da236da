import { type CreateTaskInput, Run } from '@deskhand/protocol';
import type { CallOptions } from './call-options.ts';
import type { Http } from './http.ts';
import { llmHeaders, type RunLlmKey } from './llm-keys.ts';

/** `/v1/tasks`: runs whose machine the server chooses. */
export class Tasks {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * Starts a run on an idle machine. What comes back is a run: follow, read and cancel it with `client.runs`.
   * `machine_id` is null until the machine is known; with none idle the run fails with `MACHINE_PROVISION_FAILED`.
   * Idempotency and `llm` as for `runs.create`.
   */
  async create(
    input: CreateTaskInput,
    options: CallOptions & { idempotencyKey?: string; llm?: RunLlmKey } = {},
  ): Promise<Run> {
    return this.#http.json(Run, {
      method: 'POST',
      path: '/tasks',
      body: input,
      idempotencyKey: options.idempotencyKey,
      headers: llmHeaders(options.llm),
      signal: options.signal,
    });
  }
}
