import { expect, it } from 'vitest';
import { elementsFromTable } from './tesseract-table.ts';

const HEADER =
  'level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext';
const word = (block: number, left: number, text: string, conf = 90, top = 20) =>
  `5\t1\t${block}\t1\t1\t1\t${left}\t${top}\t${text.length * 16}\t24\t${conf}\t${text}`;

it('gives words and the lines they form, in the pixels of the picture before it was enlarged', () => {
  const table = [HEADER, '4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t', word(1, 0, 'Save'), word(1, 74, 'draft')].join(
    '\n',
  );
  expect(elementsFromTable(table, 2)).toEqual([
    {
      id: 'ocr0',
      source: 'ocr',
      role: 'label',
      name: 'Save draft',
      states: [],
      bounds: { x: 0, y: 10, width: 77, height: 12 },
      confidence: 0.9,
    },
    expect.objectContaining({ role: 'word', name: 'Save', bounds: { x: 0, y: 10, width: 32, height: 12 } }),
    expect.objectContaining({ role: 'word', name: 'draft', bounds: { x: 37, y: 10, width: 40, height: 12 } }),
  ]);
});

it('keeps apart what stands apart, whatever the order of the words', () => {
  const table = [HEADER, word(1, 300, 'Help'), word(1, 0, 'File'), word(2, 0, 'alone')].join('\n');
  expect(elementsFromTable(table, 1).map((item) => `${item.role} ${item.name}`)).toEqual([
    'word File',
    'word Help',
    'word alone',
  ]);
});

it('leaves out doubtful words and stray marks; several letters on end are seldom a shadow', () => {
  const table = [
    HEADER,
    word(1, 0, 'blur', 3),
    word(5, 0, 'l1j', 15),
    word(6, 0, 'budget', 15),
    word(2, 0, '|', 95),
    word(3, 0, '✓✓', 95),
    word(4, 0, '7'),
  ].join('\n');
  expect(elementsFromTable(table, 1).map((item) => item.name)).toEqual(['budget', '✓✓', '7']);
});

it('keeps what looks like a word beside a word that certainly is one, and marks written between words', () => {
  const table = [
    HEADER,
    word(1, 0, 'Files:', 93),
    word(1, 110, 'budget_2026.xlsx,', 0.4),
    word(1, 400, '&', 93),
    word(1, 420, '©', 93),
    word(1, 440, '+', 40),
    word(1, 460, 'ab', 4),
    word(2, 0, 'shadows', 0.4),
    word(2, 150, 'x', 93),
  ].join('\n');
  const words = elementsFromTable(table, 1).filter(({ role }) => role === 'word');
  expect(words.map(({ name, confidence }) => [name, confidence])).toEqual([
    ['Files:', 0.93],
    ['budget_2026.xlsx,', 0],
    ['&', 0.93],
    ['x', 0.93],
  ]);
});

it.each(['', HEADER, 'nonsense', '5\t1'])('finds nothing in %j', (table) => {
  expect(elementsFromTable(table, 1)).toEqual([]);
});
