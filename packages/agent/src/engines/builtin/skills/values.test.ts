import { expect, it } from 'vitest';
import { dateKeys } from './values.ts';

it.each<[string, string[]]>([
  ['2026-05-17', ['05172026', '17052026', '20260517']],
  ['17:45', ['0545PM', '1745']],
  ['8:05', ['0805AM', '0805']],
  ['00:30', ['1230AM', '0030']],
  ['12:00', ['1200PM', '1200']],
  ['25:00', []],
  ['tomorrow', []],
])('%s is typed by its parts', (text, keys) => {
  expect(dateKeys(text)).toEqual(keys);
});
