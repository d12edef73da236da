import { ERRORS, type ErrorCode, type Problem, ProtocolError } from '@deskhand/protocol';

/** Codes whose outcome is unknown: the same idempotency key is the way to find out. */
const SAME_KEY: ReadonlySet<ErrorCode> = new Set([
  'IDEMPOTENCY_IN_FLIGHT',
  'UPSTREAM_TIMEOUT',
  'INTERNAL_ERROR',
  'DB_UNAVAILABLE',
  'SERVICE_UNAVAILABLE',
]);

const SUGGESTIONS: Partial<Record<ErrorCode, string>> = {
  INVALID_API_KEY:
    'Send a key of this server as X-API-Key or Authorization: Bearer. `deskhand keys list` shows which exist.',
  MACHINE_NOT_FOUND: 'List your machines with GET /v1/machines; live and test keys see different ones.',
  RUN_NOT_FOUND: 'List your runs with GET /v1/runs; live and test keys see different ones.',
  INSUFFICIENT_SCOPE: 'Create a key with this scope: POST /v1/keys, or `deskhand keys create --scopes …`.',
  FORBIDDEN_ORIGIN:
    'Call this server by the address it listens on, or allow the name in `allowed_hosts` or `allowed_origins`.',
};

export type HttpError = Readonly<{
  status: number;
  headers: Readonly<Record<string, string>>;
  body: { error: Record<string, unknown> };
}>;

/** Where each code is explained. */
function explained(docsUrl: string, code: ErrorCode): string {
  return `${docsUrl}#${code}`;
}

/** The one envelope of every answer that is not 2xx (v1-api.md 1.4). */
export function toHttpError(error: ProtocolError, requestId: string, docsUrl: string): HttpError {
  const row = ERRORS[error.code];
  const retryAfter = error.details.retry_after ?? (row.status === 503 ? 5 : undefined);
  const suggestion = SUGGESTIONS[error.code];
  return {
    status: row.status,
    headers: {
      link: `<${explained(docsUrl, error.code)}>; rel="help"`,
      ...(row.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...(error.code === 'IDEMPOTENCY_IN_FLIGHT' ? { 'idempotency-status': 'processing' } : {}),
    },
    body: {
      error: {
        code: error.code,
        message: error.message,
        type: row.type,
        request_id: requestId,
        retryable: row.retryable,
        retry_with_same_idempotency_key: SAME_KEY.has(error.code),
        ...(suggestion === undefined ? {} : { suggestion }),
        docs_url: explained(docsUrl, error.code),
        ...(row.status >= 500 ? { support: `Look for ${requestId} in the server’s log.` } : {}),
        ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
        ...withoutReserved(error.details),
      },
    },
  };
}

/** Whatever was thrown, as an error of the table. `unexpected` is what the log must show. */
export function asProtocolError(error: unknown): { error: ProtocolError; unexpected: boolean } {
  if (error instanceof ProtocolError) return { error, unexpected: false };
  const framework = fromFramework(error);
  if (framework !== null) return { error: framework, unexpected: false };
  return {
    error: new ProtocolError(
      'INTERNAL_ERROR',
      'The server met a fault it did not expect.',
      {},
      { cause: error },
    ),
    unexpected: true,
  };
}

export function validationError(problems: readonly Problem[]): ProtocolError {
  const first = problems[0];
  const path = first?.loc.filter((part) => part !== 'body').join('.') ?? '';
  const place = path === '' ? '' : `${path}: `;
  return new ProtocolError(
    'VALIDATION_ERROR',
    `${place}${first?.msg ?? 'The request does not fit its schema'}`,
    { details: problems },
  );
}

/** What a picture in a request may be (v1-api.md 1.4); nothing else makes a body that large. */
const PICTURE_LIMITS = {
  max_base64_bytes: 10_485_760,
  max_mb: 10,
  min_base64_chars: 100,
  formats: ['png', 'jpeg'],
};

/** Fastify's own errors by their codes. */
function fromFramework(error: unknown): ProtocolError | null {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ProtocolError('PAYLOAD_TOO_LARGE', 'The request body is larger than allowed.', {
        examples: PICTURE_LIMITS,
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
    case 'FST_ERR_VALIDATION':
      return validationError([{ loc: ['request'], msg: (error as Error).message, type: 'value_error' }]);
    case 'FST_ERR_ROUTE_METHOD_NOT_SUPPORTED':
      return new ProtocolError('NOT_FOUND', 'No such route.');
    default:
      if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
        return validationError([{ loc: ['request'], msg: 'The request is malformed', type: 'value_error' }]);
      return null;
  }
}

function withoutReserved(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const {
    code: _code,
    message: _message,
    type: _type,
    request_id: _id,
    retry_after: _after,
    ...rest
  } = details;
  return rest;
}
