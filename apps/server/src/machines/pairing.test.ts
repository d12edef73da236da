import { describe, expect, it } from 'vitest';
import { hashPairingCode, mintPairingCode, PairingGuard } from './pairing.ts';

describe('pairing codes', () => {
  it('can be read out: three groups of five without look-alikes, compared as people type them', () => {
    const code = mintPairingCode();
    expect(code).toMatch(/^[ABCDEFGHJKMNPQRSTUVWXYZ2-9]{5}(-[ABCDEFGHJKMNPQRSTUVWXYZ2-9]{5}){2}$/);
    expect(hashPairingCode(` ${code.toLowerCase().replaceAll('-', ' ')} `)).toBe(hashPairingCode(code));
    expect(hashPairingCode(mintPairingCode())).not.toBe(hashPairingCode(code));
  });

  it('slows guessing down per address and for all together, for a minute', () => {
    let nowMs = 0;
    const guard = new PairingGuard(() => nowMs);
    for (let guess = 0; guess < 10; guess += 1) guard.failed('a');
    expect(() => guard.check('a')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    guard.check('b');
    for (let guess = 0; guess < 90; guess += 1) guard.failed(`host ${guess}`);
    expect(() => guard.check('b')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    nowMs = 60_001;
    guard.check('a');
  });
});
