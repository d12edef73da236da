import { assertNever } from '@deskhand/base';
import {
  describeWithoutSecrets,
  isTerminal,
  type Operation,
  type Outcome,
  type RunChange,
  type RunEventPayload,
  type transition,
} from '@deskhand/protocol';
import type { RunRow } from './run-record.ts';

/** In the order of v1-api.md 3.3. */
export function eventsOf(
  change: RunChange,
  next: Extract<ReturnType<typeof transition>, { ok: true }>,
  run: Pick<RunRow, 'automatic' | 'machine_id'>,
): RunEventPayload[] {
  const status: RunEventPayload = { type: 'status', status: next.status, state: next.status };
  if (isTerminal(next.status))
    return [
      ...(next.error === null ? [] : [{ type: 'error', ...next.error } satisfies RunEventPayload]),
      status,
      { type: 'done', status: next.status, state: next.status, result: next.result, error: next.error },
    ];
  switch (change.type) {
    case 'needs_human':
      return [status, { type: 'awaiting_human', reason: change.reason }];
    case 'resumed':
      return [{ type: 'resumed', note: change.note }, status];
    case 'started':
      // A task's machine is known from here on.
      return [run.automatic === 0 ? status : { ...status, machine_id: run.machine_id }];
    case 'stopped':
    case 'finished':
      throw new Error(`A run that is ${change.type} has ended.`);
    default:
      return assertNever(change, 'run change');
  }
}

export function toolCall(step: number, operation: Operation, description?: string): RunEventPayload {
  return {
    type: 'tool_call',
    step,
    tool: operation.type,
    action_type: operation.type,
    params: publicParams(operation),
    ...(description === undefined ? {} : { description }),
  };
}

export function toolResult(step: number, operation: Operation, outcome: Outcome): RunEventPayload {
  // Unverified is done but unproven: a client that only reads `success` may go on, one that reads `outcome` knows more.
  const success = outcome.status === 'confirmed' || outcome.status === 'unverified';
  return {
    type: 'tool_result',
    step,
    tool: operation.type,
    success,
    outcome: outcome.status,
    ...(success ? {} : { error: outcome.message ?? outcome.code ?? outcome.status }),
    ...(outcome.code === undefined ? {} : { code: outcome.code }),
    duration_ms: Math.round(outcome.durationMs),
  };
}

/** Parameters as clients of either generation read them (v1-api.md 7.8), without typed text. */
function publicParams(operation: Operation): Record<string, unknown> {
  const params = describeWithoutSecrets(operation);
  switch (operation.type) {
    case 'click':
      return {
        x: operation.point.x,
        y: operation.point.y,
        button: operation.button,
        clicks: operation.clicks,
        ...held(operation.modifiers),
        ...(operation.heldMs === undefined ? {} : { held_ms: operation.heldMs }),
      };
    case 'move':
      return { x: operation.point.x, y: operation.point.y };
    case 'drag': {
      const { from, to } = operation;
      return {
        x1: from.x,
        y1: from.y,
        x2: to.x,
        y2: to.y,
        from_x: from.x,
        from_y: from.y,
        to_x: to.x,
        to_y: to.y,
        button: operation.button,
        duration_ms: operation.durationMs,
        ...held(operation.modifiers),
      };
    }
    case 'scroll': {
      const { direction, amount, point } = operation;
      const vertical = direction === 'up' || direction === 'down';
      return {
        ...(point === undefined ? {} : { x: point.x, y: point.y }),
        direction,
        amount,
        // One client reads `clicks` first and as vertical, so it is left out for left and right.
        ...(vertical ? { clicks: direction === 'up' ? amount : -amount } : {}),
        ...held(operation.modifiers),
      };
    }
    case 'key_press':
      // `params` and not the operation: text spelled key by key stays out.
      return { ...params, ...(Array.isArray(params.keys) ? { key: params.keys[0] } : {}) };
    case 'key_combo':
      return {
        keys: operation.keys,
        ...(operation.heldMs === undefined ? {} : { held_ms: operation.heldMs }),
      };
    case 'wait':
      return { ms: operation.ms, seconds: operation.ms / 1000 };
    default:
      return params;
  }
}

function held(modifiers: readonly string[]): Record<string, unknown> {
  return modifiers.length === 0 ? {} : { modifiers };
}
