import { ProtocolError } from '@deskhand/protocol';
import type { KeyIdentity } from '../keys/key-store.ts';

const WINDOW_MS = 60_000;

type Window = { startMs: number; count: number };

export type RateState = Readonly<{ limit: number; remaining: number; resetInMs: number }>;

/** Requests per key and per account in windows of a minute. */
export class RateLimiter {
  readonly #perKey: number;
  readonly #perAccount: number;
  readonly #steadyMs: () => number;
  readonly #windows = new Map<string, Window>();

  /** @param parts.steadyMs a clock that nobody sets: a minute is a minute, and no limit lasts until a wall clock has caught up. */
  constructor(parts: { perKey: number; perAccount: number; steadyMs: () => number }) {
    this.#perKey = parts.perKey;
    this.#perAccount = parts.perAccount;
    this.#steadyMs = parts.steadyMs;
  }

  /**
   * Counts one request.
   * @returns what the headers say.
   * @throws ProtocolError RATE_LIMITED with `scope` `per_key` or `per_user`; its `rate` is for the headers.
   */
  take(caller: KeyIdentity): RateState {
    const nowMs = this.#steadyMs();
    const own = this.#count(`key ${caller.keyId}`, nowMs);
    const account = this.#count(`account ${caller.owner.accountId} ${caller.owner.mode}`, nowMs);
    const state: RateState = {
      limit: this.#perKey,
      remaining: Math.max(0, this.#perKey - own.count),
      resetInMs: own.startMs + WINDOW_MS - nowMs,
    };
    if (own.count > this.#perKey) throw limited('per_key', state.resetInMs, state);
    if (account.count > this.#perAccount)
      throw limited('per_user', account.startMs + WINDOW_MS - nowMs, { ...state, remaining: 0 });
    return state;
  }

  #count(name: string, nowMs: number): Window {
    const window = this.#windows.get(name);
    if (window !== undefined && nowMs - window.startMs < WINDOW_MS) {
      window.count += 1;
      return window;
    }
    const fresh = { startMs: nowMs, count: 1 };
    this.#windows.set(name, fresh);
    return fresh;
  }
}

/** Carries the state beside the error, so that a refusal has the headers too. */
export class RateLimitError extends ProtocolError {
  readonly rate: RateState;
  constructor(scope: 'per_key' | 'per_user', waitMs: number, rate: RateState) {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    super('RATE_LIMITED', `Too many requests; wait ${seconds} s.`, { retry_after: seconds, scope });
    this.rate = rate;
  }
}

function limited(scope: 'per_key' | 'per_user', waitMs: number, rate: RateState): RateLimitError {
  return new RateLimitError(scope, waitMs, rate);
}

export function rateHeaders(rate: RateState, nowMs: number): Record<string, string> {
  return {
    'x-ratelimit-limit': String(rate.limit),
    'x-ratelimit-remaining': String(rate.remaining),
    'x-ratelimit-reset': String(Math.ceil((nowMs + rate.resetInMs) / 1000)),
    'ratelimit-limit': String(rate.limit),
    'ratelimit-remaining': String(rate.remaining),
    'ratelimit-reset': String(Math.ceil(rate.resetInMs / 1000)),
  };
}
