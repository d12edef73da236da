import { DeletedLlmKey, LlmKeyList, type LlmProvider, StoredLlmKey } from '@deskhand/protocol';
import type { CallOptions } from './call-options.ts';
import type { Http } from './http.ts';

/** A model key that goes along with one run and is destroyed when the run ends. */
export type RunLlmKey = Readonly<{
  provider: LlmProvider;
  /** Left out: the key stored for this provider. */
  apiKey?: string;
  /** As the provider calls it; left out: the provider's default. */
  model?: string;
}>;

/** `/v1/llm/keys`: model keys of your own, used by runs that name their provider. Needs the scope `llm_keys`. */
export class LlmKeys {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  /** Stores the key, sealed; an earlier one of this provider is replaced. */
  store(provider: LlmProvider, apiKey: string, options: CallOptions = {}): Promise<StoredLlmKey> {
    return this.#http.json(StoredLlmKey, {
      method: 'PUT',
      path: `/llm/keys/${provider}`,
      body: { api_key: apiKey },
      signal: options.signal,
    });
  }

  list(options: CallOptions = {}): Promise<LlmKeyList> {
    return this.#http.json(LlmKeyList, { method: 'GET', path: '/llm/keys', signal: options.signal });
  }

  /** @throws ApiError `LLM_KEY_NOT_FOUND` */
  delete(provider: LlmProvider, options: CallOptions = {}): Promise<DeletedLlmKey> {
    return this.#http.json(DeletedLlmKey, {
      method: 'DELETE',
      path: `/llm/keys/${provider}`,
      signal: options.signal,
    });
  }
}

/** @throws TypeError for a key that no header can carry, without quoting it */
export function llmHeaders(llm: RunLlmKey | undefined): Record<string, string> {
  if (llm === undefined) return {};
  if (llm.apiKey !== undefined && !/^[\x21-\x7e]{16,512}$/.test(llm.apiKey))
    throw new TypeError('llm.apiKey has 16 to 512 characters, all printable ASCII; copy it again.');
  return {
    'x-llm-provider': llm.provider,
    ...(llm.apiKey === undefined ? {} : { 'x-llm-api-key': llm.apiKey }),
    ...(llm.model === undefined ? {} : { 'x-llm-model': llm.model }),
  };
}
