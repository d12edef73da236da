/** The `error` object of a response that is not 2xx, as far as the server filled it in. */
export type ApiErrorFields = Readonly<{
  /** HTTP status. */
  status: number;
  /** Branch on this; `HTTP_<status>` when something other than the API (a proxy) answered. */
  code: string;
  message: string;
  /** Family of the code, e.g. `state_error`. */
  type: string;
  /** Finds the request in the server's log; `null` when the answer named none. */
  requestId: string | null;
  /** The same request may succeed later. */
  retryable: boolean;
  /** Retry with the same idempotency key, because the first request may have had its effect. */
  retryWithSameIdempotencyKey: boolean;
  /** What `Retry-After` or `retry_after` asked for, in seconds; `null` when nothing did. */
  retryAfterSeconds: number | null;
  /** Every other field of `error`: `details`, `current_state`, `allowed_from`, `required_scope` … */
  extra: Readonly<Record<string, unknown>>;
}>;

/** The server answered, and the answer is no. */
export class ApiError extends Error implements ApiErrorFields {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly type: string;
  readonly requestId: string | null;
  readonly retryable: boolean;
  readonly retryWithSameIdempotencyKey: boolean;
  readonly retryAfterSeconds: number | null;
  readonly extra: Readonly<Record<string, unknown>>;
  constructor(fields: ApiErrorFields, options?: ErrorOptions) {
    super(fields.message, options);
    this.status = fields.status;
    this.code = fields.code;
    this.type = fields.type;
    this.requestId = fields.requestId;
    this.retryable = fields.retryable;
    this.retryWithSameIdempotencyKey = fields.retryWithSameIdempotencyKey;
    this.retryAfterSeconds = fields.retryAfterSeconds;
    this.extra = fields.extra;
  }
}

/**
 * How the conversation failed:
 *   unreachable  no connection was made, or it broke before an answer began
 *   timeout      nothing came within `timeoutMs`
 *   cut          the answer began and broke off
 */
export type ConnectionFault = 'unreachable' | 'timeout' | 'cut';

/** No usable answer came. For anything but a read the outcome is unknown. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly fault: ConnectionFault;
  /** Where the request went; never holds credentials. */
  readonly url: string;
  constructor(fault: ConnectionFault, url: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
    this.url = url;
  }
}

/** Something answered with success, but not what this API answers: another program, a proxy, another version. */
export class UnexpectedResponseError extends Error {
  override readonly name = 'UnexpectedResponseError';
  readonly url: string;
  constructor(url: string, message: string, options?: ErrorOptions) {
    super(`${url}: ${message}`, options);
    this.url = url;
  }
}
