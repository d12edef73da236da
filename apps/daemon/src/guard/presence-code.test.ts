import { PRESENCE_CODE_TTL_MS } from '@deskhand/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { PresenceCode } from './presence-code.ts';

let nowMs = 0;
let codes: PresenceCode;
beforeEach(() => {
  nowMs = 0;
  codes = new PresenceCode(() => nowMs);
});
const wrong = (code: string) => (code === '0000' ? '0001' : '0000');

describe('[KILL9] the code that stands in for a hand', () => {
  it('is four digits, good once', () => {
    const { code } = codes.issue();
    expect(code).toMatch(/^\d{4}$/);
    expect(codes.accepts(code)).toBe(true);
    expect(codes.accepts(code)).toBe(false);
  });

  it('is void after its time, after three wrong answers, and once there is a newer one', () => {
    const first = codes.issue().code;
    nowMs = PRESENCE_CODE_TTL_MS;
    expect(codes.accepts(first)).toBe(false);
    const second = codes.issue().code;
    for (const _ of [1, 2, 3]) expect(codes.accepts(wrong(second))).toBe(false);
    expect(codes.accepts(second)).toBe(false);
    const third = codes.issue().code;
    let fourth = codes.issue().code;
    while (fourth === third) fourth = codes.issue().code;
    expect(codes.accepts(third)).toBe(false);
    expect(codes.accepts(fourth)).toBe(true);
  });

  it.each(['', '1', '12345', 'abcd', '１２３４'])('does not take %j for it, nor fail', (given) => {
    codes.issue();
    expect(codes.accepts(given)).toBe(false);
  });
});
