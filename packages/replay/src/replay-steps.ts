import type { RunEvent } from '@deskhand/protocol';
import { describeAction, targetOf } from './describe-action.ts';

export type ReplayAction = Readonly<{
  words: string;
  /** Pixels of the frame it was decided on. */
  target: Readonly<{ x: number; y: number }> | null;
  /** From the outcome table, or `unknown` while no result was logged. */
  outcome: string;
  error: string | null;
  durationMs: number | null;
}>;

export type ReplayStep = Readonly<{
  step: number;
  /** The model's own words. */
  thoughts: readonly string[];
  actions: readonly ReplayAction[];
  /** Questions to a person and their answers, errors. */
  notes: readonly string[];
  startedAt: string | null;
  /** Cost of the run up to and with this step. */
  costCents: number | null;
}>;

type OpenStep = {
  step: number;
  thoughts: string[];
  actions: ReplayAction[];
  notes: string[];
  startedAt: string | null;
  costCents: number | null;
};

/** The log, step by step. Words come before the action they explain; a result belongs to the oldest action without one. */
export function replaySteps(events: readonly RunEvent[]): ReplayStep[] {
  const steps: OpenStep[] = [];
  let waiting = newStep(0);
  const at = (number: number): OpenStep => {
    let step = steps.find((known) => known.step === number);
    if (step === undefined) {
      step = { ...waiting, step: number };
      steps.push(step);
      waiting = newStep(0);
    }
    return step;
  };
  for (const event of events) {
    switch (event.type) {
      case 'reasoning':
      case 'text':
        waiting.thoughts.push(event.text);
        waiting.startedAt ??= event.created_at;
        break;
      case 'tool_call': {
        const step = at(event.step);
        step.startedAt ??= event.created_at;
        step.thoughts.push(...waiting.thoughts.splice(0));
        step.actions.push({
          words: describeAction(event),
          target: targetOf(event.params),
          outcome: 'unknown',
          error: null,
          durationMs: null,
        });
        break;
      }
      case 'tool_result': {
        const step = at(event.step);
        const index = step.actions.findIndex((action) => action.outcome === 'unknown');
        const action = step.actions[index];
        if (action === undefined) break;
        step.actions[index] = {
          ...action,
          outcome: event.outcome ?? (event.success ? 'done' : 'failed'),
          error: event.error ?? null,
          durationMs: event.duration_ms ?? null,
        };
        break;
      }
      case 'awaiting_human':
        waiting.notes.push(`Asked a person: ${event.reason}`);
        break;
      case 'resumed':
        waiting.notes.push(
          event.note === null ? 'A person let it go on.' : `A person answered: ${event.note}`,
        );
        break;
      case 'error':
        waiting.notes.push(`${event.code}: ${event.message}`);
        break;
      case 'billing': {
        const last = steps.at(-1);
        if (last !== undefined) last.costCents = event.cost_cents;
        break;
      }
      default:
        break;
    }
  }
  // The last words often explain why it ended, after the last action.
  if (waiting.thoughts.length > 0 || waiting.notes.length > 0)
    steps.push({ ...waiting, step: (steps.at(-1)?.step ?? 0) + 1 });
  return steps;
}

function newStep(step: number): OpenStep {
  return { step, thoughts: [], actions: [], notes: [], startedAt: null, costCents: null };
}
