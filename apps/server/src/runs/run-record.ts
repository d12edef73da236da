import type { ActionPolicy, Run, RunError, RunLlm, RunResult } from '@deskhand/protocol';
import type { Selectable } from 'kysely';
import type { RunsTable } from '../storage/schema.ts';

export type RunRow = Selectable<RunsTable>;

/**
 * A stored run as every endpoint, list and webhook serves it.
 * @param webhookSecret only for the answer that created it.
 */
export function toRun(row: RunRow, webhookSecret: string | null = null): Run {
  return {
    id: row.id,
    run_id: row.id,
    object: 'agent.run',
    status: row.status,
    state: row.status,
    machine_id: machineIdOf(row),
    machine: row.automatic === 0 ? null : taskMachine(row),
    task: row.task,
    cua_version: row.cua_version,
    instructions: row.instructions,
    max_steps: row.max_steps,
    deadline_seconds: row.deadline_seconds,
    on_awaiting_human: row.on_awaiting_human,
    steps_completed: row.steps_completed,
    credits_charged: row.cost_cents,
    cost_cents: row.cost_cents,
    result: parsed<RunResult>(row.result),
    error: parsed<RunError>(row.error),
    awaiting_human_reason: row.awaiting_human_reason,
    awaiting_human_since: row.awaiting_human_since,
    metadata: parsed<Record<string, unknown>>(row.metadata),
    llm: llmOf(row),
    webhook_url: row.webhook_url,
    webhook_secret: webhookSecret,
    created_at: row.created_at,
    started_at: row.started_at,
    finished_at: row.finished_at,
    request_id: row.request_id,
    engine: row.engine,
  };
}

/** A task's machine is public once the run is on it. */
function machineIdOf(row: RunRow): string | null {
  return row.automatic !== 0 && row.started_at === null ? null : row.machine_id;
}

/** How the machine of a task fares (v1-api.md 9.6). Released means free again; it stays registered. */
function taskMachine(row: RunRow): Record<string, unknown> {
  const error = row.machine_id === '' ? parsed<RunError>(row.error) : null;
  const ended = row.finished_at !== null;
  const status =
    error !== null ? 'failed' : ended ? 'released' : row.started_at === null ? 'provisioning' : 'ready';
  return {
    mode: 'automatic',
    status,
    id: machineIdOf(row),
    cleanup: 'always',
    cleanup_status: ended ? 'terminated' : 'pending',
    ...(error === null ? {} : { error }),
  };
}

function llmOf(row: RunRow): RunLlm | null {
  const llm = parsed<Omit<RunLlm, 'key_scrubbed'>>(row.llm);
  return llm === null ? null : ({ ...llm, key_scrubbed: row.llm_key === null } as RunLlm);
}

export function actionPolicyOf(row: RunRow): ActionPolicy | null {
  return parsed<ActionPolicy>(row.action_policy);
}

/** JSON this server wrote itself. */
function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
