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
    machine_id: row.machine_id,
    machine: null,
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
