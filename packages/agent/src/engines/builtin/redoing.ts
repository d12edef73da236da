import type { Operation } from '@deskhand/protocol';

/**
 * Whether an operation that broke midway may be done once more without asking anybody: it only looks, waits,
 * or ends in the same state however often it is done. Input that reaches an application never may.
 */
export function mayBeRedone({ type }: Operation): boolean {
  switch (type) {
    case 'move':
    case 'wait':
    case 'open_application':
    case 'browser_navigate':
    case 'focus_window':
    case 'read_file':
    case 'stat_file':
      return true;
    default:
      return false;
  }
}
