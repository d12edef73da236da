import { canonicalKey, MODIFIER_KEYS, type Point, parseChord } from '@deskhand/protocol';
import { z } from 'zod';
import type { ModelCall } from './proposal.ts';

/**
 * Calls of the providers' own computer tools → calls of ours, in the model's coordinates. One call may become
 * several; all keep its id, so that its one result tells of all. What our hands do not do is refused in words.
 */
export function ownCalls(call: ModelCall, pointer: Point | null): ModelCall[] {
  if (call.malformed) return [call];
  switch (call.name) {
    case 'computer':
      return isOpenAi(call.input) ? openAiCalls(call) : anthropicCalls(call, pointer);
    case 'computer_use':
      return qwenCalls(call);
    default:
      return [call];
  }
}

// ---- Anthropic -----------------------------------------------------------------------------------

const pair = z.tuple([z.number(), z.number()]);
const AnthropicInput = z.looseObject({
  action: z.string(),
  coordinate: pair.optional(),
  start_coordinate: pair.optional(),
  text: z.string().optional(),
  duration: z.number().min(0).optional(),
  repeat: z.int().min(1).max(100).optional(),
  region: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
  scroll_amount: z.number().optional(),
  scroll_direction: z.string().optional(),
});

const CLICKS: Readonly<Record<string, { button?: string; clicks?: number }>> = {
  left_click: {},
  right_click: { button: 'right' },
  middle_click: { button: 'middle' },
  double_click: { clicks: 2 },
  triple_click: { clicks: 3 },
};

function anthropicCalls(call: ModelCall, pointer: Point | null): ModelCall[] {
  const read = AnthropicInput.safeParse(call.input);
  if (!read.success) return [refusal(call, 'the input does not fit the tool')];
  const { action, coordinate, text, duration, region } = read.data;
  const point = coordinate === undefined ? pointer : asPoint(coordinate);
  const clicks = CLICKS[action];
  if (clicks !== undefined) {
    if (point === null) return [refusal(call, `${action} needs coordinate`)];
    return [own(call, 'click', { point, ...clicks, ...held(text) })];
  }
  switch (action) {
    case 'screenshot':
      return [own(call, 'screenshot', {})];
    case 'cursor_position':
      return [own(call, 'pointer_position', {})];
    case 'zoom':
      if (region === undefined) return [refusal(call, 'zoom needs region')];
      return [own(call, 'zoom', areaOf(region))];
    case 'mouse_move':
      return point === null ? [refusal(call, 'mouse_move needs coordinate')] : [own(call, 'move', { point })];
    case 'left_click_drag': {
      const from = read.data.start_coordinate === undefined ? pointer : asPoint(read.data.start_coordinate);
      if (coordinate === undefined || from === null)
        return [refusal(call, 'left_click_drag needs start_coordinate and coordinate')];
      return [own(call, 'drag', { from, to: asPoint(coordinate), ...held(text) })];
    }
    case 'scroll':
      return [
        own(call, 'scroll', {
          ...(coordinate === undefined ? {} : { point: asPoint(coordinate) }),
          direction: read.data.scroll_direction,
          amount: Math.min(100, Math.max(1, Math.round(read.data.scroll_amount ?? 3))),
          ...held(text),
        }),
      ];
    case 'type':
      return [own(call, 'type_text', { text })];
    case 'key':
      return keyCalls(call, text ?? '', read.data.repeat ?? 1);
    case 'wait':
      return [own(call, 'wait', { ms: Math.round((duration ?? 1) * 1000) })];
    case 'hold_key': {
      const keys = keysOf(text ?? '');
      if (keys === undefined) return [refusal(call, `“${(text ?? '').slice(0, 40)}” is not a key`)];
      return [own(call, 'key_combo', { keys, heldMs: Math.round((duration ?? 1) * 1000) })];
    }
    case 'left_mouse_down':
    case 'left_mouse_up':
      return [refusal(call, `${action} is not available; use left_click or left_click_drag`)];
    default:
      return [refusal(call, `there is no action “${action.slice(0, 40)}”`)];
  }
}

/** xdotool's syntax: chords joined by "+", several separated by spaces. */
function keyCalls(call: ModelCall, text: string, repeat: number): ModelCall[] {
  const chords = text.trim().split(/\s+/).map(keysOf);
  if (text.trim() === '' || chords.some((keys) => keys === undefined))
    return [refusal(call, `“${text.slice(0, 40)}” is not a key`)];
  const once = chords.map((keys) => pressed(call, keys as string[]));
  return Array.from({ length: repeat }, () => once).flat();
}

