import { inertLine } from '@deskhand/base';

type Params = Readonly<Record<string, unknown>>;

type Call = Readonly<{ action_type: string; params: Params; description?: string | undefined }>;

/**
 * An action in words: as its server told it from what the screen showed; from its parameters alone where the log is
 * older than those words. Never from the model's own description of it.
 */
export function describeAction({ action_type: action, params, description }: Call): string {
  if (description !== undefined && description !== '') return inertLine(description, 500);
  const text = (name: string, max = 120) => inertLine(String(params[name] ?? ''), max);
  switch (action) {
    case 'click': {
      const times = params.clicks === 2 ? 'Double-click' : params.clicks === 3 ? 'Triple-click' : 'Click';
      const button =
        typeof params.button === 'string' && params.button !== 'left'
          ? ` with the ${text('button', 16)} button`
          : '';
      return `${times} at ${place(params.x, params.y)}${button}${kept(params.held_ms)}`;
    }
    case 'move':
      return `Move the pointer to ${place(params.x, params.y)}`;
    case 'drag':
      return `Drag from ${place(params.from_x, params.from_y)} to ${place(params.to_x, params.to_y)}`;
    case 'scroll':
      return `Scroll ${text('direction', 8)} ${text('amount', 8)} notches`;
    case 'type_text':
      return `Type ${text('characters', 8)} characters`;
    case 'key_press':
      return `Press ${keys(params, ', ')}`;
    case 'key_combo':
      return `Press ${keys(params, '+')}${kept(params.held_ms)}`;
    case 'wait':
      return `Wait ${text('ms', 8)} ms`;
    case 'open_application':
      return `Open ${text('name')}`;
    case 'browser_navigate':
      return `Go to ${text('url', 300)}`;
    case 'run_command':
      return `Run ${text('command', 300)}`;
    default: {
      const words = inertLine(action.replaceAll('_', ' '), 80);
      return words.charAt(0).toUpperCase() + words.slice(1);
    }
  }
}

function kept(heldMs: unknown): string {
  return typeof heldMs === 'number' && heldMs > 0 ? `, held for ${heldMs / 1000} s` : '';
}

/** Where an action points, in pixels of its frame; null for actions without a place. */
export function targetOf(params: Params): { x: number; y: number } | null {
  const x = params.x ?? params.to_x;
  const y = params.y ?? params.to_y;
  return typeof x === 'number' && typeof y === 'number' && Number.isFinite(x) && Number.isFinite(y)
    ? { x, y }
    : null;
}

function place(x: unknown, y: unknown): string {
  return typeof x === 'number' && typeof y === 'number'
    ? `${Math.round(x)}, ${Math.round(y)}`
    : 'an unknown place';
}

function keys(params: Params, between: string): string {
  const list = Array.isArray(params.keys) ? params.keys.join(between) : String(params.key ?? '');
  return inertLine(list, 120);
}
