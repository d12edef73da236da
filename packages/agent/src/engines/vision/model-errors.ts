import { type ErrorCode, ProtocolError } from '@deskhand/protocol';
import { APICallError } from 'ai';
import type { Endpoint } from '../../model-choice.ts';

/** What went wrong at a provider, in words a person can act on. */
export type ModelTrouble = Readonly<{
  kind:
    | 'key'
    | 'quota'
    | 'busy'
    | 'no_vision'
    | 'no_tools'
    | 'no_computer_tool'
    | 'too_long'
    | 'unknown_model'
    | 'unreachable'
    | 'garbage'
    | 'other';
  message: string;
  /** Worth the same request again after a pause. */
  retryable: boolean;
  retryAfterMs: number | null;
}>;

const MAX_PROVIDER_WORDS = 300;

/** The provider took the request and then said nothing for too long. */
export class Silent extends Error {
  constructor(silenceMs: number) {
    super(`no word for ${Math.round(silenceMs / 1000)} s`);
  }
}

const TOO_LONG =
  /context.{0,20}(?:length|window|size)|prompt is too long|too many tokens|maximum.{0,30}tokens|input token count.{0,40}exceeds|request_too_large/;
const NO_VISION =
  /(?:not|n't) (?:support|accept|able to (?:see|process)).{0,40}(?:image|vision|multi-?modal)|(?:image|vision|multi-?modal)[^.]{0,60}(?:not (?:be )?(?:supported|enabled|allowed)|unsupported)|unknown variant .?image_url|no (?:vision|multimodal) (?:support|projector)/;
const NO_TOOLS =
  /not support (?:tools|tool.?(?:use|calling|choice)|function)|tool.?choice requires|enable-auto-tool-choice|tools? (?:is|are|param\w*) not supported|tool.?(?:use|calling) is not supported/;
const NO_COMPUTER = /tools?[^.]{0,60}computer|computer\w*['’"”`]?[^.]{0,30}tool/;
const QUOTA =
  /insufficient_quota|credit balance|billing|exceeded your current quota|spending limit|usage limit/;
const WRONG_KEY =
  /api.?key not valid|(?:invalid|incorrect).{0,12}(?:api.?key|x-api-key)|authentication_error/;
const OVERLOADED = /overloaded|rate.?limit|server_error|server error|api_error|unavailable|try again/;

export function troubleOf(error: unknown, endpoint: Endpoint): ModelTrouble {
  const { provider, model, keyName } = endpoint;
  const name = `${provider}/${model}`;
  const said = words(error, endpoint);
  if (isConnectionError(error))
    return {
      ...plain(
        'unreachable',
        `Nothing answers at ${placeOf(endpoint)}. Is the model server running and the address right?`,
      ),
      retryable: true,
    };
  if (error instanceof Silent)
    return { ...plain('garbage', `${name} took the question and gave no answer: ${said}.`), retryable: true };
  const status = APICallError.isInstance(error) ? (error.statusCode ?? 0) : 0;
  const body = APICallError.isInstance(error) ? (error.responseBody ?? '') : '';
  const text = `${said} ${body}`.toLowerCase();
  const code = status === 0 ? '' : ` (${status})`;
  const pauseMs = APICallError.isInstance(error) ? retryAfter(error) : null;

  if (status === 401 || status === 403 || (status === 400 && WRONG_KEY.test(text)))
    return plain('key', `${provider} refused the key in ${keyName}${code}: ${said}`);
  // Google calls a limit per minute a quota too, and says then when to come back.
  if (status === 402 || (QUOTA.test(text) && pauseMs === null && (status === 429 || status === 400)))
    return plain('quota', `The quota or credit of ${provider} is used up${code}: ${said}`);
  if (status === 413 || TOO_LONG.test(text))
    return plain('too_long', `The conversation is too long for ${name}: ${said}`);
  if (NO_TOOLS.test(text)) return plain('no_tools', `${name} cannot call tools${code}: ${said}`);
  if (status >= 400 && NO_VISION.test(text))
    return plain('no_vision', `${name} cannot see pictures; choose a model with vision. It said: ${said}`);
  if (status === 400 && NO_COMPUTER.test(text))
    return plain('no_computer_tool', `${name} does not take the computer tool${code}: ${said}`);
  if (status === 404)
    return /model/.test(text)
      ? plain('unknown_model', `${provider} does not know the model “${model}”${code}: ${said}`)
      : plain(
          'unknown_model',
          `There is no model API at ${placeOf(endpoint)}${code}: is the address right, does it end with /v1? It said: ${said}`,
        );
  if (status === 429 || status === 529)
    return { ...plain('busy', busyWords(name, code, said, pauseMs)), retryable: true, retryAfterMs: pauseMs };
  if (status >= 500 || status === 408 || status === 409)
    return {
      ...plain('busy', `${name} had a fault${code}: ${said}`),
      retryable: true,
      retryAfterMs: pauseMs,
    };
  if (status >= 400) return plain('other', `${name} refused the request${code}: ${said}`);
  // An error inside a stream has no status of its own.
  if (OVERLOADED.test(text)) return { ...plain('busy', `${name} had a fault: ${said}`), retryable: true };
  return {
    ...plain('garbage', `${name} answered with something that is not an answer${code}: ${said}`),
    retryable: true,
  };
}

function plain(kind: ModelTrouble['kind'], message: string): ModelTrouble {
  return { kind, message, retryable: false, retryAfterMs: null };
}

function busyWords(name: string, code: string, said: string, pauseMs: number | null): string {
  const pause = pauseMs === null ? '' : ` and asks for ${Math.ceil(pauseMs / 1000)} s of patience`;
  return `${name} is busy${code}${pause}: ${said}`;
}

/** The error a run ends with. */
export function asProtocolError(trouble: ModelTrouble): ProtocolError {
  const codes: Partial<Record<ModelTrouble['kind'], ErrorCode>> = {
    unreachable: 'UPSTREAM_UNAVAILABLE',
    busy: 'UPSTREAM_UNAVAILABLE',
  };
  return new ProtocolError(codes[trouble.kind] ?? 'UPSTREAM_ERROR', trouble.message);
}

/** `retry-after-ms`, `retry-after` in seconds or as a date, or Google's `retryDelay`; milliseconds. */
function retryAfter({ responseHeaders: headers = {}, responseBody = '' }: APICallError): number | null {
  const ms = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const after = headers['retry-after'];
  if (after !== undefined) {
    const seconds = Number(after);
    const at = Date.parse(after);
    if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
    if (!Number.isNaN(at)) return Math.max(0, at - Date.now());
  }
  const delay = /"retryDelay"\s*:\s*"([\d.]+)s"/.exec(responseBody)?.[1];
  return delay === undefined ? null : Number(delay) * 1000;
}

function isConnectionError(error: unknown): boolean {
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== null && current !== undefined; depth += 1) {
    const code = (current as { code?: unknown }).code;
    if (
      typeof code === 'string' &&
      /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code)
    )
      return true;
    const causes = (current as { errors?: unknown }).errors;
    if (Array.isArray(causes) && causes.some((cause) => isConnectionError(cause))) return true;
    current = (current as { cause?: unknown }).cause;
  }
  return false;
}

function placeOf({ provider, baseUrl }: Endpoint): string {
  return baseUrl ?? `the address of ${provider}`;
}

/** The provider's own words, cut, with the key taken out should it be quoted. */
function words(error: unknown, { key }: Endpoint): string {
  const message = error instanceof Error ? error.message : inWords(error);
  const secret = key?.reveal();
  const clean = secret === undefined || secret === '' ? message : message.replaceAll(secret, '[key]');
  return clean.replace(/\s+/g, ' ').slice(0, MAX_PROVIDER_WORDS);
}

/** Errors inside a stream arrive as the provider's own objects. */
function inWords(error: unknown): string {
  if (typeof error === 'string') return error;
  const { error: inner, message, type } = (error ?? {}) as Record<string, unknown>;
  if (typeof inner === 'object' && inner !== null) return inWords(inner);
  return (
    [type, message].filter((part) => typeof part === 'string').join(': ') || JSON.stringify(error ?? null)
  );
}
