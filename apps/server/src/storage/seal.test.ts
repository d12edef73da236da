import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Seal } from './seal.ts';

describe('sealed values', () => {
  const seal = new Seal(randomBytes(32));

  it('open for their purpose only, with the same key only, unchanged only', () => {
    const sealed = seal.close('whsec_1', 'webhook run_1');
    expect(seal.open(sealed, 'webhook run_1')).toBe('whsec_1');
    expect(sealed).not.toContain('whsec');
    expect(() => seal.open(sealed, 'webhook run_2')).toThrow();
    expect(() => new Seal(randomBytes(32)).open(sealed, 'webhook run_1')).toThrow();
    const bytes = Buffer.from(sealed, 'base64');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect(() => seal.open(bytes.toString('base64'), 'webhook run_1')).toThrow(
      expect.objectContaining({ code: 'INTERNAL_ERROR' }),
    );
    expect(() => seal.open('', 'webhook run_1')).toThrow();
  });

  it('look different each time', () => {
    expect(seal.close('same', 'p')).not.toBe(seal.close('same', 'p'));
  });
});
