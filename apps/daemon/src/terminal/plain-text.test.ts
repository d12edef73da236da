import { expect, it } from 'vitest';
import { plainText } from './plain-text.ts';

it.each([
  ['plain\ntext\n', 'plain\ntext\n'],
  ['\u001b[1;31mred\u001b[0m', 'red'],
  ['\u001b]0;a title\u0007prompt', 'prompt'],
  ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link'],
  ['10%\r50%\r100%\ndone', '100%\ndone'],
  ['dos\r\nlines\r\n', 'dos\nlines\n'],
  ['a\bb_\b_\bc', 'bc'],
  ['tab\tkept, bell\u0007 gone', 'tab\tkept, bell gone'],
  ['\u001b(Bcharset', 'charset'],
  ['émoji 😀 stays', 'émoji 😀 stays'],
])('reads %j as %j', (output, text) => {
  expect(plainText(output)).toBe(text);
});
