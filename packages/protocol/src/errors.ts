/**
 * The only list of error codes that may cross a wire. Docs, HTTP statuses, the SDK and the CLI
 * read it; a test compares it with docs/errors.md in both directions.
 */
export type ErrorType =
  | 'validation_error'
  | 'auth_error'
  | 'billing_error'
  | 'not_found_error'
  | 'state_error'
  | 'rate_limit_error'
  | 'server_error';

export type ErrorRow = Readonly<{
  status: number;
  type: ErrorType;
  retryable: boolean;
  meaning: string;
}>;

const row = (status: number, type: ErrorType, meaning: string, retryable = false): ErrorRow => ({
  status,
  type,
  retryable,
  meaning,
});

export const ERRORS = {
  // Requests
  INVALID_LIMIT: row(400, 'validation_error', '`limit` is not a whole number from 1 to 200.'),
  INVALID_STATUS_FILTER: row(400, 'validation_error', '`status` is not a run state.'),
  FEATURE_NOT_AVAILABLE: row(
    400,
    'validation_error',
    'This feature does not exist on a self-hosted desktop.',
  ),
  INVALID_PATH: row(400, 'validation_error', 'The path is malformed or outside the allowed roots.'),
  VALIDATION_ERROR: row(
    422,
    'validation_error',
    'The request does not fit its schema; `details` names each place.',
  ),
  PAYLOAD_TOO_LARGE: row(413, 'validation_error', 'The request body is larger than allowed.'),
  IDEMPOTENCY_KEY_REUSED: row(
    422,
    'validation_error',
    'This Idempotency-Key was used for a different request.',
  ),
  LLM_PROVIDER_UNSUPPORTED: row(
    422,
    'validation_error',
    'A model key of one’s own cannot be used this way: no provider named, an unknown one, or a test key.',
  ),
  LLM_MODEL_INVALID: row(
    422,
    'validation_error',
    'The model is none this server can ask, or looks like a credential.',
  ),
  LLM_KEY_NOT_CONFIGURED: row(
    422,
    'validation_error',
    'The provider was named but no key for it was sent or stored.',
  ),
  INVALID_API_KEY: row(401, 'auth_error', 'The API key is missing, unknown or revoked.'),
  INVALID_SIGNATURE: row(401, 'auth_error', 'The webhook signature is missing, stale or wrong.'),
  INSUFFICIENT_SCOPE: row(403, 'auth_error', 'The key lacks the scope this operation needs.'),
  FORBIDDEN_ORIGIN: row(403, 'auth_error', 'The Host or Origin of this request is not allowed here.'),
  INSUFFICIENT_CREDITS: row(402, 'billing_error', 'The wallet cannot pay for one step.'),
  WALLET_EXHAUSTED: row(402, 'billing_error', 'The wallet ran dry during the run.'),
  NOT_FOUND: row(404, 'not_found_error', 'No such route or object.'),
  MACHINE_NOT_FOUND: row(404, 'not_found_error', 'No machine with this id for this key.'),
  LLM_KEY_NOT_FOUND: row(404, 'not_found_error', 'No model key of this provider is stored.'),
  RUN_NOT_FOUND: row(404, 'not_found_error', 'No run with this id for this key.'),
  INVALID_STATE: row(409, 'state_error', 'The object is in a state that does not allow this.'),
  NOT_AWAITING_HUMAN: row(409, 'state_error', 'The run is not waiting for a person.'),
  RESUME_CONFLICT: row(409, 'state_error', 'The run has finished or somebody else resumed it first.'),
  IDEMPOTENCY_IN_FLIGHT: row(
    409,
    'state_error',
    'The first request with this Idempotency-Key is still running.',
    true,
  ),
  CONFLICT: row(409, 'state_error', 'The object changed in the meantime.'),
  RATE_LIMITED: row(429, 'rate_limit_error', 'Too many requests; wait `retry_after` seconds.', true),
  TOO_MANY_RUNS: row(429, 'rate_limit_error', 'Too many runs are waiting for this machine.', true),
  INTERNAL_ERROR: row(
    500,
    'server_error',
    'A fault in the server; the request id finds it in the log.',
    true,
  ),
  RUN_CREATE_FAILED: row(500, 'server_error', 'The run could not be stored; nothing was charged.', true),
  UPSTREAM_ERROR: row(502, 'server_error', 'A service this server depends on answered with an error.', true),
  UPSTREAM_UNAVAILABLE: row(
    503,
    'server_error',
    'The machine’s daemon is not connected, or a model endpoint is unreachable.',
    true,
  ),
  SERVICE_UNAVAILABLE: row(503, 'server_error', 'The server is starting, stopping or out of disk.', true),
  DB_UNAVAILABLE: row(503, 'server_error', 'The database cannot be written.', true),
  UPSTREAM_TIMEOUT: row(
    504,
    'server_error',
    'The machine did not answer in time; the outcome is unknown.',
    true,
  ),

  // How a run can end
  DEADLINE_EXCEEDED: row(409, 'state_error', 'The run’s deadline passed.'),
  AWAITING_HUMAN: row(409, 'state_error', 'The run needed a person and its policy is not to wait.'),
  AWAITING_HUMAN_TIMEOUT: row(409, 'state_error', 'Nobody answered the run’s question in time.'),
  MAX_STEPS_REACHED: row(409, 'state_error', 'The run used all its steps.'),
  TASK_FAILED: row(409, 'state_error', 'The engine could not do the task; the message says why.'),
  VERIFICATION_FAILED: row(409, 'state_error', 'The verifier found the task not done.'),
  ACTION_POLICY_VIOLATION: row(
    409,
    'state_error',
    'A proposed action is forbidden by policy; `rule` names it.',
  ),
  BUDGET_EXCEEDED: row(409, 'state_error', 'The run’s budget is used up.'),
  STALLED: row(409, 'state_error', 'The same action led to the same picture too often.'),
  STOPPED_BY_USER: row(409, 'state_error', 'The person tripped the kill switch.'),
  MACHINE_DISCONNECTED: row(409, 'state_error', 'The machine’s link was lost and did not come back.'),
  MACHINE_REMOVED: row(409, 'state_error', 'The machine was unregistered while the run was open.'),
  MACHINE_PROVISION_FAILED: row(409, 'state_error', 'No machine was free for the task.'),
  INTERRUPTED: row(409, 'state_error', 'The server restarted and the run could not be continued.'),

  // The link and the desktop
  PROTOCOL_VERSION: row(400, 'validation_error', 'The peer speaks a protocol version this build does not.'),
  MALFORMED_MESSAGE: row(400, 'validation_error', 'A message did not fit its schema.'),
  MESSAGE_TOO_LARGE: row(413, 'validation_error', 'A message is larger than its limit.'),
  UNKNOWN_COMMAND: row(400, 'validation_error', 'The command is not known to this daemon.'),
  PAIRING_FAILED: row(401, 'auth_error', 'The pairing code is wrong, used or expired.'),
  MACHINE_TOKEN_INVALID: row(401, 'auth_error', 'The machine token is unknown or revoked.'),
  STALE_EPOCH: row(
    409,
    'state_error',
    'A newer owner drives this machine; the command came from an older one.',
  ),
  LEASE_REQUIRED: row(409, 'state_error', 'No live lease: nothing may be injected.'),
  LATCHED: row(409, 'state_error', 'The kill switch is tripped; a person must reset it on the desktop.'),
  NOT_ARMED: row(
    409,
    'state_error',
    'The stop hotkey of this desktop is not proven to work, so no run starts without the person’s override.',
  ),
  PAUSED: row(409, 'state_error', 'A person has control of the desktop.'),
  GUARD_UNAVAILABLE: row(
    503,
    'server_error',
    'The guard process is not alive, so nothing may be injected.',
    true,
  ),
  POLICY_DENIED: row(403, 'auth_error', 'This desktop’s policy forbids it; `rule` names which.'),
  SECRET_UNKNOWN: row(404, 'not_found_error', 'This desktop’s vault has no secret of that name.'),
  SECRET_NOT_BOUND: row(
    403,
    'auth_error',
    'The secret may not be typed there: the field’s page or program is not one it is bound to.',
  ),
  SECRET_FIELD_UNKNOWN: row(
    409,
    'state_error',
    'No text field is known to have the focus, so no secret was typed.',
  ),
  SECRET_UNAVAILABLE: row(
    503,
    'server_error',
    'The vault of this desktop cannot be opened; the message says why.',
  ),
  RECEIVER_CHANGED: row(
    409,
    'state_error',
    'Another window would have got the input than the one that was decided about; look again.',
  ),
  FRAME_UNKNOWN: row(409, 'state_error', 'The action names a frame this daemon no longer knows.'),
  FRAME_STALE: row(409, 'state_error', 'The display layout changed since that frame was captured.'),
  POINT_OUTSIDE_FRAME: row(422, 'validation_error', 'The point lies outside the named frame.'),
  UNKNOWN_KEY: row(422, 'validation_error', 'The key name is not in the key table.'),
  RESERVED_CHORD: row(403, 'auth_error', 'That chord is the emergency stop; hands never press it.'),
  TEXT_NOT_TYPEABLE: row(
    422,
    'validation_error',
    'The text cannot be typed exactly here, so nothing was typed.',
  ),
  WINDOW_NOT_FOUND: row(404, 'not_found_error', 'No window matches.'),
  APPLICATION_NOT_FOUND: row(404, 'not_found_error', 'No installed application goes by that name.'),
  BROWSER_UNAVAILABLE: row(503, 'server_error', 'No Chromium-family browser could be started.', true),
  DISPLAY_UNAVAILABLE: row(503, 'server_error', 'The display server is not reachable.', true),
  SHARING_DECLINED: row(
    403,
    'auth_error',
    'The person did not share this desktop when it asked them, or ended the sharing there.',
  ),
  CAPTURE_FAILED: row(503, 'server_error', 'The screen could not be captured.', true),
  INPUT_FAILED: row(503, 'server_error', 'The input could not be injected completely.'),
  ACTION_ABORTED: row(409, 'state_error', 'The action was stopped midway; everything held was released.'),

  // This computer
  CONFIG_INVALID: row(400, 'validation_error', 'The configuration has problems; all are listed.'),
  PORT_IN_USE: row(409, 'state_error', 'Another program listens on this port.'),
  DATA_FOLDER_IN_USE: row(409, 'state_error', 'Another Deskhand uses this data folder.'),
  DATA_FOLDER_UNWRITABLE: row(503, 'server_error', 'The data folder cannot be written.'),
  MISSING_SYSTEM_PACKAGE: row(
    503,
    'server_error',
    'A system package is missing; the message has the command.',
  ),
  NO_DISPLAY: row(503, 'server_error', 'There is no display to lend; use a virtual one.'),
  NOT_RUNNING: row(503, 'server_error', 'No Deskhand runs on this data folder.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERRORS, value);
}

/** A failure that may cross a wire: a code from the table, a message that says what to do, typed extras. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
  get status(): number {
    return ERRORS[this.code].status;
  }
  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}
