import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TypeTextAction } from './action.ts';
import { decodeText, decodeValue, LIMITS, parseJson, problemsOf } from './decode.ts';
import { ProtocolError } from './errors.ts';
import { RunEvent } from './events.ts';
import { ActCommand, Pong } from './link.ts';
import { PanelThumbnail } from './local.ts';
import { MAX_ELEMENTS, Observation } from './observation.ts';
import { CreateRunRequest } from './rest.ts';

function refusalOf(decode: () => unknown): ProtocolError {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return error as ProtocolError;
  }
  return expect.fail('it was accepted');
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('[LINK4] size', () => {
  const message = (filling: string) => JSON.stringify({ type: 'pong', nonce: 'n', filling });

  it.each([
    ['one-byte characters', 'x'],
    ['two-byte characters', 'ü'],
    ['three-byte characters', '你'],
    ['four-byte characters', '🙂'],
  ])('counts bytes, not characters: %s', (_what, character) => {
    const text = message(character.repeat(50));
    const bytes = new TextEncoder().encode(text).length;
    expect(decodeText(Pong, text, bytes).nonce).toBe('n');
    expect(refusalOf(() => decodeText(Pong, text, bytes - 1)).code).toBe('MESSAGE_TOO_LARGE');
  });

  it('refuses before parsing: an oversized message need not be JSON', () => {
    expect(refusalOf(() => decodeText(Pong, '{'.repeat(200), 100)).code).toBe('MESSAGE_TOO_LARGE');
  });

  it('has a limit of its own when none is given', () => {
    const text = message('x'.repeat(LIMITS.linkTextBytes));
    expect(refusalOf(() => decodeText(Pong, text)).code).toBe('MESSAGE_TOO_LARGE');
  });

  it.each<[what: string, schema: z.ZodType, value: unknown, place: string]>([
    ['a task', CreateRunRequest, { machine_id: 'm', task: 'x'.repeat(16_001) }, 'task'],
    ['typed text', TypeTextAction, { type: 'type_text', text: 'x'.repeat(100_001) }, 'text'],
    [
      'narration',
      RunEvent,
      { type: 'text', text: 'x'.repeat(64_001), seq: 1, run_id: 'r', created_at: '2026-01-01T00:00:00Z' },
      'text',
    ],
    [
      'a thumbnail',
      PanelThumbnail,
      { type: 'thumbnail', jpegBase64: 'A'.repeat(400_001), width: 1, height: 1, target: null },
      'jpegBase64',
    ],
    [
      'elements',
      Observation,
      {
        frame: null,
        settle: { settledMs: 0, reason: 'quiet' },
        elements: Array(MAX_ELEMENTS + 1).fill({
          id: 'e',
          source: 'ocr',
          role: 'word',
          name: 'w',
          bounds: { x: 0, y: 0, width: 1, height: 1 },
        }),
      },
      'elements',
    ],
  ])('%s over its limit is refused by name', (_what, schema, value, place) => {
    const { details } = refusalOf(() => decodeValue(schema, value));
    expect((details.details as { loc: unknown[] }[])[0]?.loc.join('.')).toBe(place);
  });

  it('counts a task in characters as a person would', () => {
    const task = '🙂'.repeat(16_000);
    expect(decodeValue(CreateRunRequest, { machine_id: 'm', task }).task).toBe(task);
    expect(
      refusalOf(() => decodeValue(CreateRunRequest, { machine_id: 'm', task: `${task}x` })).message,
    ).toContain('task');
  });
});

