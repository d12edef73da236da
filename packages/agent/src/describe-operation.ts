import { assertNever } from '@deskhand/base';
import type { Operation, Point } from '@deskhand/protocol';

/**
 * One operation in words a person understands; typed text is told by its length only (SPEC SEC1).
 * @param target name of what it points at or types into, where that is known; a point otherwise.
 */
export function describeOperation(operation: Operation, target: string | null = null): string {
  const place = (point: Point) => (target === null ? at(point) : `“${target}”`);
  switch (operation.type) {
    case 'click': {
      const times = operation.clicks === 1 ? '' : operation.clicks === 2 ? 'double-' : 'triple-';
      const button = operation.button === 'left' ? '' : `${operation.button}-`;
      const held = operation.modifiers.length === 0 ? '' : ` holding ${operation.modifiers.join('+')}`;
      const on = target === null ? `at ${at(operation.point)}` : place(operation.point);
      return sentence(`${button}${times}click ${on}${held}`);
    }
    case 'move':
      return `Move the pointer to ${place(operation.point)}`;
    case 'drag':
      return `Drag from ${at(operation.from)} to ${place(operation.to)}`;
    case 'scroll': {
      const where = operation.point === undefined ? '' : ` at ${place(operation.point)}`;
      return `Scroll ${operation.direction} by ${count(operation.amount, 'notch', 'notches')}${where}`;
    }
    case 'type_text':
      return `Type ${count([...operation.text].length, 'character')}${target === null ? '' : ` into “${target}”`}`;
    case 'key_press':
      return `Press ${operation.keys.join(', ')}`;
    case 'key_combo':
      return `Press ${operation.keys.join('+')}`;
    case 'wait':
      return `Wait ${operation.ms} ms`;
    case 'open_application':
      return `Open ${operation.name}`;
    case 'browser_navigate':
      return `Go to ${operation.url}`;
    case 'focus_window':
      return `Bring ${windowWords(operation)} forward`;
    case 'close_window':
      return `Close ${windowWords(operation)}`;
    case 'run_command':
      return `Run a command of ${count([...operation.command].length, 'character')} in the terminal`;
    case 'read_file':
      return `Read the file ${operation.path}`;
    case 'stat_file':
      return `Look at the file ${operation.path}`;
    default:
      return assertNever(operation, 'operation');
  }
}

export function describeOperations(operations: readonly Operation[]): string {
  return operations.map((operation) => describeOperation(operation)).join('; ');
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function at(point: Point): string {
  return `${Math.round(point.x)},${Math.round(point.y)}`;
}

function windowWords(operation: { windowId?: string | undefined; title?: string | undefined }): string {
  if (operation.title !== undefined) return `the window “${operation.title}”`;
  return operation.windowId === undefined ? 'the active window' : `window ${operation.windowId}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
