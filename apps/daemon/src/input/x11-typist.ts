import { sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { X11Connection, XTest } from '../x11/index.ts';
import { type KeyboardMap, MODIFIER, type Stroke } from './keyboard-map.ts';
import type { KeymapRows } from './keymap-rows.ts';
import type { ReadBarrier } from './read-barrier.ts';
import { type LentRow, planText, type TextRound } from './text-plan.ts';
import { TypingPace } from './typing-pace.ts';

/** How long somebody may still hold a modifier before typing is refused. */
const MODIFIERS_FREE_WITHIN_MS = 1000;
const MODIFIER_POLL_MS = 20;
/** After a stop the application gets this long to read what was typed before its characters lose their meaning. */
const RESTORE_AFTER_STOP_MS = 200;

type InputEvent = { kind: 'key'; detail: number; down: boolean };

/** Types planned text with key events; changes the keyboard map once per round and puts it back. */
export class X11Typist {
  readonly #connection: X11Connection;
  readonly #xtest: XTest;
  readonly #barrier: ReadBarrier;
  readonly #keymap: KeymapRows;

  constructor(parts: {
    connection: X11Connection;
    xtest: XTest;
    barrier: ReadBarrier;
    keymap: KeymapRows;
  }) {
    this.#connection = parts.connection;
    this.#xtest = parts.xtest;
    this.#barrier = parts.barrier;
    this.#keymap = parts.keymap;
  }

  plan(codePoints: readonly number[], map: KeyboardMap): TextRound[] {
    return planText(codePoints, map);
  }

  /**
   * @param gate called before each character; what it throws ends the typing with nothing pressed.
   * @throws ProtocolError TEXT_NOT_TYPEABLE before the first character when a modifier stays held.
   */
  async type(
    rounds: readonly TextRound[],
    map: KeyboardMap,
    gate: () => void,
    stop: { signal: AbortSignal },
  ): Promise<void> {
    await this.untilModifiersAreFree(map, gate, stop);
    const toggled = await this.#turnCapsLockOff(map);
    try {
      const pace = new TypingPace();
      for (const round of rounds) await this.#typeRound(round, map, gate, stop, pace);
    } finally {
      if (toggled && !this.#connection.isClosed) await this.#tap(map.capsLockKeycode as number);
    }
  }

  async #typeRound(
    round: TextRound,
    map: KeyboardMap,
    gate: () => void,
    stop: { signal: AbortSignal },
    pace: TypingPace,
  ): Promise<void> {
    if (round.rows.length === 0) {
      await this.#typeStrokes(round.strokes, map, gate, stop, pace);
      return;
    }
    gate();
    await this.#lend(round.rows);
    try {
      await this.#barrier.wait(0, stop);
      // The wait is not typing time: pace what follows from now on.
      pace.restart();
      await this.#typeStrokes(round.strokes, map, gate, stop, pace);
      await this.#barrier.wait(round.strokes.length, stop);
    } catch (error) {
      if (!this.#connection.isClosed)
        await this.#barrier
          .wait(round.strokes.length, { signal: AbortSignal.timeout(RESTORE_AFTER_STOP_MS) })
          .catch(() => {});
      throw error;
    } finally {
      if (!this.#connection.isClosed) await this.takeBack(round.rows.map((row) => row.keycode));
    }
    pace.restart();
  }

  async #typeStrokes(
    strokes: readonly Stroke[],
    map: KeyboardMap,
    gate: () => void,
    stop: { signal: AbortSignal },
    pace: TypingPace,
  ): Promise<void> {
    for (let at = 0; at < strokes.length; ) {
      stop.signal.throwIfAborted();
      const now = strokes.slice(at, at + pace.due);
      // One batch, one write: even a killed process leaves no half of a character.
      const events = now.flatMap((stroke) => {
        gate();
        return eventsOf(stroke, map);
      });
      await this.#xtest.batch(events);
      at += now.length;
      await pace.typed(now.length, stop);
    }
  }

  /** Waits until nobody holds or has locked a modifier that would turn text into commands. */
  async untilModifiersAreFree(
    map: KeyboardMap,
    gate: () => void,
    stop: { signal: AbortSignal },
  ): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      gate();
      const { mask } = await this.#connection.pointer();
      if ((mask & map.disturbingModifiers) === 0) return;
      if (performance.now() - startedAt > MODIFIERS_FREE_WITHIN_MS)
        throw new ProtocolError(
          'TEXT_NOT_TYPEABLE',
          'A modifier key is held down or locked, so text would become shortcuts; nothing was typed.',
        );
      await sleep(MODIFIER_POLL_MS, stop);
    }
  }

  /** @returns whether it was on and must be turned on again. */
  async #turnCapsLockOff(map: KeyboardMap): Promise<boolean> {
    const { mask } = await this.#connection.pointer();
    if ((mask & MODIFIER.lock) === 0) return false;
    if (map.capsLockKeycode !== null) {
      await this.#tap(map.capsLockKeycode);
      if (((await this.#connection.pointer()).mask & MODIFIER.lock) === 0) return true;
      await this.#tap(map.capsLockKeycode);
    }
    throw new ProtocolError(
      'TEXT_NOT_TYPEABLE',
      'Caps Lock is on and cannot be turned off from here; nothing was typed.',
    );
  }

  #tap(keycode: number): Promise<void> {
    return this.#xtest.batch([
      { kind: 'key', detail: keycode, down: true },
      { kind: 'key', detail: keycode, down: false },
    ]);
  }

  #lend(rows: readonly LentRow[]): Promise<void> {
    return this.#keymap.set(new Map(rows.map(({ keycode, keysyms }) => [keycode, keysyms])));
  }

  /** Empties rows that were lent, by us or by a process that died. */
  takeBack(keycodes: readonly number[]): Promise<void> {
    return this.#keymap.set(new Map(keycodes.map((keycode) => [keycode, []])));
  }
}

/** Modifiers around the key, released in the opposite order. */
function eventsOf(stroke: Stroke, map: KeyboardMap): InputEvent[] {
  const modifiers: number[] = [];
  if (stroke.level3 && map.level3Keycode !== null) modifiers.push(map.level3Keycode);
  if (stroke.shift && map.shiftKeycode !== null) modifiers.push(map.shiftKeycode);
  const press = (detail: number): InputEvent => ({ kind: 'key', detail, down: true });
  const release = (detail: number): InputEvent => ({ kind: 'key', detail, down: false });
  return [
    ...modifiers.map(press),
    press(stroke.keycode),
    release(stroke.keycode),
    ...modifiers.reverse().map(release),
  ];
}