describe('[LINK4] depth', () => {
  it('takes 32 levels and refuses 33, whatever the brackets', () => {
    expect(parseJson(nested(32))).toBeInstanceOf(Array);
    expect(refusalOf(() => parseJson(nested(33))).code).toBe('MALFORMED_MESSAGE');
    expect(refusalOf(() => parseJson(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`)).message).toContain('32');
    expect(refusalOf(() => parseJson(`${'[{"a":'.repeat(17)}1`)).message).toContain('32');
  });

  it('counts no brackets in text, escaped quotes included', () => {
    const value = { text: `"${'[{'.repeat(100)}\\`, more: '\\"[[' };
    expect(parseJson(JSON.stringify(value))).toEqual(value);
  });

  it('a million brackets are refused without being parsed', () => {
    expect(refusalOf(() => parseJson('['.repeat(1_000_000))).message).toContain('nested');
  });
});

describe('[ERR2] refusals', () => {
  const secret = 'hunter2-hush';

  it.each<[what: string, text: string]>([
    ['not JSON', `{"token": "${secret}`],
    ['JSON with garbage after it', `{"nonce":"${secret}"} ${secret}`],
    ['a wrong type', `{"type":"pong","nonce":["${secret}"]}`],
    ['a wrong literal', `{"type":"${secret}","nonce":"n"}`],
  ])('quote nothing of the message: %s', (_what, text) => {
    const error = refusalOf(() => decodeText(Pong, text));
    expect(error.code).toBe('MALFORMED_MESSAGE');
    // Message, details, stack and the whole chain of causes, as a logger would print them.
    expect(inspect(error, { depth: 20 })).not.toContain(secret);
  });

  it('name the first place, and all of them in `details`', () => {
    const error = refusalOf(() =>
      decodeValue(CreateRunRequest, { task: 7, max_steps: 0 }, 'VALIDATION_ERROR'),
    );
    expect(error.code).toBe('VALIDATION_ERROR');
    expect(error.message).toMatch(/^machine_id: /);
    expect(error.details.details).toEqual([
      { loc: ['machine_id'], msg: expect.any(String), type: 'missing' },
      { loc: ['task'], msg: expect.any(String), type: 'string_type' },
      { loc: ['max_steps'], msg: expect.any(String), type: 'greater_than_equal' },
    ]);
  });

  it.each<[what: string, schema: z.ZodType, value: unknown, type: string]>([
    ['missing', z.object({ a: z.string() }), {}, 'missing'],
    ['of the wrong type', z.object({ a: z.string() }), { a: 1 }, 'string_type'],
    ['too long', z.object({ a: z.string().max(1) }), { a: 'xx' }, 'string_too_long'],
    ['too short', z.object({ a: z.string().min(1) }), { a: '' }, 'string_too_short'],
    ['a list too long', z.object({ a: z.array(z.int()).max(1) }), { a: [1, 2] }, 'too_long'],
    ['a list too short', z.object({ a: z.array(z.int()).min(1) }), { a: [] }, 'too_short'],
    ['too large', z.object({ a: z.int().max(1) }), { a: 2 }, 'less_than_equal'],
    ['too small', z.object({ a: z.int().min(1) }), { a: 0 }, 'greater_than_equal'],
    ['not of the list', z.object({ a: z.enum(['b']) }), { a: 'c' }, 'enum'],
    ['of the wrong form', z.object({ a: z.string().regex(/x/) }), { a: 'c' }, 'string_pattern_mismatch'],
    ['against a rule', z.object({ a: z.int().refine(() => false) }), { a: 1 }, 'value_error'],
    ['unknown', z.strictObject({}), { a: 1 }, 'extra_forbidden'],
  ])('a field that is %s', (_what, schema, value, type) => {
    const { error } = schema.safeParse(value);
    expect(error === undefined ? [] : problemsOf(error, ['body'])).toMatchObject([
      { loc: ['body', 'a'], type },
    ]);
  });

  it('do not grow with the message: long and many unknown keys', () => {
    const value = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`${'k'.repeat(500)}${index}`, 1]),
    );
    const error = refusalOf(() => decodeValue(ActCommand, { type: 'act', ...value }));
    expect((error.details.details as unknown[]).length).toBeLessThanOrEqual(LIMITS.problems);
    expect(JSON.stringify(error.details).length).toBeLessThan(20_000);
  });
});

describe('[LINK5] hostile JSON', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString'])('a key named %s pollutes nothing', (key) => {
    const text = `{"type":"pong","nonce":"n","${key}":{"polluted":true,"toString":1},"x":{"${key}":{"polluted":true}}}`;
    const decoded = decodeText(Pong, text) as Record<string, unknown>;
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(decoded.polluted).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(`${{}}`).toBe('[object Object]');
  });

  it('__proto__ is an unknown field of a command', () => {
    const error = refusalOf(() => decodeText(z.strictObject({}), '{"__proto__":{}}'));
    expect(error.details.details).toMatchObject([{ loc: ['__proto__'], type: 'extra_forbidden' }]);
  });

  it.each([
    ['in a value', '{"type":"pong","nonce":"\\ud83d"}'],
    ['the second half', '{"type":"pong","nonce":"\\uDE42"}'],
    ['in a key', '{"type":"pong","nonce":"n","\\ud83d":1}'],
    ['deep inside', '{"type":"pong","nonce":"n","x":[{"y":["\\uD83Dx"]}]}'],
    ['the halves in the wrong order', '{"type":"pong","nonce":"\\ude42\\ud83d"}'],
    ['as it is, not escaped', '{"type":"pong","nonce":"\ud83d"}'],
  ])('half a surrogate pair is refused: %s', (_what, text) => {
    expect(refusalOf(() => decodeText(Pong, text)).message).toContain('surrogate');
  });

  it('whole pairs pass, escaped or not', () => {
    expect(decodeText(Pong, '{"type":"pong","nonce":"\\ud83d\\ude42🙂"}').nonce).toBe('🙂🙂');
    expect(decodeText(Pong, '{"type":"pong","nonce":"\\\\ud83d"}').nonce).toBe('\\ud83d');
  });

  it.each(['1e400', '-1e400', '9007199254740993', '0.5', '"3"', 'true', 'null'])('max_steps %s', (number) => {
    const text = `{"machine_id":"m","task":"t","max_steps":${number}}`;
    if (number === 'null') expect(decodeText(CreateRunRequest, text).max_steps).toBe(50);
    else expect(refusalOf(() => decodeText(CreateRunRequest, text)).message).toMatch(/^max_steps: /);
  });

  it.each(['', ' ', 'undefined', 'NaN', "{'a':1}", '{"a":1,}', '\ufeff{}', '{}{}'])(
    '%j is not JSON',
    (text) => {
      expect(refusalOf(() => parseJson(text)).code).toBe('MALFORMED_MESSAGE');
    },
  );
});
