import { assertNever, sleep } from '@deskhand/base';
import {
  type Action,
  canonicalKey,
  MODIFIER_KEYS,
  type MouseButton,
  type Point,
  ProtocolError,
} from '@deskhand/protocol';
import type { DesktopAction, InputBackend } from '../ports.ts';
import { HeldInputs } from './held-inputs.ts';
import type { ReservedChords } from './reserved-chord.ts';

/** Between two points of a drag. */
const DRAG_STEP_MS = 10;
/** Enough for a toolkit to see a drag and not a jump, even when no time is given. */
const DRAG_MIN_POINTS = 8;
const BETWEEN_KEYS_MS = 8;
const BETWEEN_NOTCHES_MS = 4;
const WAIT_SLICE_MS = 50;
/** Two clicks at one place within this time would be taken for a double click. */
const DOUBLE_CLICK_MS = 500;
const DOUBLE_CLICK_PX = 8;

/** What must be known about earlier actions to do the next one right. One per hands process. */
export type ActionMemory = {
  readonly reserved: ReservedChords;
  readonly now: () => number;
  lastClick: { at: number; point: Point; button: MouseButton } | null;
};

type Hand = Readonly<{
  backend: InputBackend;
  memory: ActionMemory;
  check: () => void;
  signal: AbortSignal;
  keysOnly: boolean;
}>;

/**
 * Does one action, at most once, as single primitives. Points are desktop space.
 * @param gate throws (LATCHED, LEASE_REQUIRED, STALE_EPOCH …) when input is no longer allowed; asked between
 *   any two primitives. Whatever it throws comes out again, with everything released.
 * @throws ProtocolError UNKNOWN_KEY, RESERVED_CHORD, TEXT_NOT_TYPEABLE before anything is pressed;
 *   ACTION_ABORTED when the signal aborts; INPUT_FAILED.
 */
export async function executeAction(
  action: DesktopAction,
  parts: { backend: InputBackend; memory: ActionMemory; gate: () => void },
  options: { signal: AbortSignal; keysOnly?: boolean },
): Promise<void> {
  const { signal, keysOnly = false } = options;
  const check = () => {
    if (signal.aborted) throw aborted(signal.reason);
    parts.gate();
  };
  const hand: Hand = { backend: parts.backend, memory: parts.memory, check, signal, keysOnly };
  try {
    check();
    await perform(action, hand);
  } catch (error) {
    if (signal.aborted && !(error instanceof ProtocolError)) throw aborted(error);
    throw error;
  }
}

function aborted(cause: unknown): ProtocolError {
  return new ProtocolError(
    'ACTION_ABORTED',
    'The action was stopped midway; everything held was released.',
    {},
    {
      cause,
    },
  );
}

async function perform(action: Action, hand: Hand): Promise<void> {
  const { backend, check, signal } = hand;
  switch (action.type) {
    case 'click':
      return click(action, hand);
    case 'move':
      return move(action, hand);
    case 'drag':
      return drag(action, hand);
    case 'scroll':
      return scroll(action, hand);
    case 'type_text':
      return backend.typeText(action.text, check, { signal, keysOnly: hand.keysOnly });
    case 'key_press':
      return pressKeys(action.keys, hand);
    case 'key_combo':
      return pressChord(action.keys, action.heldMs ?? 0, hand);
    case 'wait':
      return wait(action.ms, hand);
    default:
      return assertNever(action, 'action');
  }
}

async function click(action: Extract<Action, { type: 'click' }>, hand: Hand): Promise<void> {
  const { backend, memory, check } = hand;
  const modifiers = await knownKeys(action.modifiers, hand);
  memory.reserved.checkChord(modifiers);
  await untilNoDoubleClick(action.point, action.button, hand);
  await using held = new HeldInputs(backend);
  check();
  await backend.moveTo(action.point);
  await holdAll(modifiers, held, hand);
  for (let count = 0; count < action.clicks; count += 1) {
    check();
    await held.pressButton(action.button);
    if (action.heldMs !== undefined) await wait(action.heldMs, hand);
    // No gate before a release: letting go is always allowed.
    await held.releaseButton(action.button);
  }
  memory.lastClick = { at: memory.now(), point: action.point, button: action.button };
}

/** A click asked for separately must not merge with the one before into a double click. */
async function untilNoDoubleClick(point: Point, button: MouseButton, hand: Hand): Promise<void> {
  const last = hand.memory.lastClick;
  if (last === null || last.button !== button) return;
  if (
    Math.abs(last.point.x - point.x) > DOUBLE_CLICK_PX ||
    Math.abs(last.point.y - point.y) > DOUBLE_CLICK_PX
  )
    return;
  await wait(DOUBLE_CLICK_MS - (hand.memory.now() - last.at), hand);
}

async function drag(action: Extract<Action, { type: 'drag' }>, hand: Hand): Promise<void> {
  const { backend, memory, check } = hand;
  const modifiers = await knownKeys(action.modifiers, hand);
  memory.reserved.checkChord(modifiers);
  const { from, to, durationMs } = action;
  const points = Math.max(DRAG_MIN_POINTS, Math.ceil(durationMs / DRAG_STEP_MS));
  await using held = new HeldInputs(backend);
  check();
  await backend.moveTo(from);
  await holdAll(modifiers, held, hand);
  check();
  await held.pressButton(action.button);
  await travel(from, to, { points, durationMs }, hand);
  await held.releaseButton(action.button);
}

