import { Action, ProtocolError } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { type ActionMemory, executeAction } from './execute-action.ts';
import { RecordingInputBackend } from './recording-input-backend.ts';
import { ReservedChords } from './reserved-chord.ts';

const { signal } = new AbortController();

function hand(now: () => number = () => performance.now()) {
  const backend = new RecordingInputBackend();
  const memory: ActionMemory = { reserved: new ReservedChords({ now }), now, lastClick: null };
  const run = (action: unknown, gate: () => void = () => {}) =>
    executeAction(Action.parse(action), { backend, memory, gate }, { signal });
  return { backend, memory, run };
}

const at = { x: 10, y: 20 };

describe('actions as primitives', () => {
  it.each([
    [{ type: 'click', point: at }, ['move 10,20', 'button left down', 'button left up']],
    [
      { type: 'click', point: at, button: 'right', clicks: 2 },
      ['move 10,20', 'button right down', 'button right up', 'button right down', 'button right up'],
    ],
    [
      { type: 'click', point: at, modifiers: ['Control', 'shift'] },
      [
        'move 10,20',
        'key ctrl down',
        'key shift down',
        'button left down',
        'button left up',
        'key shift up',
        'key ctrl up',
      ],
    ],
    [{ type: 'move', point: at }, ['move 10,20']],
    [{ type: 'scroll', direction: 'left', amount: 2 }, ['wheel left', 'wheel left']],
    [{ type: 'scroll', point: at, direction: 'down', amount: 1 }, ['move 10,20', 'wheel down']],
    [{ type: 'key_combo', keys: ['s', 'ctrl'] }, ['key ctrl down', 'key s down', 'key s up', 'key ctrl up']],
    [{ type: 'key_combo', keys: ['Ctrl', 'S'] }, ['key ctrl down', 'key s down', 'key s up', 'key ctrl up']],
    [
      { type: 'key_combo', keys: ['shift', 'A'] },
      ['key shift down', 'key A down', 'key A up', 'key shift up'],
    ],
    [{ type: 'key_press', keys: ['Tab', 'x'] }, ['key tab down', 'key tab up', 'character']],
    [{ type: 'type_text', text: 'a😀' }, ['character', 'character']],
    [{ type: 'wait', ms: 0 }, []],
  ])('%j', async (action, expected) => {
    const { backend, run } = hand();
    await run(action);
    expect(backend.log).toEqual(expected);
    expect([...backend.held]).toEqual([]);
  });

  it.each([
    [{ type: 'click', point: at, heldMs: 80 }, 'button left down'],
    [{ type: 'key_combo', keys: ['ctrl', 'down'], heldMs: 80 }, 'key down down'],
  ])('stays down for as long as it says: %j', async (action, pressed) => {
    let now = 0;
    const { backend, run } = hand(() => now);
    let looks = 0;
    await run(action, () => {
      if (!backend.log.includes(pressed)) return;
      // Asked again and again while it is down: a stop would be heard.
      looks += 1;
      expect(backend.log.at(-1)).toBe(pressed);
      now += 20;
    });
    expect(looks).toBeGreaterThanOrEqual(4);
    expect([...backend.held]).toEqual([]);
  });

  it.each([
    [{ type: 'click', point: at, heldMs: 30_000, clicks: 2 }, 'button left down'],
    [{ type: 'key_combo', keys: ['ctrl', 'down'], heldMs: 30_000 }, 'key down down'],
  ])('is let go of when the gate closes meanwhile: %j', async (action, pressed) => {
    const { backend, run } = hand();
    const attempt = run(action, () => {
      if (backend.log.includes(pressed)) throw new ProtocolError('LATCHED', 'tripped');
    });
    await expect(attempt).rejects.toMatchObject({ code: 'LATCHED' });
    const after = backend.log.slice(backend.log.indexOf(pressed) + 1);
    expect(after.filter((line) => !line.endsWith(' up'))).toEqual([]);
    expect([...backend.held]).toEqual([]);
  });

  it('a drag holds the button from the first point to the last and never jumps', async () => {
    const { backend, run } = hand();
    await run({ type: 'drag', from: { x: 0, y: 0 }, to: { x: 80, y: 0 }, durationMs: 0, modifiers: ['alt'] });
    expect(backend.log.slice(0, 3)).toEqual(['move 0,0', 'key alt down', 'button left down']);
    expect(backend.log.slice(-3)).toEqual(['move 80,0', 'button left up', 'key alt up']);
    const steps = backend.log
      .filter((line) => line.startsWith('move'))
      .map((line) => Number(line.match(/\d+/)?.[0]));
    expect(steps.length).toBeGreaterThanOrEqual(8);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });
});

