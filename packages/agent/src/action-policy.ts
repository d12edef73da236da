import { type ActionPolicy, canonicalKey, type Operation, parseChord, pointsOf } from '@deskhand/protocol';

/** A rule name from the policy and why it forbids the proposal. */
export type PolicyViolation = Readonly<{
  rule:
    | 'allowed_actions'
    | 'blocked_actions'
    | 'blocked_keys'
    | 'block_window_close'
    | 'max_actions'
    | 'coordinate_bounds';
  message: string;
}>;

/** Chords that close the window they land in, as canonical keys in sorted order. */
const CLOSING_CHORDS: ReadonlySet<string> = new Set(['alt+f4', 'ctrl+w', 'q+super', 'super+w', 'ctrl+q']);

/** Other names people know an operation by; a policy may use any of them (v1-api.md 7.7). */
const ALIASES: Partial<Record<Operation['type'], readonly string[]>> = {
  type_text: ['type'],
  key_combo: ['hotkey'],
  open_application: ['launch'],
  browser_navigate: ['browser_open', 'navigate'],
  focus_window: ['switch_to_window'],
  run_command: ['terminal', 'terminal_execute', 'terminal_run', 'execute_command'],
  read_file: ['file_read'],
  stat_file: ['file_exists'],
};

/**
 * Checks one whole proposal before anything of it is sent (v1-api.md 2.6): one forbidden operation refuses all.
 * @param actionsBefore operations this run has already done; counts against `max_actions`.
 * @returns the first rule broken, or null.
 */
export function violationOf(
  policy: ActionPolicy,
  operations: readonly Operation[],
  actionsBefore: number,
): PolicyViolation | null {
  if (policy.max_actions !== null && actionsBefore + operations.length > policy.max_actions)
    return {
      rule: 'max_actions',
      message: `The proposal would bring the run to ${actionsBefore + operations.length} actions; ${policy.max_actions} are allowed.`,
    };
  for (const operation of operations) {
    const violation = operationViolation(policy, operation);
    if (violation !== null) return violation;
  }
  return null;
}

function operationViolation(policy: ActionPolicy, operation: Operation): PolicyViolation | null {
  const names = namesOf(operation);
  if (policy.allowed_actions !== null && !policy.allowed_actions.some((name) => names.has(fold(name))))
    return { rule: 'allowed_actions', message: `${operation.type} is not among the allowed actions.` };
  const blocked = policy.blocked_actions?.find((name) => names.has(fold(name)));
  if (blocked !== undefined)
    return { rule: 'blocked_actions', message: `${operation.type} is a blocked action.` };
  return (
    keyViolation(policy, operation) ?? closeViolation(policy, operation) ?? boundsViolation(policy, operation)
  );
}

function keyViolation(policy: ActionPolicy, operation: Operation): PolicyViolation | null {
  if (policy.blocked_keys === null) return null;
  const keys = keysOf(operation);
  for (const entry of policy.blocked_keys) {
    // An entry may be one key ("esc") or a chord ("ctrl+w"); a chord is blocked when all its keys are held together.
    const wanted = (parseChord(entry) ?? [entry]).map(foldKey);
    const hit =
      wanted.length === 1
        ? keys.all.some((key) => key === wanted[0])
        : keys.chords.some((chord) => wanted.every((key) => chord.includes(key)));
    if (hit) return { rule: 'blocked_keys', message: `The key ${wanted.join('+')} is blocked.` };
  }
  return null;
}

function closeViolation(policy: ActionPolicy, operation: Operation): PolicyViolation | null {
  if (!policy.block_window_close) return null;
  const closes =
    operation.type === 'close_window' ||
    keysOf(operation).chords.some((chord) => CLOSING_CHORDS.has([...chord].sort().join('+')));
  return closes ? { rule: 'block_window_close', message: 'Closing windows is blocked.' } : null;
}

function boundsViolation(policy: ActionPolicy, operation: Operation): PolicyViolation | null {
  const bounds = policy.coordinate_bounds;
  if (bounds === null) return null;
  const outside = pointsOf(operation).find(
    ({ x, y }) => x < bounds.min_x || x > bounds.max_x || y < bounds.min_y || y > bounds.max_y,
  );
  return outside === undefined
    ? null
    : {
        rule: 'coordinate_bounds',
        message: `The point ${outside.x},${outside.y} lies outside the allowed area.`,
      };
}

/** Keys an operation presses: each by itself, and the groups that are held together. */
function keysOf(operation: Operation): { all: readonly string[]; chords: readonly (readonly string[])[] } {
  switch (operation.type) {
    case 'key_press': {
      // One entry may itself be written as a chord.
      const chords = operation.keys.map((key) => (parseChord(key) ?? [key]).map(foldKey));
      return { all: chords.flat(), chords };
    }
    case 'key_combo': {
      const chord = operation.keys.flatMap((key) => (parseChord(key) ?? [key]).map(foldKey));
      return { all: chord, chords: [chord] };
    }
    case 'click':
    case 'drag':
    case 'scroll': {
      const held = operation.modifiers.map(foldKey);
      return { all: held, chords: held.length === 0 ? [] : [held] };
    }
    case 'type_text': {
      // Typed line ends and tabs reach an application as these keys.
      const all: string[] = [];
      if (/[\r\n]/.test(operation.text)) all.push('enter');
      if (operation.text.includes('\t')) all.push('tab');
      return { all, chords: [] };
    }
    default:
      return { all: [], chords: [] };
  }
}

function namesOf(operation: Operation): ReadonlySet<string> {
  const names = new Set<string>([operation.type, ...(ALIASES[operation.type] ?? [])]);
  if (operation.type === 'click') {
    if (operation.clicks === 2) names.add('double_click');
    if (operation.clicks === 3) names.add('triple_click');
    if (operation.button !== 'left') names.add(`${operation.button}_click`);
    if (operation.modifiers.length > 0) names.add('click_with_modifiers');
  }
  return names;
}

function fold(name: string): string {
  return name.trim().toLowerCase();
}

function foldKey(key: string): string {
  return (canonicalKey(key) ?? key).toLowerCase();
}