function pressed(call: ModelCall, keys: readonly string[]): ModelCall {
  return keys.length === 1 ? own(call, 'key_press', { keys }) : own(call, 'key_combo', { keys });
}

function keysOf(text: string): string[] | undefined {
  return parseChord(text.replaceAll(/KP_(\d)/gi, '$1'));
}

/** Keys to hold while clicking or scrolling; a word that is no modifier is left to the schema to refuse. */
function held(text: string | undefined): { modifiers?: string[] } {
  return text === undefined || text.trim() === '' ? {} : { modifiers: keysOf(text) ?? [text] };
}

// ---- OpenAI --------------------------------------------------------------------------------------

const keys = z.array(z.string()).max(6).nullish();
const at = { x: z.number(), y: z.number(), keys };
const OpenAiAction = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('click'), button: z.string(), ...at }),
  z.looseObject({ type: z.literal('double_click'), ...at }),
  z.looseObject({ type: z.literal('drag'), path: z.array(z.object({ x: z.number(), y: z.number() })), keys }),
  z.looseObject({ type: z.literal('keypress'), keys: z.array(z.string()).min(1) }),
  z.looseObject({ type: z.literal('move'), ...at }),
  z.looseObject({ type: z.literal('screenshot') }),
  z.looseObject({ type: z.literal('scroll'), scrollX: z.number(), scrollY: z.number(), ...at }),
  z.looseObject({ type: z.literal('type'), text: z.string() }),
  z.looseObject({ type: z.literal('wait') }),
]);
const OpenAiInput = z.looseObject({ actions: z.array(z.unknown()).max(100) });

/** Pixels of scrolling that one wheel notch makes in common toolkits and browsers. */
const PIXELS_PER_NOTCH = 100;
const OPENAI_WAIT_MS = 2000;

function isOpenAi(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'actions' in input;
}

function openAiCalls(call: ModelCall): ModelCall[] {
  const read = OpenAiInput.safeParse(call.input);
  if (!read.success) return [refusal(call, 'the input does not fit the tool')];
  const { actions } = read.data;
  const calls = actions.flatMap((action) => {
    const one = OpenAiAction.safeParse(action);
    return one.success ? openAiCall(call, one.data) : [refusal(call, 'an action does not fit the tool')];
  });
  // Every call is answered with a screenshot anyway; asked for among others it means nothing more.
  const acting = calls.filter(({ name }) => name !== 'screenshot');
  return acting.length === 0 ? [own(call, 'screenshot', {})] : acting;
}

function openAiCall(call: ModelCall, action: z.infer<typeof OpenAiAction>): ModelCall[] {
  switch (action.type) {
    case 'click': {
      const button = action.button === 'wheel' ? 'middle' : action.button;
      return [own(call, 'click', { point: place(action), button, ...heldKeys(action.keys) })];
    }
    case 'double_click':
      return [own(call, 'click', { point: place(action), clicks: 2, ...heldKeys(action.keys) })];
    case 'drag': {
      const [from, to] = [action.path[0], action.path.at(-1)];
      if (from === undefined || to === undefined || action.path.length < 2)
        return [refusal(call, 'drag needs a path of at least two points')];
      return [own(call, 'drag', { from, to, ...heldKeys(action.keys) })];
    }
    case 'keypress': {
      const names = action.keys.map((key) => keysOf(key));
      if (names.some((name) => name === undefined))
        return [refusal(call, `“${action.keys.join('+').slice(0, 40)}” is not a key`)];
      // Letters come in capitals; in a chord they name keys.
      const keys = names.flat() as string[];
      return [pressed(call, keys.length > 1 ? keys.map((key) => key.toLowerCase()) : keys)];
    }
    case 'move':
      return [own(call, 'move', { point: place(action) })];
    case 'screenshot':
      return [own(call, 'screenshot', {})];
    case 'scroll': {
      const turns: Array<[string, number]> = [
        [action.scrollY > 0 ? 'down' : 'up', Math.abs(action.scrollY)],
        [action.scrollX > 0 ? 'right' : 'left', Math.abs(action.scrollX)],
      ];
      const calls = turns
        .filter(([, pixels]) => pixels > 0)
        .map(([direction, pixels]) =>
          own(call, 'scroll', {
            point: place(action),
            direction,
            amount: notches(pixels),
            ...heldKeys(action.keys),
          }),
        );
      return calls.length === 0 ? [refusal(call, 'scroll needs a distance')] : calls;
    }
    case 'type':
      return [own(call, 'type_text', { text: action.text })];
    case 'wait':
      return [own(call, 'wait', { ms: OPENAI_WAIT_MS })];
  }
}

