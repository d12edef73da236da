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

export function troubleOf(error: unknown, endpoint: Endpoint): ModelTrouble {
  const { provider, model } = endpoint;
  const name = `${provider}/${model}`;
  const trouble = (kind: ModelTrouble['kind'], message: string, retryable = false): ModelTrouble => ({
    kind,
    message,
    retryable,
    retryAfterMs: null,
  });
  if (!APICallError.isInstance(error)) {
    if (isConnectionError(error))
      return trouble(
        'unreachable',
        `Nothing answers at ${placeOf(endpoint)}. Is the model server running and the address right?`,
        true,
      );
    return trouble(
      'garbage',
      `${name} answered with something that is not an answer: ${words(error, endpoint)}`,
      true,
    );
  }
  const said = words(error, endpoint);
  const status = error.statusCode;
  const text = `${error.message} ${error.responseBody ?? ''}`.toLowerCase();
  if (status === undefined || status === 0)
    return isConnectionError(error)
      ? trouble(
          'unreachable',
          `Nothing answers at ${placeOf(endpoint)}. Is the model server running and the address right?`,
          true,
        )
      : trouble('garbage', `The connection to ${name} broke: ${said}`, true);
  if (status === 401 || status === 403)
    return trouble('key', `${provider} refused the key in ${endpoint.keyName} (${status}): ${said}`);
  if (status === 402 || /insufficient_quota|credit balance|billing|exceeded your current quota/.test(text))
    return trouble('quota', `The quota or credit of ${provider} is used up (${status}): ${said}`);
  if (status === 404)
    return trouble('unknown_model', `${provider} does not know the model “${model}” (404): ${said}`);
  if (
    status === 413 ||
    /context.{0,20}(?:length|window)|prompt is too long|too many tokens|maximum.{0,30}tokens|request_too_large/.test(
      text,
    )
  )
    return trouble('too_long', `The conversation is too long for ${name}: ${said}`);
  if (status === 400 && /image|vision|multimodal|multi-modal/.test(text))
    return trouble('no_vision', `${name} cannot see pictures; choose a model with vision. It said: ${said}`);
  if (status === 429 || status === 529)
    return {
      ...trouble('busy', `${name} is busy (${status}): ${said}`, true),
      retryAfterMs: retryAfter(error),
    };
  if (status >= 500 || status === 408 || status === 409)
    return {
      ...trouble('busy', `${name} had a fault (${status}): ${said}`, true),
      retryAfterMs: retryAfter(error),
    };
  if (status >= 200 && status < 300)
    return trouble('garbage', `${name} answered with something that is not an answer: ${said}`, true);
  return trouble('other', `${name} refused the request (${status}): ${said}`);
}

/** The error a run ends with. */
export function asProtocolError(trouble: ModelTrouble): ProtocolError {
  const codes: Partial<Record<ModelTrouble['kind'], ErrorCode>> = {
    unreachable: 'UPSTREAM_UNAVAILABLE',
    busy: 'UPSTREAM_UNAVAILABLE',
  };
  return new ProtocolError(codes[trouble.kind] ?? 'UPSTREAM_ERROR', trouble.message);
}

function retryAfter(error: APICallError): number | null {
  const headers = error.responseHeaders ?? {};
  const ms = Number(headers['retry-after-ms']);
  if (headers['retry-after-ms'] !== undefined && Number.isFinite(ms)) return Math.max(0, ms);
  const seconds = Number(headers['retry-after']);
  return headers['retry-after'] !== undefined && Number.isFinite(seconds)
    ? Math.max(0, seconds * 1000)
    : null;
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
  const message = error instanceof Error ? error.message : String(error);
  const secret = key?.reveal();
  const clean = secret === undefined || secret === '' ? message : message.replaceAll(secret, '[key]');
  return clean.replace(/\s+/g, ' ').slice(0, MAX_PROVIDER_WORDS);
}