async function move(action: Extract<Action, { type: 'move' }>, hand: Hand): Promise<void> {
  const { backend, check } = hand;
  const { point, durationMs } = action;
  check();
  if (durationMs === 0) return backend.moveTo(point);
  const points = Math.ceil(durationMs / DRAG_STEP_MS);
  await travel(await backend.pointer(), point, { points, durationMs }, hand);
}

/** In even steps, each at its own time: between two of them everything else goes on, and a stop is heard. */
async function travel(
  from: Point,
  to: Point,
  { points, durationMs }: { points: number; durationMs: number },
  { backend, memory, check, signal }: Hand,
): Promise<void> {
  const startedAt = memory.now();
  for (let index = 1; index <= points; index += 1) {
    const dueInMs = startedAt + (durationMs * index) / points - memory.now();
    if (dueInMs > 0) await sleep(dueInMs, { signal });
    check();
    const part = index / points;
    await backend.moveTo({
      x: Math.round(from.x + (to.x - from.x) * part),
      y: Math.round(from.y + (to.y - from.y) * part),
    });
  }
}

async function scroll(action: Extract<Action, { type: 'scroll' }>, hand: Hand): Promise<void> {
  const { backend, memory, check, signal } = hand;
  const modifiers = await knownKeys(action.modifiers, hand);
  memory.reserved.checkChord(modifiers);
  await using held = new HeldInputs(backend);
  if (action.point !== undefined) {
    check();
    await backend.moveTo(action.point);
  }
  await holdAll(modifiers, held, hand);
  for (let notch = 0; notch < action.amount; notch += 1) {
    if (notch > 0) await sleep(BETWEEN_NOTCHES_MS, { signal });
    check();
    await backend.wheel(action.direction);
  }
}

async function pressKeys(names: readonly string[], hand: Hand): Promise<void> {
  const { backend, memory, check, signal } = hand;
  const keys = await knownKeys(names, hand, { characters: false });
  memory.reserved.checkSequence(keys);
  await using held = new HeldInputs(backend);
  for (const [index, key] of keys.entries()) {
    if (index > 0) await sleep(BETWEEN_KEYS_MS, { signal });
    check();
    if (isCharacter(key)) {
      // A character the layout lacks is typed like text; one it has is the same key press either way.
      await backend.typeText(key, check, { signal });
      continue;
    }
    memory.reserved.noteKey(key);
    if (backend.stroke !== undefined) {
      await backend.stroke([key]);
      continue;
    }
    await held.pressKey(key);
    await held.releaseKey(key);
  }
}

async function pressChord(names: readonly string[], heldMs: number, hand: Hand): Promise<void> {
  const { backend, memory, check } = hand;
  const canonical = names.map(requireKey);
  // "ctrl+S" means the key of the letter: Shift only when it is asked for.
  const shortcut = canonical.some((key) => MODIFIER_KEYS.has(key) && key !== 'shift');
  const keys = await knownKeys(
    canonical.map((key) => (shortcut && isCharacter(key) ? key.toLowerCase() : key)),
    hand,
  );
  memory.reserved.checkChord(keys);
  memory.reserved.checkSequence(keys);
  // Modifiers first, in the order given: a chord written as "s, ctrl" is still Ctrl+S.
  const ordered = [
    ...keys.filter((key) => MODIFIER_KEYS.has(key)),
    ...keys.filter((key) => !MODIFIER_KEYS.has(key)),
  ];
  if (backend.stroke !== undefined && heldMs === 0) {
    check();
    for (const key of ordered) memory.reserved.noteKey(key);
    return backend.stroke(ordered);
  }
  await using held = new HeldInputs(backend);
  for (const key of ordered) {
    check();
    memory.reserved.noteKey(key);
    await held.pressKey(key);
  }
  if (heldMs > 0) await wait(heldMs, hand);
  for (const key of [...ordered].reverse()) await held.releaseKey(key);
}

async function holdAll(modifiers: readonly string[], held: HeldInputs, hand: Hand): Promise<void> {
  for (const key of modifiers) {
    hand.check();
    await held.pressKey(key);
  }
}

/** Waits in slices, so that a gate that closes ends the wait too. */
async function wait(ms: number, hand: Hand): Promise<void> {
  const endsAt = hand.memory.now() + ms;
  for (;;) {
    hand.check();
    const leftMs = endsAt - hand.memory.now();
    if (leftMs <= 0) return;
    await sleep(Math.min(leftMs, WAIT_SLICE_MS), { signal: hand.signal });
  }
}

/**
 * Canonical names of keys this keyboard has, each once.
 * @throws ProtocolError UNKNOWN_KEY before anything is pressed.
 */
async function knownKeys(
  names: readonly string[],
  hand: Hand,
  options: { characters: boolean } = { characters: true },
): Promise<string[]> {
  const keys = names.map(requireKey);
  for (const key of keys) if (options.characters || !isCharacter(key)) await hand.backend.checkKey?.(key);
  return keys;
}

function requireKey(name: string): string {
  const key = canonicalKey(name);
  if (key === undefined) throw new ProtocolError('UNKNOWN_KEY', `${nameForErrors(name)} is not a key name.`);
  return key;
}

/** A single character may be part of a secret being typed key by key. */
function nameForErrors(name: string): string {
  return [...name].length === 1 ? 'That character' : `"${name}"`;
}

function isCharacter(key: string): boolean {
  return [...key].length === 1;
}
