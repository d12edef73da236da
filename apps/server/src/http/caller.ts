import type { FastifyRequest } from 'fastify';
import type { KeyIdentity } from '../keys/key-store.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for every route that needs a key. */
    caller: KeyIdentity | null;
  }
  interface FastifySchema {
    summary?: string;
    tags?: readonly string[];
    produces?: readonly string[];
    requestHeaders?: Readonly<Record<string, string>>;
  }
  interface FastifyContextConfig {
    /** `public`: no key. `any`: any key. Otherwise the scope the key must have. */
    access?: 'public' | 'any' | string;
  }
}

export function callerOf(request: FastifyRequest): KeyIdentity {
  const { caller } = request;
  if (caller === null) throw new Error('This route was declared public and has no caller.');
  return caller;
}
