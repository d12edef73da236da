import { expect, it } from 'vitest';
import { randomHex } from './ids.ts';

it.each([0, 1, 2, 23, 24, 64])('randomHex(%i) has as many lowercase hex characters', (count) => {
  expect(randomHex(count)).toMatch(new RegExp(`^[0-9a-f]{${count}}$`));
});

it('randomHex does not repeat', () => {
  expect(new Set(Array.from({ length: 1000 }, () => randomHex(24))).size).toBe(1000);
});
