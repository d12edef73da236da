import { CreatedKey, type CreateKeyInput, KeyList, RevokedKey } from '@deskhand/protocol';
import type { CallOptions } from './call-options.ts';
import { type Http, segment } from './http.ts';

/** `/v1/keys`; needs the scope `keys`. */
export class Keys {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  /** A key of the same mode (live or test) as the caller's. `key` is shown in this answer only. */
  create(input: CreateKeyInput, options: CallOptions = {}): Promise<CreatedKey> {
    return this.#http.json(CreatedKey, {
      method: 'POST',
      path: '/keys',
      body: input,
      signal: options.signal,
    });
  }

  list(options: CallOptions = {}): Promise<KeyList> {
    return this.#http.json(KeyList, { method: 'GET', path: '/keys', signal: options.signal });
  }

  /** Takes effect at once. */
  revoke(keyId: string, options: CallOptions = {}): Promise<RevokedKey> {
    return this.#http.json(RevokedKey, {
      method: 'DELETE',
      path: `/keys/${segment(keyId)}`,
      signal: options.signal,
    });
  }
}