describe('the gate', () => {
  const actions = [
    { type: 'click', point: at, clicks: 3, modifiers: ['ctrl', 'shift'] },
    { type: 'drag', from: at, to: { x: 90, y: 90 }, durationMs: 0, modifiers: ['shift'] },
    { type: 'scroll', point: at, direction: 'down', amount: 5, modifiers: ['ctrl'] },
    { type: 'key_combo', keys: ['ctrl', 'alt', 'x'] },
    { type: 'key_press', keys: ['tab', 'a', 'enter'] },
    { type: 'type_text', text: 'hello' },
  ];

  it.each(actions)(
    'closing at any moment of $type ends it there, releases only, nothing held',
    async (action) => {
      const whole = hand();
      await whole.run(action);
      for (let after = 0; after < whole.backend.log.length; after += 1) {
        const { backend, run } = hand();
        let closed = after === 0;
        backend.onPrimitive = () => {
          if (backend.log.length >= after) closed = true;
        };
        const attempt = run(action, () => {
          if (closed) throw new ProtocolError('LATCHED', 'tripped');
        });
        const rest = whole.backend.log.slice(after).filter((line) => !line.endsWith(' up'));
        if (rest.length === 0) await attempt;
        else await expect(attempt).rejects.toMatchObject({ code: 'LATCHED' });
        expect(backend.log.slice(after).filter((line) => !line.endsWith(' up'))).toEqual([]);
        expect([...backend.held]).toEqual([]);
      }
    },
  );

  it('an aborted signal is ACTION_ABORTED, and a wait ends with it', async () => {
    const { backend, memory } = hand();
    const stop = new AbortController();
    const waiting = executeAction({ type: 'wait', ms: 60_000 }, { backend, memory, gate: () => {} }, stop);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toMatchObject({ code: 'ACTION_ABORTED' });
    await expect(
      executeAction({ type: 'move', point: at, durationMs: 0 }, { backend, memory, gate: () => {} }, stop),
    ).rejects.toMatchObject({ code: 'ACTION_ABORTED' });
    expect(backend.log).toEqual([]);
  });

  it('a smooth way goes in steps that everything else can run between, and ends exactly there', async () => {
    const { backend, run } = hand();
    let turns = 0;
    const other = setInterval(() => {
      turns += 1;
    }, 1);
    await run({ type: 'move', point: at, durationMs: 120 });
    clearInterval(other);
    const moves = backend.log.filter((line) => line.startsWith('move'));
    expect(moves.length).toBe(12);
    expect(moves.at(-1)).toBe(`move ${at.x},${at.y}`);
    expect(turns).toBeGreaterThan(12);
  });

  it('a primitive that breaks midway still releases what is held', async () => {
    const { backend, run } = hand();
    backend.onPrimitive = (line) => {
      if (line === 'button left down') throw new ProtocolError('INPUT_FAILED', 'broken');
    };
    await expect(run({ type: 'click', point: at, modifiers: ['ctrl'] })).rejects.toMatchObject({
      code: 'INPUT_FAILED',
    });
    expect([...backend.held]).toEqual([]);
  });
});

describe('keys that do not exist', () => {
  it.each([
    { type: 'key_combo', keys: ['ctrl', 'hyper'] },
    { type: 'key_combo', keys: ['ctrl', 'f24'] },
    { type: 'key_press', keys: ['tab', 'f24'] },
    { type: 'click', point: at, modifiers: ['f24'] },
    { type: 'drag', from: at, to: at, modifiers: ['nope'] },
  ])('%j is refused before anything is pressed', async (action) => {
    const { backend, run } = hand();
    await expect(run(action)).rejects.toMatchObject({ code: 'UNKNOWN_KEY' });
    expect(backend.log).toEqual([]);
  });
});

describe('the stop chord belongs to the person', () => {
  it.each([
    { type: 'key_combo', keys: ['ctrl', 'alt', 'shift', 'escape'] },
    { type: 'key_combo', keys: ['Escape', 'SHIFT_L', 'Control', 'Option'] },
    { type: 'key_combo', keys: ['ctrl', 'alt', 'shift', 'super', 'escape'] },
    { type: 'key_press', keys: ['escape', 'esc', 'Escape'] },
    { type: 'key_press', keys: ['escape', 'tab', 'escape', 'tab', 'escape'] },
    { type: 'click', point: at, modifiers: ['ctrl', 'alt', 'shift', 'escape'] },
  ])('%j is refused before anything is pressed', async (action) => {
    const { backend, run } = hand();
    await expect(run(action)).rejects.toMatchObject({ code: 'RESERVED_CHORD' });
    expect(backend.log).toEqual([]);
  });

  it('the third Escape within a second is refused, across actions; later it is allowed again', async () => {
    let at = 1000;
    const { run } = hand(() => at);
    await run({ type: 'key_press', keys: ['escape'] });
    at += 300;
    await run({ type: 'key_combo', keys: ['escape'] });
    at += 300;
    await expect(run({ type: 'key_press', keys: ['escape'] })).rejects.toMatchObject({
      code: 'RESERVED_CHORD',
    });
    at += 1100;
    await run({ type: 'key_press', keys: ['escape'] });
  });

  it('a chord the person chose instead is reserved', () => {
    const reserved = new ReservedChords({ now: () => 0, stopChord: ['pause'] });
    expect(() => reserved.checkChord(['pause'])).toThrow(ProtocolError);
    expect(() => reserved.checkChord(['ctrl', 'alt', 'shift', 'escape'])).not.toThrow();
  });
});

describe('two clicks asked for one after another', () => {
  it('at one place wait out the double-click time; elsewhere they do not', async () => {
    let now = 0;
    const clock = () => {
      now += 50;
      return now;
    };
    const { backend, run, memory } = hand(clock);
    await run({ type: 'click', point: at });
    const first = memory.lastClick?.at ?? 0;
    await run({ type: 'click', point: { x: 11, y: 20 } });
    expect((memory.lastClick?.at ?? 0) - first).toBeGreaterThanOrEqual(500);
    await run({ type: 'click', point: { x: 300, y: 20 } });
    expect(backend.log.filter((line) => line === 'button left down')).toHaveLength(3);
  });
});
