import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  Action,
  describeWithoutSecrets,
  isInputAction,
  OPERATION_TRAITS,
  Operation,
  type OperationType,
  type OutcomeStatus,
  Tool,
  wasDone,
} from './action.ts';

const typesOf = (union: { options: readonly { shape: { type: { value: string } } }[] }) =>
  union.options.map((option) => option.shape.type.value);

describe('[ACT6] traits', () => {
  it('there is one row per operation and none for anything else', () => {
    expect(Object.keys(OPERATION_TRAITS).sort()).toEqual(typesOf(Operation).sort());
  });

  it.each(typesOf(Action))('%s is input', (type) => {
    expect(OPERATION_TRAITS[type as OperationType].kind).toBe('input');
  });

  it.each(typesOf(Tool))('%s is a tool', (type) => {
    expect(OPERATION_TRAITS[type as OperationType].kind).toBe('tool');
  });

  it.each(Operation.options)('$shape.type.value needs a frame exactly if it has a point', (option) => {
    const schema = JSON.stringify(z.toJSONSchema(option, { io: 'input' }));
    const hasPoint = /"(point|from|to)":/.test(schema);
    expect(OPERATION_TRAITS[option.shape.type.value].needsFrame).toBe(hasPoint);
  });

  it('what changes nothing waits for nothing', () => {
    for (const [type, traits] of Object.entries(OPERATION_TRAITS))
      if (!traits.writes) expect(traits.settle, type).toBe('none');
  });

  it('isInputAction goes by the table', () => {
    expect(isInputAction({ type: 'wait', ms: 1 })).toBe(true);
    expect(isInputAction({ type: 'stat_file', path: '/x' })).toBe(false);
  });
});

describe('[ACT3] wasDone', () => {
  it.each<[status: OutcomeStatus, done: boolean]>([
    ['confirmed', true],
    ['unverified', true],
    ['no_effect', true],
    ['refused', false],
    ['failed', false],
  ])('%s: %s', (status, done) => {
    expect(wasDone({ status, durationMs: 1 })).toBe(done);
  });
});

describe('[SEC1] describeWithoutSecrets', () => {
  /** The same numbers every time: a failure can be looked at again. */
  function pseudoRandom(seed: number): () => number {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  }
  const alphabet = [...'qxzjQXZJ🙂ß你µ'];

  it('never contains typed text: 2,000 random texts, typed at once or key by key', () => {
    const random = pseudoRandom(42);
    for (let round = 0; round < 2000; round += 1) {
      const length = 2 + Math.floor(random() * 40);
      const characters = Array.from(
        { length },
        () => alphabet[Math.floor(random() * alphabet.length)] ?? expect.fail(),
      );
      const text = characters.join('');
      const typed = Operation.parse({ type: 'type_text', text });
      const described = describeWithoutSecrets(typed);
      expect(JSON.stringify(described)).not.toContain(text);
      expect(described.characters).toBe(length);
      const pressed = Operation.parse({ type: 'key_press', keys: [...characters, 'enter'] });
      const keys = JSON.stringify(describeWithoutSecrets(pressed));
      for (const character of characters) expect(keys).not.toContain(`"${character}"`);
      expect(keys).toContain('"enter"');
    }
  });

  it('shows one key and chords as they are', () => {
    expect(describeWithoutSecrets({ type: 'key_press', keys: ['tab', 'y', 'enter'] })).toEqual({
      keys: ['tab', 'y', 'enter'],
    });
    expect(describeWithoutSecrets({ type: 'key_combo', keys: ['ctrl', 'shift', 's'] })).toEqual({
      keys: ['ctrl', 'shift', 's'],
    });
  });

  it.each([
    ['https://ann:hunter2@example.org/a?b#c', 'https://[credentials]@example.org/a?b#c'],
    ['https://token@example.org', 'https://[credentials]@example.org'],
    ['//ann:hunter2@example.org/', '//[credentials]@example.org/'],
    ['https:\\\\ann:hunter2@example.org/', 'https:\\\\[credentials]@example.org/'],
    ['https://ann:p@ss@example.org/', 'https://[credentials]@example.org/'],
    ['http://127.0.0.1:8080/docs?mail=a@b', 'http://127.0.0.1:8080/docs?mail=a@b'],
    ['mailto:ann@example.org', 'mailto:ann@example.org'],
  ])('%s', (url, shown) => {
    expect(describeWithoutSecrets({ type: 'browser_navigate', url })).toEqual({ url: shown });
  });

  it('counts characters as a person would', () => {
    expect(describeWithoutSecrets({ type: 'type_text', text: '🙂ü' })).toEqual({
      text: '[2 characters]',
      characters: 2,
    });
  });

  it('shows the rest of every operation and repeats no type', () => {
    const click = Operation.parse({ type: 'click', point: { x: 1, y: 2 } });
    expect(describeWithoutSecrets(click)).toEqual({
      point: { x: 1, y: 2 },
      button: 'left',
      clicks: 1,
      modifiers: [],
    });
  });
});
