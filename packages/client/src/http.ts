import { Secret, sleep } from '@deskhand/base';
import { decodeValue, ErrorBody, parseJson } from '@deskhand/protocol';
import type { z } from 'zod';
import { backoffMs, retryAfterSeconds } from './backoff.ts';
import { ApiError, ConnectionError, UnexpectedResponseError } from './errors.ts';
import { Watchdog } from './watchdog.ts';

export type ClientOptions = Readonly<{
  /** Where the server is, with or without the closing `/v1`: `http://127.0.0.1:8787/v1`. */
  baseUrl: string;
  /** `sk-coasty-live-…`, `sk-coasty-test-…` or `cua_sk_…`. */
  apiKey: string;
  /** @default globalThis.fetch */
  fetch?: typeof globalThis.fetch;
  /** One attempt from request to last byte, in milliseconds; event streams have `idleTimeoutMs`. @default 60000 */
  timeoutMs?: number;
  /** Pause before the first retry or reconnect, in milliseconds; doubles up to 8 s. @default 250 */
  firstBackoffMs?: number;
  /** An event stream this long without a byte (the server sends one every 15 s) is dead, in milliseconds. @default 45000 */
  idleTimeoutMs?: number;
}>;

export type Call = Readonly<{
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base URL, starting with a slash; see {@link segment}. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  body?: unknown;
  idempotencyKey?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}>;

export const MAX_ATTEMPTS = 4;
/** A longer `Retry-After` is the caller's to wait for: the error carries it. */
const MAX_OBEYED_WAIT_SECONDS = 60;
/** A page of ten screenshots with pixels fits; nothing sensible is larger. */
const MAX_RESPONSE_BYTES = 160 * 1024 * 1024;

const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** True for failures that say nothing against the request itself. A timeout is not: the caller's time is used up. */
export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.fault !== 'timeout';
  if (!(error instanceof ApiError)) return false;
  // IN_FLIGHT answers our own earlier attempt, whose answer was lost while the server still works on it.
  return RETRIED_STATUSES.has(error.status) || error.code === 'IDEMPOTENCY_IN_FLIGHT';
}

/** Requests, timeouts, retries, errors. Knows no endpoint. */
export class Http {
  readonly #base: string;
  readonly #apiKey: Secret;
  readonly #fetch: typeof globalThis.fetch;
  readonly #timeoutMs: number;
  readonly firstBackoffMs: number;
  readonly idleTimeoutMs: number;

  constructor(options: ClientOptions) {
    this.#base = normalBaseUrl(options.baseUrl);
    // Checked here because fetch would quote the key in its complaint.
    if (!/^[\x21-\x7e]*$/.test(options.apiKey))
      throw new TypeError('apiKey holds a space, a line break or a character outside ASCII; copy it again.');
    this.#apiKey = new Secret(options.apiKey);
    // Looked up at each call and called with no receiver: browsers refuse a detached or foreign one.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#timeoutMs = positive('timeoutMs', options.timeoutMs ?? 60_000);
    this.firstBackoffMs = positive('firstBackoffMs', options.firstBackoffMs ?? 250);
    this.idleTimeoutMs = positive('idleTimeoutMs', options.idleTimeoutMs ?? 45_000);
  }

  /**
   * One call, its answer checked. Reads and writes with an idempotency key are tried up to four times when the
   * network or a status 429, 502, 503 or 504 says "later"; anything else exactly once.
   * @throws ApiError, ConnectionError, UnexpectedResponseError, or the signal's own reason
   */
  async json<Schema extends z.ZodType>(schema: Schema, call: Call): Promise<z.output<Schema>> {
    const mayRepeat = call.method === 'GET' || call.idempotencyKey !== undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(schema, call);
      } catch (error) {
        if (!mayRepeat || attempt >= MAX_ATTEMPTS || !isWorthRetrying(error)) throw error;
        const waitMs = this.pauseMs(attempt, error);
        if (waitMs === undefined) throw error;
        await sleep(waitMs, { signal: call.signal });
      }
    }
  }

  /**
   * Opens a response to be read as it comes; one attempt. `call.signal` governs the body too.
   * @throws as {@link Http.json}; a non-2xx answer is an ApiError
   */
  open(call: Call & { signal: AbortSignal }): Promise<Response> {
    return this.#send(call, call.signal);
  }

  /** Milliseconds to wait after a failed attempt, or `undefined` when the server asks for longer than we obey. */
  pauseMs(attempt: number, error: unknown): number | undefined {
    const asked = error instanceof ApiError ? error.retryAfterSeconds : null;
    if (asked === null) return backoffMs(attempt, this.firstBackoffMs);
    return asked > MAX_OBEYED_WAIT_SECONDS ? undefined : asked * 1000;
  }

  url(call: Pick<Call, 'path' | 'query'>): string {
    const url = new URL(this.#base + call.path);
    for (const [name, value] of Object.entries(call.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    return url.href;
  }

  async #attempt<Schema extends z.ZodType>(schema: Schema, call: Call): Promise<z.output<Schema>> {
    const url = this.url(call);
    const watchdog = this.#timeout(call);
    try {
      const response = await this.#send(call, watchdog.signal);
      const text = await readText(response, url, watchdog.signal);
      return decodeAnswer(schema, text, response, url);
    } finally {
      watchdog.stop();
    }
  }

  #timeout(call: Call): Watchdog {
    const url = this.url(call);
    return new Watchdog(
      call.signal,
      this.#timeoutMs,
      () =>
        new ConnectionError(
          'timeout',
          url,
          `${call.method} ${url} had no complete answer within ${this.#timeoutMs} ms. ${
            call.method === 'GET'
              ? 'Try again, or raise timeoutMs.'
              : 'Whether it took effect is unknown; look before you repeat it.'
          }`,
        ),
    );
  }

  /** @returns a 2xx response, body unread. */
  async #send(call: Call, signal: AbortSignal): Promise<Response> {
    const url = this.url(call);
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
    const apiKey = this.#apiKey.reveal();
    if (apiKey !== '') headers['x-api-key'] = apiKey;
    if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
    const init: RequestInit = { method: call.method, headers, signal, redirect: 'manual' };
    if (call.body !== undefined) {
      headers['content-type'] = 'application/json';
      init.body = JSON.stringify(call.body);
    }
    const send = this.#fetch;
    let response: Response;
    try {
      response = await send(url, init);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw new ConnectionError('unreachable', url, unreachableMessage(url, cause), { cause });
    }
    // Following it would hand the API key to whoever the redirect names.
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await discard(response);
      throw new UnexpectedResponseError(
        url,
        'the server answered with a redirect, which is not followed; set baseUrl to the final address.',
      );
    }
    if (!response.ok) throw await apiErrorFrom(response, url, signal);
    return response;
  }
}

