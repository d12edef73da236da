import type { CuaVersion, LlmProvider, OnAwaitingHuman, RunStatus } from '@deskhand/protocol';
import type { Generated, Transaction } from 'kysely';

/**
 * Rows as stored. Times are ISO-8601 UTC text unless the name ends in `Ms` (milliseconds since the epoch);
 * JSON is text; money is whole cents. The same tables serve SQLite and Postgres.
 */
export interface DB {
  accounts: AccountsTable;
  api_keys: ApiKeysTable;
  machines: MachinesTable;
  pairing_codes: PairingCodesTable;
  runs: RunsTable;
  run_events: RunEventsTable;
  run_actions: RunActionsTable;
  run_screenshots: RunScreenshotsTable;
  ledger: LedgerTable;
  idempotency: IdempotencyTable;
  webhook_deliveries: WebhookDeliveriesTable;
  jobs: JobsTable;
  llm_keys: LlmKeysTable;
  settings: SettingsTable;
}

/** What the database knows about itself. */
export interface SettingsTable {
  name: string;
  value: string;
}

/** What work inside {@link Database.write} receives; await nothing but the database with it. */
export type Tx = Transaction<DB>;

/** Objects belong to an account and a mode; legacy keys share the live objects. */
export type Mode = 'live' | 'test';

export interface AccountsTable {
  id: string;
  created_at: string;
  /** Live cents spent so far; kept with the ledger so that a balance needs no sum. */
  spent_cents: number;
}

export interface ApiKeysTable {
  id: string;
  account_id: string;
  kind: 'live' | 'test' | 'legacy';
  name: string;
  /** SHA-256 of the whole key, hex. */
  hash: string;
  /** First 16 characters, for lists. */
  prefix: string;
  scopes: string;
  tier: string;
  created_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface MachinesTable {
  /** Creation order. */
  position: Generated<number>;
  id: string;
  account_id: string;
  mode: Mode;
  display_name: string;
  os_type: string;
  desktop_enabled: number;
  cpu_cores: number | null;
  memory_gb: number | null;
  storage_gb: number | null;
  metadata: string | null;
  created_at: string;
  /** First time its daemon connected. */
  started_at: string | null;
  ttl_minutes: number | null;
  auto_destroy_at: string | null;
  removed_at: string | null;
  /** Remote control suspended over the API; not the person's latch. */
  suspended: number;
  /** The person's latch as last reported. */
  latched: number;
  latch_reason: string | null;
  token_hash: string | null;
  /** Machine hours in the ledger so far, and sixtieths of a cent on top that are not. */
  billed_cents: Generated<number>;
  metered_cent_minutes: Generated<number>;
  /** Every claim of the right to drive raises it; the daemon refuses a lower one. */
  epoch: number;
  boot_id: string | null;
  displays: string | null;
  capabilities: string | null;
  last_seen_at: string | null;
}

export interface PairingCodesTable {
  code_hash: string;
  machine_id: string;
  created_at: string;
  expires_at: string;
  used_at: string | null;
}

export interface RunsTable {
  /** Creation order; the run's public place in lists and in its machine's queue. */
  position: Generated<number>;
  id: string;
  account_id: string;
  mode: Mode;
  /** '' for a task that found no machine. */
  machine_id: string;
  /** 1: a task, whose machine the server chose. */
  automatic: Generated<number>;
  status: RunStatus;
  task: string;
  cua_version: CuaVersion;
  instructions: string | null;
  system_prompt: string | null;
  model: string | null;
  max_steps: number;
  deadline_seconds: number | null;
  deadline_at: string | null;
  queue_until: string | null;
  on_awaiting_human: OnAwaitingHuman;
  awaiting_human_timeout_seconds: number | null;
  awaiting_human_reason: string | null;
  awaiting_human_since: string | null;
  awaiting_until: string | null;
  webhook_url: string | null;
  /** Sealed; see seal.ts. */
  webhook_secret: string | null;
  metadata: string | null;
  /** Public half of a model choice of the run's own: {provider, model, key_fingerprint, key_source}. */
  llm: string | null;
  /** Sealed model key; destroyed when the run ends. */
  llm_key: string | null;
  action_policy: string | null;
  budget_cents: number | null;
  step_cents: number;
  steps_completed: number;
  actions_sent: number;
  cost_cents: number;
  result: string | null;
  error: string | null;
  requested_by: string;
  idempotency_key: string | null;
  request_id: string | null;
  engine: string | null;
  /** Of the claim that may append; see rule 3 of the run service. */
  epoch: number;
  /** Claims so far, and the last event's seq at the latest of them. */
  attempts: number;
  claimed_seq: number;
  last_seq: number;
  /** JSON of event payloads that are told only when the run no longer awaits a human. */
  held_events: Generated<string | null>;
  screenshot_count: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  /** When the next of its time limits strikes; null once it has ended. */
  due_at: string | null;
}

export interface RunEventsTable {
  run_id: string;
  seq: number;
  type: string;
  /** The whole public event as one line of JSON, ready to send. */
  event: string;
}

/** The journal's private half: what was about to be sent, so that a restart can send the same id again. */
export interface RunActionsTable {
  run_id: string;
  command_id: string;
  position: number;
  step: number;
  boot_id: string | null;
  /** Sealed {frameId, operations}; erased once the result is stored. */
  sealed: string | null;
  /** Operations without secrets and their outcomes, once known. */
  history: string | null;
}

export interface RunScreenshotsTable {
  run_id: string;
  position: number;
  attempt: number;
  step: number;
  taken_at: string;
  width: number;
  height: number;
  mime_type: string;
  size_bytes: number;
  sha256: string;
  degraded: number;
  /** How our own windows were kept out of it (see the protocol's OverlayExclusion). */
  exclusion: string | null;
  /** The picture was removed by retention; the row stays. */
  erased: number;
}

export interface LedgerTable {
  position: Generated<number>;
  account_id: string;
  mode: Mode;
  operation: string;
  operation_id: string;
  step: number;
  cents: number;
  input_tokens: number;
  output_tokens: number;
  created_at: string;
}

export interface IdempotencyTable {
  account_id: string;
  mode: Mode;
  key: string;
  fingerprint: string;
  state: 'processing' | 'completed';
  request_id: string;
  status: number | null;
  /** Sealed response body: it may hold a webhook secret. */
  body: string | null;
  created_at: string;
  expires_at: string;
}

export interface WebhookDeliveriesTable {
  position: Generated<number>;
  event_id: string;
  run_id: string;
  event: string;
  body: string;
  state: 'pending' | 'delivered' | 'failed';
  attempts: number;
  next_attempt_at: string;
  last_error: string | null;
  created_at: string;
  delivered_at: string | null;
}

export interface LlmKeysTable {
  account_id: string;
  provider: LlmProvider;
  sealed: string;
  fingerprint: string;
  created_at: string;
  updated_at: string;
}

export interface JobsTable {
  id: Generated<number>;
  queue: string;
  /** Jobs of one key run one at a time, first in first out. */
  key: string | null;
  data: string;
  start_after: string | null;
  attempts: number;
}
