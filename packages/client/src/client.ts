import { randomHex } from '@deskhand/base';
import { Health, Usage } from '@deskhand/protocol';
import type { CallOptions } from './call-options.ts';
import { type ClientOptions, Http } from './http.ts';
import { Keys } from './keys.ts';
import { LlmKeys } from './llm-keys.ts';
import { Machines } from './machines.ts';
import { Runs } from './runs.ts';
import { Tasks } from './tasks.ts';

/** A Deskhand server over `/v1`. Opens nothing by itself; there is nothing to close. */
export class Client {
  readonly runs: Runs;
  readonly tasks: Tasks;
  readonly machines: Machines;
  readonly keys: Keys;
  readonly llmKeys: LlmKeys;
  readonly #http: Http;

  /** @throws TypeError saying what is wrong with an option */
  constructor(options: ClientOptions) {
    this.#http = new Http(options);
    this.runs = new Runs(this.#http);
    this.tasks = new Tasks(this.#http);
    this.machines = new Machines(this.#http);
    this.keys = new Keys(this.#http);
    this.llmKeys = new LlmKeys(this.#http);
  }

  /** Calls and cost of one calendar month, `YYYY-MM` in UTC; default the current one. Needs the scope `usage`. */
  usage(options: CallOptions & { period?: string } = {}): Promise<Usage> {
    return this.#http.json(Usage, {
      method: 'GET',
      path: '/usage',
      query: { period: options.period },
      signal: options.signal,
    });
  }

  /** Whether the server is up; needs no key. */
  health(options: CallOptions = {}): Promise<Health> {
    return this.#http.json(Health, { method: 'GET', path: '/health', signal: options.signal });
  }
}

/** A fresh key for `runs.create` and `machines.create`; keep it to ask again after a crash of your own. */
export function newIdempotencyKey(): string {
  return `sdk_${randomHex(24)}`;
}