/** One part of a path. An id such as ".." would otherwise climb to another route. */
export function segment(id: string): string {
  if (id === '' || id === '.' || id === '..') throw new TypeError('An id must not be empty, "." or "..".');
  return encodeURIComponent(id);
}

function normalBaseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError('baseUrl is not an absolute URL; expected something like http://127.0.0.1:8787/v1.');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError(`baseUrl must begin with http:// or https://, not ${url.protocol}//.`);
  if (url.username !== '' || url.password !== '')
    throw new TypeError('baseUrl must not hold a user name or password; the key goes into apiKey.');
  if (url.search !== '' || url.hash !== '')
    throw new TypeError('baseUrl must not hold a query or a fragment.');
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path.endsWith('/v1') ? path : `${path}/v1`}`;
}

function positive(name: string, value: number): number {
  if (!(value > 0 && value <= 0x7fff_ffff))
    throw new TypeError(`${name} must be a number of milliseconds from 1 to ${0x7fff_ffff}.`);
  return value;
}

function decodeAnswer<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  response: Response,
  url: string,
): z.output<Schema> {
  try {
    return decodeValue(schema, parseJson(text));
  } catch (cause) {
    const kind = `${response.status}, ${response.headers.get('content-type') ?? 'no content type'}`;
    throw new UnexpectedResponseError(
      url,
      `the answer (${kind}) is not what this API answers: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** @throws ConnectionError `cut`, UnexpectedResponseError when it is too large, or the signal's reason. */
async function readText(response: Response, url: string, signal: AbortSignal): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let totalBytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      totalBytes += value.length;
      if (totalBytes > MAX_RESPONSE_BYTES)
        throw new UnexpectedResponseError(url, `the answer is larger than ${MAX_RESPONSE_BYTES} bytes.`);
      text += decoder.decode(value, { stream: true });
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof UnexpectedResponseError) throw cause;
    throw new ConnectionError('cut', url, `The answer of ${url} broke off after ${totalBytes} bytes.`, {
      cause,
    });
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

async function apiErrorFrom(response: Response, url: string, signal: AbortSignal): Promise<ApiError> {
  const { status, headers } = response;
  const headerSeconds = retryAfterSeconds(headers.get('retry-after'));
  const requestId = headers.get('x-coasty-request-id') ?? headers.get('x-request-id');
  const text = await readText(response, url, signal);
  let body: ErrorBody;
  try {
    body = decodeValue(ErrorBody, parseJson(text));
  } catch (cause) {
    return new ApiError(
      {
        status,
        code: `HTTP_${status}`,
        message: `${url} answered ${status} without an error this API would send; is a proxy or another program in between?`,
        type: status >= 500 ? 'server_error' : 'validation_error',
        requestId,
        retryable: RETRIED_STATUSES.has(status),
        retryWithSameIdempotencyKey: false,
        retryAfterSeconds: headerSeconds,
        extra: {},
      },
      { cause },
    );
  }
  const { code, message, type, request_id, retryable, retry_with_same_idempotency_key, ...extra } =
    body.error;
  const bodySeconds = typeof extra.retry_after === 'number' ? Math.max(0, extra.retry_after) : null;
  return new ApiError({
    status,
    code,
    message,
    type,
    requestId: request_id,
    retryable,
    retryWithSameIdempotencyKey: retry_with_same_idempotency_key,
    retryAfterSeconds: headerSeconds ?? bodySeconds,
    extra,
  });
}

function unreachableMessage(url: string, cause: unknown): string {
  const { origin, hostname } = new URL(url);
  const isThisComputer = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  const code = causeCode(cause);
  return `Could not reach ${origin}${code === undefined ? '' : ` (${code})`}. ${
    isThisComputer
      ? 'Start Deskhand there with `deskhand up`, or set the right base URL.'
      : 'Check the address, the network and that the server runs there.'
  }`;
}

/** The system's name for what happened (ECONNREFUSED …); Node hides it down the chain, browsers tell nothing. */
function causeCode(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth += 1) {
    const code = (current as { code?: unknown }).code;
    if (typeof code === 'string') return code;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}
