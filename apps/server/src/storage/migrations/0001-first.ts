import { type Kysely, sql } from 'kysely';
import { autoIncrement } from '../auto-increment.ts';

/** Accounts, keys, machines, runs with their journal, ledger, idempotency, webhooks, jobs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const schema = db.schema;
  await schema
    .createTable('accounts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('spent_cents', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('api_keys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull().unique())
    .addColumn('prefix', 'text', (c) => c.notNull())
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('tier', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('last_used_at', 'text')
    .addColumn('revoked_at', 'text')
    .execute();
  await schema
    .createTable('machines')
    .addColumn('position', 'integer', autoIncrement(db))
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('mode', 'text', (c) => c.notNull())
    .addColumn('display_name', 'text', (c) => c.notNull())
    .addColumn('os_type', 'text', (c) => c.notNull())
    .addColumn('desktop_enabled', 'integer', (c) => c.notNull())
    .addColumn('cpu_cores', 'integer')
    .addColumn('memory_gb', 'real')
    .addColumn('storage_gb', 'real')
    .addColumn('metadata', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('started_at', 'text')
    .addColumn('ttl_minutes', 'integer')
    .addColumn('auto_destroy_at', 'text')
    .addColumn('removed_at', 'text')
    .addColumn('suspended', 'integer', (c) => c.notNull())
    .addColumn('latched', 'integer', (c) => c.notNull())
    .addColumn('latch_reason', 'text')
    .addColumn('token_hash', 'text')
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('boot_id', 'text')
    .addColumn('displays', 'text')
    .addColumn('capabilities', 'text')
    .addColumn('last_seen_at', 'text')
    .execute();
  await schema
    .createIndex('machines_by_owner')
    .on('machines')
    .columns(['account_id', 'mode', 'position'])
    .execute();
  await schema
    .createTable('pairing_codes')
    .addColumn('code_hash', 'text', (c) => c.primaryKey())
    .addColumn('machine_id', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .addColumn('used_at', 'text')
    .execute();
  await schema
    .createTable('runs')
    .addColumn('position', 'integer', autoIncrement(db))
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('mode', 'text', (c) => c.notNull())
    .addColumn('machine_id', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('task', 'text', (c) => c.notNull())
    .addColumn('cua_version', 'text', (c) => c.notNull())
    .addColumn('instructions', 'text')
    .addColumn('system_prompt', 'text')
    .addColumn('model', 'text')
    .addColumn('max_steps', 'integer', (c) => c.notNull())
    .addColumn('deadline_seconds', 'integer')
    .addColumn('deadline_at', 'text')
    .addColumn('queue_until', 'text')
    .addColumn('on_awaiting_human', 'text', (c) => c.notNull())
    .addColumn('awaiting_human_timeout_seconds', 'integer')
    .addColumn('awaiting_human_reason', 'text')
    .addColumn('awaiting_human_since', 'text')
    .addColumn('awaiting_until', 'text')
    .addColumn('webhook_url', 'text')
    .addColumn('webhook_secret', 'text')
    .addColumn('metadata', 'text')
    .addColumn('llm', 'text')
    .addColumn('action_policy', 'text')
    .addColumn('budget_cents', 'integer')
    .addColumn('step_cents', 'integer', (c) => c.notNull())
    .addColumn('steps_completed', 'integer', (c) => c.notNull())
    .addColumn('actions_sent', 'integer', (c) => c.notNull())
    .addColumn('cost_cents', 'integer', (c) => c.notNull())
    .addColumn('result', 'text')
    .addColumn('error', 'text')
    .addColumn('requested_by', 'text', (c) => c.notNull())
    .addColumn('idempotency_key', 'text')
    .addColumn('request_id', 'text')
    .addColumn('engine', 'text')
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('claimed_seq', 'integer', (c) => c.notNull())
    .addColumn('last_seq', 'integer', (c) => c.notNull())
    .addColumn('screenshot_count', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('started_at', 'text')
    .addColumn('finished_at', 'text')
    .addColumn('due_at', 'text')
    .execute();
  await schema
    .createIndex('runs_due')
    .on('runs')
    .columns(['due_at'])
    .where(sql.ref('due_at'), 'is not', null)
    .execute();
  await schema.createIndex('runs_by_owner').on('runs').columns(['account_id', 'mode', 'position']).execute();
  // Only open runs: lists of a machine's queue stay small however long its past is.
  await schema
    .createIndex('runs_open_by_machine')
    .on('runs')
    .columns(['machine_id', 'position'])
    .where(sql.ref('finished_at'), 'is', null)
    .execute();
  await schema
    .createTable('run_events')
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('seq', 'integer', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('event', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('run_events_key', ['run_id', 'seq'])
    .execute();
  await schema
    .createTable('run_actions')
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('command_id', 'text', (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('step', 'integer', (c) => c.notNull())
    .addColumn('boot_id', 'text')
    .addColumn('sealed', 'text')
    .addColumn('history', 'text')
    .addPrimaryKeyConstraint('run_actions_key', ['run_id', 'command_id'])
    .execute();
  await schema
    .createTable('run_screenshots')
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('step', 'integer', (c) => c.notNull())
    .addColumn('taken_at', 'text', (c) => c.notNull())
    .addColumn('width', 'integer', (c) => c.notNull())
    .addColumn('height', 'integer', (c) => c.notNull())
    .addColumn('mime_type', 'text', (c) => c.notNull())
    .addColumn('size_bytes', 'integer', (c) => c.notNull())
    .addColumn('sha256', 'text', (c) => c.notNull())
    .addColumn('degraded', 'integer', (c) => c.notNull())
    .addColumn('erased', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('run_screenshots_key', ['run_id', 'position'])
    .execute();
  await schema
    .createIndex('run_screenshots_kept')
    .on('run_screenshots')
    .columns(['taken_at'])
    .where(sql.ref('erased'), '=', 0)
    .execute();
  await schema.createIndex('run_screenshots_by_blob').on('run_screenshots').columns(['sha256']).execute();
  await schema
    .createTable('ledger')
    .addColumn('position', 'integer', autoIncrement(db))
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('mode', 'text', (c) => c.notNull())
    .addColumn('operation', 'text', (c) => c.notNull())
    .addColumn('operation_id', 'text', (c) => c.notNull())
    .addColumn('step', 'integer', (c) => c.notNull())
    .addColumn('cents', 'integer', (c) => c.notNull())
    .addColumn('input_tokens', 'integer', (c) => c.notNull())
    .addColumn('output_tokens', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addUniqueConstraint('ledger_once', ['account_id', 'mode', 'operation', 'operation_id', 'step'])
    .execute();
  await schema
    .createIndex('ledger_by_time')
    .on('ledger')
    .columns(['account_id', 'mode', 'created_at'])
    .execute();
  await schema
    .createTable('idempotency')
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('mode', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('request_id', 'text', (c) => c.notNull())
    .addColumn('status', 'integer')
    .addColumn('body', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('idempotency_key', ['account_id', 'mode', 'key'])
    .execute();
  await schema.createIndex('idempotency_by_expiry').on('idempotency').columns(['expires_at']).execute();
  await schema
    .createTable('webhook_deliveries')
    .addColumn('position', 'integer', autoIncrement(db))
    .addColumn('event_id', 'text', (c) => c.notNull().unique())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('event', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('next_attempt_at', 'text', (c) => c.notNull())
    .addColumn('last_error', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('delivered_at', 'text')
    .execute();
  await schema
    .createIndex('webhook_deliveries_pending')
    .on('webhook_deliveries')
    .columns(['run_id', 'position'])
    .where(sql.ref('state'), '=', 'pending')
    .execute();
  await schema
    .createTable('jobs')
    .addColumn('id', 'integer', autoIncrement(db))
    .addColumn('queue', 'text', (c) => c.notNull())
    .addColumn('key', 'text')
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('start_after', 'text')
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .execute();
}
