import { expect, it } from 'vitest';
import { parseExecLine } from './exec-line.ts';

it.each([
  ['mousepad %U', ['mousepad']],
  ['/usr/bin/chromium %U', ['/usr/bin/chromium']],
  ['"/opt/My App/run" --name "a \\"b\\" c" %f', ['/opt/My App/run', '--name', 'a "b" c']],
  ['env A=1  prog\t-x', ['env', 'A=1', 'prog', '-x']],
  ['prog 100%%', ['prog', '100%']],
  ['prog ""', ['prog', '']],
  ['prog "open', []],
  ['', []],
])('reads %j as %j', (line, words) => {
  expect(parseExecLine(line)).toEqual(words);
});
