import { OPERATION_TRAITS, type Operation, type Outcome, wasDone } from '@deskhand/protocol';

/** What the loop itself does about an operation that was not done, before the engine is asked again. */
export type Reaction =
  | Readonly<{ type: 'tell_engine' }>
  | Readonly<{ type: 'policy'; message: string; rule?: string }>
  | Readonly<{ type: 'wait_for_person' }>
  | Readonly<{ type: 'wait_for_stop' }>
  | Readonly<{ type: 'wait_for_lease' }>;

/**
 * Withheld hands are nobody's failure: a pause waits for the person, a tripped latch for the stop that is
 * on its way, a missing lease for the next renewal. A policy's "no" ends the run, except for a question
 * that changes nothing (does this file exist?), which the engine may do without.
 */
export function whatToDoAbout(operation: Operation | null, outcome: Outcome | null): Reaction {
  if (outcome === null || wasDone(outcome)) return { type: 'tell_engine' };
  // Hands taken away in the middle of an action break it off; a policy's "no" comes before anything is done.
  if (outcome.status === 'failed' && outcome.code === 'POLICY_DENIED') return { type: 'tell_engine' };
  switch (outcome.code) {
    case 'PAUSED':
      return { type: 'wait_for_person' };
    case 'LATCHED':
      return { type: 'wait_for_stop' };
    case 'LEASE_REQUIRED':
    case 'GUARD_UNAVAILABLE':
      return { type: 'wait_for_lease' };
    case 'POLICY_DENIED': {
      if (operation !== null && !OPERATION_TRAITS[operation.type].writes) return { type: 'tell_engine' };
      const rule = ruleOf(outcome);
      return {
        type: 'policy',
        message: outcome.message ?? 'This desktop’s policy forbids it.',
        ...(rule === undefined ? {} : { rule }),
      };
    }
    default:
      return { type: 'tell_engine' };
  }
}

function ruleOf(outcome: Outcome): string | undefined {
  const rule = (outcome as { rule?: unknown }).rule ?? outcome.result?.rule;
  return typeof rule === 'string' ? rule : undefined;
}
