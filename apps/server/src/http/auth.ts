import type { IncomingHttpHeaders } from 'node:http';
import { ProtocolError } from '@deskhand/protocol';
import type { KeyIdentity, KeyStore } from '../keys/key-store.ts';

const MAX_KEY_CHARACTERS = 256;

/** `X-API-Key`, or `Authorization: Bearer` when that is absent or blank (v1-api.md 1.2). Never the URL. */
export function keyFromHeaders(headers: IncomingHttpHeaders): string | null {
  const own = headers['x-api-key'];
  const first = (Array.isArray(own) ? own[0] : own)?.trim();
  if (first !== undefined && first !== '') return first;
  const match = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '');
  return match?.[1] ?? null;
}

/** @throws ProtocolError INVALID_API_KEY, the same for missing, malformed, unknown and revoked keys. */
export function authenticate(keys: KeyStore, headers: IncomingHttpHeaders): KeyIdentity {
  const key = keyFromHeaders(headers);
  const identity = key === null || key.length > MAX_KEY_CHARACTERS ? null : keys.identify(key);
  if (identity === null)
    throw new ProtocolError(
      'INVALID_API_KEY',
      key === null ? 'This request carries no API key.' : 'The API key is unknown or revoked.',
    );
  return identity;
}

/** @throws ProtocolError INSUFFICIENT_SCOPE */
export function requireScope(caller: KeyIdentity, scope: string): void {
  if (caller.scopes.has(scope)) return;
  throw new ProtocolError('INSUFFICIENT_SCOPE', `This needs a key with the scope ${scope}.`, {
    required_scope: scope,
    current_scopes: [...caller.scopes],
  });
}
