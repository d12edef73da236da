import type { OwnKey } from '@deskhand/agent';
import { Secret } from '@deskhand/base';
import type { OwnLlm } from '../llm/llm-choice.ts';
import type { Seal } from '../storage/seal.ts';
import type { RunRow } from './run-record.ts';

/**
 * Model keys that runs brought along: sealed in the run's row, opened for whoever drives it, and while they are in use
 * kept out of whatever is stored or told, should a provider echo them.
 */
export class ModelKeys {
  readonly #seal: Seal;
  readonly #inUse = new Map<string, string>();

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  /** The two columns of a new run. */
  columns(runId: string, own: OwnLlm | null): { llm: string | null; llm_key: string | null } {
    if (own === null) return { llm: null, llm_key: null };
    return {
      llm: JSON.stringify(publicLlm(own)),
      llm_key: this.#seal.close(own.key.reveal(), purpose(runId)),
    };
  }

  /** The key the run brought along; from here on it is kept out of whatever is told about the run. */
  open(row: RunRow): OwnKey | null {
    if (row.llm === null || row.llm_key === null) return null;
    const { provider, model, key_source: source } = JSON.parse(row.llm) as ReturnType<typeof publicLlm>;
    const key = this.#seal.open(row.llm_key, purpose(row.id));
    this.#inUse.set(row.id, key);
    return { provider, model, apiKey: new Secret(key), source };
  }

  /** The run has ended: nothing is told about it any more. */
  forget(runId: string): void {
    this.#inUse.delete(runId);
  }

  /** What is told about a run, with its own key blotted out. Plain data only. */
  blotOut<T>(runId: string, value: T): T {
    const key = this.#inUse.get(runId);
    if (key === undefined) return value;
    const text = JSON.stringify(value);
    const quoted = JSON.stringify(key).slice(1, -1);
    return text.includes(quoted) ? (JSON.parse(text.replaceAll(quoted, '[secret]')) as T) : value;
  }
}

function publicLlm(own: OwnLlm) {
  return {
    provider: own.provider,
    model: own.model,
    key_fingerprint: own.fingerprint,
    key_source: own.source,
  };
}

function purpose(runId: string): string {
  return `llm key of ${runId}`;
}
