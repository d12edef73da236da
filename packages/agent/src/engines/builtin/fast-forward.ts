import { type Operation, wasDone } from '@deskhand/protocol';
import type { HistoryEntry } from '../../ports.ts';
import type { Intent } from './intent.ts';
import type { PlanStep } from './plan.ts';

/**
 * How many steps of the plan an earlier server already did, judged by the operations in the history: a step
 * counts when the operation that completes it was done after those of the steps before. Steps that only look
 * count when a later one does; at the border nothing is skipped that is not proven.
 */
export function stepsAlreadyDone(steps: readonly PlanStep[], earlier: readonly HistoryEntry[]): number {
  const done = earlier.filter(({ outcome }) => wasDone(outcome)).map(({ operation }) => operation);
  let reached = 0;
  let from = 0;
  steps.forEach(({ intent }, index) => {
    const at = done.findIndex((operation, place) => place >= from && completes(operation, intent));
    if (at < 0) return;
    from = at + 1;
    reached = index + 1;
  });
  return reached;
}

function completes(operation: Operation, intent: Intent): boolean {
  switch (intent.type) {
    case 'open_application':
      return operation.type === 'open_application' && operation.name === intent.name;
    case 'go_to':
      return operation.type === 'browser_navigate' && operation.url === intent.url;
    case 'click':
    case 'set_checked':
      return operation.type === 'click';
    case 'type_text':
      return operation.type === 'type_text';
    case 'press':
      return operation.type === 'key_press' || operation.type === 'key_combo';
    case 'run_command':
      return operation.type === 'run_command' && operation.command === intent.command;
    case 'save_as':
      return operation.type === 'stat_file' && operation.path === intent.path;
    case 'close_window':
      return operation.type === 'close_window';
    case 'focus_window':
      return operation.type === 'focus_window';
    case 'drag':
      return operation.type === 'drag';
    default:
      return false;
  }
}