function heldKeys(names: readonly string[] | null | undefined): { modifiers?: string[] } {
  if (names === null || names === undefined || names.length === 0) return {};
  return { modifiers: names.map((name) => canonicalKey(name) ?? name) };
}

/** What OpenAI wants a person to have seen before these actions are done; empty when nothing. */
export function safetyChecksOf(call: ModelCall): ReadonlyArray<{ id: string; message?: string }> {
  if (call.name !== 'computer' || !isOpenAi(call.input)) return [];
  const checks = (call.input as { pendingSafetyChecks?: unknown }).pendingSafetyChecks;
  const read = z
    .array(z.looseObject({ id: z.string(), code: z.string().optional(), message: z.string().optional() }))
    .safeParse(checks);
  return read.success
    ? read.data.map(({ id, message }) => (message === undefined ? { id } : { id, message }))
    : [];
}

// ---- Qwen ----------------------------------------------------------------------------------------

const QwenInput = z.looseObject({
  action: z.string(),
  coordinate: pair.optional(),
  coordinate2: pair.optional(),
  text: z.string().optional(),
  keys: z.array(z.string()).optional(),
  pixels: z.number().optional(),
  time: z.number().optional(),
  status: z.string().optional(),
});

/** The `computer_use` function Qwen's GUI models are trained on, whether it was offered or not. */
function qwenCalls(call: ModelCall): ModelCall[] {
  const read = QwenInput.safeParse(call.input);
  if (!read.success) return [refusal(call, 'the input does not fit the tool')];
  const { action, coordinate, coordinate2, text, pixels = 0, time, status } = read.data;
  const point = coordinate === undefined ? null : asPoint(coordinate);
  const clicks = CLICKS[action];
  if (clicks !== undefined)
    return point === null
      ? [refusal(call, `${action} needs coordinate`)]
      : [own(call, 'click', { point, ...clicks })];
  switch (action) {
    case 'key': {
      const names = (read.data.keys ?? []).flatMap((key) => keysOf(key) ?? [key]);
      if (names.length === 0) return [refusal(call, 'key needs keys')];
      const isChord = names.slice(0, -1).every((key) => MODIFIER_KEYS.has(key));
      return [own(call, isChord && names.length > 1 ? 'key_combo' : 'key_press', { keys: names })];
    }
    case 'type':
      return [own(call, 'type_text', { text })];
    case 'mouse_move':
      return [own(call, 'move', { point })];
    case 'left_click_drag':
      if (point === null || coordinate2 === undefined)
        return [refusal(call, 'left_click_drag needs coordinate and coordinate2; or use drag')];
      return [own(call, 'drag', { from: point, to: asPoint(coordinate2) })];
    case 'scroll':
    case 'hscroll': {
      const ahead = action === 'scroll' ? ['up', 'down'] : ['right', 'left'];
      const direction = pixels > 0 ? ahead[0] : ahead[1];
      const turned = { direction, amount: notches(Math.abs(pixels)) };
      return [own(call, 'scroll', { ...(point === null ? {} : { point }), ...turned })];
    }
    case 'wait':
      return [own(call, 'wait', { ms: Math.round((time ?? 1) * 1000) })];
    case 'terminate':
      return [
        status === 'failure'
          ? own(call, 'fail', { reason: text ?? 'The model says it cannot go on.' })
          : own(call, 'done', { summary: text ?? 'The model says the task is done.' }),
      ];
    case 'answer':
      return [own(call, 'done', { summary: text })];
    default:
      return [refusal(call, `there is no action “${action.slice(0, 40)}”`)];
  }
}

// ---- shared --------------------------------------------------------------------------------------

export function own(call: Pick<ModelCall, 'id'>, name: string, input: unknown): ModelCall {
  return { id: call.id, name, input, malformed: false };
}

export function refusal(call: ModelCall, problem: string): ModelCall {
  return { ...call, problem: `${call.name}: ${problem}.` };
}

function asPoint([x, y]: readonly [number, number]): Point {
  return { x, y };
}

function place({ x, y }: Point): Point {
  return { x, y };
}

function areaOf([x1, y1, x2, y2]: readonly [number, number, number, number]) {
  return { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) };
}

function notches(pixels: number): number {
  return Math.min(100, Math.max(1, Math.round(pixels / PIXELS_PER_NOTCH)));
}
