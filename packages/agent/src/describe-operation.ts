import { assertNever, inertLine } from '@deskhand/base';
import { describeWithoutSecrets, type Operation, type Point } from '@deskhand/protocol';

const MAX_URL = 300;
const MAX_PATH = 200;

/** What an operation acts on, as the screen names it; null for what has no name or was not seen. */
export type OperationTarget = Readonly<{ name: string | null; application: string | null }>;
export const UNKNOWN_TARGET: OperationTarget = { name: null, application: null };

/**
 * One operation in words a person understands: the same in the run's log, the panel, the terminal and the replay.
 * Made from facts alone; typed text is told by its length only (SPEC SEC1).
 */
export function describeOperation(operation: Operation, target: OperationTarget = UNKNOWN_TARGET): string {
  const { name } = target;
  const place = (point: Point) => (name === null ? at(point) : `“${name}”`);
  const inside = target.application === null ? '' : ` in ${target.application}`;
  switch (operation.type) {
    case 'click': {
      const times = operation.clicks === 1 ? '' : operation.clicks === 2 ? 'double-' : 'triple-';
      const button = operation.button === 'left' ? '' : `${operation.button}-`;
      const held = operation.modifiers.length === 0 ? '' : ` holding ${chord(operation.modifiers)}`;
      const on = name === null ? `at ${at(operation.point)}` : place(operation.point);
      return sentence(`${button}${times}click ${on}${inside}${held}${kept(operation.heldMs)}`);
    }
    case 'move':
      return `Move the pointer to ${place(operation.point)}${inside}`;
    case 'drag':
      return `Drag from ${at(operation.from)} to ${place(operation.to)}${inside}`;
    case 'scroll': {
      const where = operation.point === undefined ? '' : ` at ${place(operation.point)}`;
      return `Scroll ${operation.direction} by ${count(operation.amount, 'notch', 'notches')}${where}${inside}`;
    }
    case 'type_text':
      return `Type ${count([...operation.text].length, 'character')}${name === null ? '' : ` into “${name}”`}${inside}`;
    case 'key_press': {
      const { keys } = describeWithoutSecrets(operation) as { keys: readonly string[] };
      return `Press ${keys.map(keyName).join(', ')}${inside}`;
    }
    case 'key_combo':
      return `Press ${chord(operation.keys)}${inside}${kept(operation.heldMs)}`;
    case 'wait':
      return `Wait ${operation.ms} ms`;
    case 'open_application':
      return `Open ${inertLine(operation.name, 200)}`;
    case 'browser_navigate':
      return `Go to ${inertLine(String(describeWithoutSecrets(operation).url), MAX_URL)}`;
    case 'focus_window':
      return `Bring ${windowWords(operation)} forward`;
    case 'close_window':
      return `Close ${windowWords(operation)}`;
    case 'run_command':
      return `Run a command of ${count([...operation.command].length, 'character')} in the terminal`;
    case 'read_file':
      return `Read the file ${inertLine(operation.path, MAX_PATH)}`;
    case 'stat_file':
      return `Look at the file ${inertLine(operation.path, MAX_PATH)}`;
    default:
      return assertNever(operation, 'operation');
  }
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function at(point: Point): string {
  return `${Math.round(point.x)}, ${Math.round(point.y)}`;
}

/** As it is printed on a keyboard: `page_down` is Page Down, one character stays as it is. */
function keyName(key: string): string {
  if ([...key].length === 1 || key.startsWith('[')) return key;
  return key.split('_').map(sentence).join(' ');
}

function chord(keys: readonly string[]): string {
  return keys
    .map((key) => (keys.length > 1 && [...key].length === 1 ? key.toUpperCase() : keyName(key)))
    .join('+');
}

function windowWords(operation: { windowId?: string | undefined; title?: string | undefined }): string {
  if (operation.title !== undefined) return `the window “${inertLine(operation.title, 120)}”`;
  return operation.windowId === undefined ? 'the active window' : `window ${operation.windowId}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "…, held for 2 s". */
function kept(heldMs: number | undefined): string {
  return heldMs === undefined || heldMs === 0 ? '' : `, held for ${heldMs / 1000} s`;
}
