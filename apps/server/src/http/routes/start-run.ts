import { type CreateRunRequest, ProtocolError } from '@deskhand/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Owner } from '../../keys/owner.ts';
import { type LlmWish, llmWish, type OwnLlm } from '../../llm/llm-choice.ts';
import type { LlmKeyStore } from '../../llm/llm-key-store.ts';
import type { MachineRow } from '../../machines/machine-record.ts';
import type { OpenRunCap } from '../../runs/open-run-cap.ts';
import { toRun } from '../../runs/run-record.ts';
import type { CreatedRun } from '../../runs/run-service.ts';
import type { Tx } from '../../storage/schema.ts';
import { mintWebhookSecret } from '../../webhooks/sign-webhook.ts';
import { checkWebhookUrl } from '../../webhooks/webhook-target.ts';
import { callerOf } from '../caller.ts';
import { idempotencyKeyOf } from '../idempotency.ts';
import type { ServerParts } from '../server-parts.ts';

/** What the two ways to start a run differ in. */
export type StartPlan = Readonly<{
  path: string;
  body: Omit<CreateRunRequest, 'machine_id'>;
  /** The server chooses the machine (a task). */
  automatic: boolean;
  /** @returns null when there is none, which only a task survives. */
  machineFor: (tx: Tx) => Promise<MachineRow | null>;
}>;

/**
 * Starts a run: the checks in the order of v1-api.md 2.2 (validation, idempotency, machine, wallet, concurrency), all
 * that depends on stored state inside the transaction that stores the run.
 */
export async function startRun(
  parts: ServerParts,
  openRuns: OpenRunCap,
  request: FastifyRequest,
  reply: FastifyReply,
  plan: StartPlan,
): Promise<Record<string, unknown>> {
  const { config, runs, ledger, idempotency } = parts;
  const caller = callerOf(request);
  const { body } = plan;
  if (body.webhook_url !== null)
    checkWebhookUrl(body.webhook_url, { privateNetworks: config.webhook_private_networks });
  const wish = llmWish({ headers: request.headers, mode: caller.owner.mode, body }, config);
  const key = idempotencyKeyOf({
    header: request.headers['idempotency-key'],
    method: 'POST',
    path: plan.path,
    body: request.rawBody,
    owner: caller.owner,
    requestId: request.id,
  });
  const managedCents = body.cua_version === 'v1' ? config.run_step_v1_cents : config.run_step_cents;
  const stepCents = wish.own ? (config.run_step_own_model_cents ?? managedCents) : managedCents;
  const answer = await idempotency.transact(key, async (tx) => {
    const ownLlm = wish.own ? await ownLlmOf(tx, caller.owner, wish, parts.llmKeys) : null;
    const machine = await plan.machineFor(tx);
    if (!(await ledger.canPay(tx, caller.owner, stepCents)))
      throw new ProtocolError('INSUFFICIENT_CREDITS', 'The wallet cannot pay for one step.', {
        required: stepCents,
        balance: (await ledger.balanceIn(tx, caller.owner)).cents,
      });
    if (machine !== null) await openRuns.take(tx, machine.id);
    const webhookSecret = body.webhook_url === null ? null : mintWebhookSecret();
    const created = await runs.create(
      tx,
      {
        ...body,
        machine_id: machine?.id ?? '',
        max_steps: Math.min(body.max_steps, config.max_steps_ceiling),
        model: wish.model,
      },
      {
        owner: caller.owner,
        requestedBy: `${caller.name} (${caller.keyId})`.slice(0, 200),
        requestId: request.id,
        idempotencyKey: key?.key ?? null,
        webhookSecret,
        stepCents,
        ownLlm,
        automatic: plan.automatic,
      },
    );
    return { body: toRun(created.queued, webhookSecret), effect: created };
  });
  if (answer.effect !== null) runs.announceCreated(answer.effect satisfies CreatedRun);
  if (body.webhook_url !== null) reply.header('cache-control', 'no-store');
  idempotencyHeaders(reply, key !== null, answer.replayed);
  await billingHeaders(reply, parts, caller.owner);
  return answer.body;
}

/**
 * The machine a run names, if it may be driven.
 * @throws ProtocolError MACHINE_NOT_FOUND, INVALID_STATE, NOT_ARMED
 */
export async function usableMachine(
  tx: Tx,
  { machines }: ServerParts,
  owner: Owner,
  machineId: string,
): Promise<MachineRow> {
  const machine = await machines.findIn(tx, owner, machineId);
  const status = machines.status(machine);
  if (status === 'stopped')
    throw new ProtocolError(
      'INVALID_STATE',
      machine.latched !== 0
        ? 'The kill switch of this desktop is tripped. Only a person there can re-arm it: deskhand reset.'
        : 'Remote control of this machine is suspended: POST /v1/machines/{id}/start allows it again.',
      { current_state: status, allowed_from: ['running', 'provisioning', 'error'] },
    );
  const unarmed = machines.hotkeyProblem(machine.id);
  if (unarmed !== null)
    throw new ProtocolError(
      'NOT_ARMED',
      `The stop hotkey of this desktop is not armed: ${unarmed} Its person can mend that (deskhand doctor) or let runs start all the same (deskhand up --allow-unarmed).`,
      { current_state: status, reason: unarmed },
    );
  return machine;
}

/** Header key, else stored key (v1-api.md 8.7). @throws ProtocolError LLM_KEY_NOT_CONFIGURED */
async function ownLlmOf(
  tx: Tx,
  owner: Owner,
  wish: Extract<LlmWish, { own: true }>,
  llmKeys: LlmKeyStore,
): Promise<OwnLlm> {
  const { provider, model, headerKey } = wish;
  const key = headerKey ?? (await llmKeys.openIn(tx, owner, provider));
  if (key === null)
    throw new ProtocolError(
      'LLM_KEY_NOT_CONFIGURED',
      `No ${provider} key came with the request and none is stored. Send X-LLM-Api-Key, or store one with PUT /v1/llm/keys/${provider}.`,
    );
  const fingerprint = llmKeys.fingerprint(key);
  return { provider, model, key, fingerprint, source: headerKey === null ? 'stored' : 'header' };
}

export function idempotencyHeaders(reply: FastifyReply, keyed: boolean, replayed: boolean): void {
  if (!keyed) return;
  reply.header('idempotency-replayed', String(replayed));
  reply.header('idempotency-status', 'completed');
  if (replayed) reply.header('x-coasty-idempotent-replay', 'true');
}

/** Creating a run charges nothing; its steps do. */
export async function billingHeaders(
  reply: FastifyReply,
  parts: ServerParts,
  owner: Owner,
  cents = 0,
): Promise<void> {
  const balance = await parts.ledger.balance(parts.database, owner);
  reply.header('x-credits-charged', owner.mode === 'test' ? '0' : String(cents));
  reply.header('x-credits-remaining', String(balance.cents));
}
