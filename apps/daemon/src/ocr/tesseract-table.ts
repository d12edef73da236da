import type { Rect, ScreenElement } from '@deskhand/protocol';

/** Below this a "word" is a picture's edge or a shadow, percent; but seldom one with several letters on end. */
const MIN_CONFIDENCE = 30;
const MIN_CONFIDENCE_OF_WORDS = 5;
/** A word so sure, percent, makes its line one of text: what looks like a word there is one, be it a file's name nobody is sure of. */
const SURE = 70;
/** Stands alone between words; other marks so small are more often part of an icon, a frame, a caret. */
const WRITTEN_MARKS = /^[&+=<>–-]$/;
/** Words further apart than this share of their height belong to different columns. */
const COLUMN_GAP = 1;
const MAX_WORDS = 2500;

/** A word as it was read. `line` is the same for all words of a line and no others; confidence in percent. */
export type Word = Readonly<{ text: string; confidence: number; bounds: Rect; line: string }>;

/**
 * Words of tesseract's TSV output, and the lines they form where a line has more than one word.
 * @param scale how much the picture was enlarged before reading; bounds are divided by it.
 */
export function elementsFromTable(table: string, scale: number): readonly ScreenElement[] {
  return elementsOf(
    wordsOf(table).map(({ bounds: { x, y, width, height }, ...word }) => ({
      ...word,
      bounds: { x: x / scale, y: y / scale, width: width / scale, height: height / scale },
    })),
  );
}

/** Words as elements, each line of several words before them as a label. */
export function elementsOf(words: readonly Word[]): readonly ScreenElement[] {
  const lines = new Map<string, Word[]>();
  for (const word of words.slice(0, MAX_WORDS)) {
    const members = lines.get(word.line) ?? [];
    members.push(word);
    lines.set(word.line, members);
  }
  const elements: ScreenElement[] = [];
  const add = (role: 'word' | 'label', name: string, bounds: Rect, confidence: number) => {
    elements.push({
      id: `ocr${elements.length}`,
      source: 'ocr',
      role,
      name,
      states: [],
      bounds,
      confidence: Math.round(confidence) / 100,
    });
  };
  for (const line of lines.values()) {
    for (const piece of splitAtColumns(line)) {
      if (piece.length > 1) {
        const mean = piece.reduce((sum, word) => sum + word.confidence, 0) / piece.length;
        add('label', piece.map((word) => word.text).join(' '), around(piece), mean);
      }
      for (const word of piece) add('word', word.text, word.bounds, word.confidence);
    }
  }
  return elements;
}

/** Words of tesseract's TSV output, in pixels of the picture it was given. */
export function wordsOf(table: string): readonly Word[] {
  const rows: Word[] = [];
  for (const row of table.split('\n')) {
    const [level, , block, paragraph, line, , left, top, width, height, confidence, ...rest] =
      row.split('\t');
    const text = rest.join('\t').trim();
    if (level !== '5' || text === '') continue;
    rows.push({
      text: text.slice(0, 2000),
      confidence: Number(confidence),
      bounds: { x: Number(left), y: Number(top), width: Number(width), height: Number(height) },
      line: `${block}.${paragraph}.${line}`,
    });
  }
  const written = new Set(rows.filter(isSureWord).map(({ line }) => line));
  return rows.filter((word) => isWord(word, written.has(word.line))).slice(0, MAX_WORDS);
}

function isSureWord({ text, confidence }: Word): boolean {
  return confidence >= SURE && /[\p{L}\p{N}]{2}/u.test(text);
}

/** @param inText its line has a word that is certainly one. */
function isWord({ text, confidence }: Word, inText: boolean): boolean {
  if (inText && /[\p{L}\p{N}]{3}/u.test(text)) return true;
  if (!/[\p{L}\p{N}]/u.test(text) && text.length < 2)
    return inText && confidence >= SURE && WRITTEN_MARKS.test(text);
  return confidence >= (/[\p{L}\p{N}]{4}/u.test(text) ? MIN_CONFIDENCE_OF_WORDS : MIN_CONFIDENCE);
}

/** The reader joins what stands on one height; a gap wider than a few letters separates things. */
function splitAtColumns(line: readonly Word[]): readonly Word[][] {
  const sorted = [...line].sort((a, b) => a.bounds.x - b.bounds.x);
  const pieces: Word[][] = [];
  for (const word of sorted) {
    const piece = pieces.at(-1);
    const last = piece?.at(-1);
    const height = Math.max(word.bounds.height, last?.bounds.height ?? 0);
    const gap = last === undefined ? 0 : word.bounds.x - (last.bounds.x + last.bounds.width);
    if (piece === undefined || gap > height * COLUMN_GAP) pieces.push([word]);
    else piece.push(word);
  }
  return pieces;
}

function around(words: readonly Word[]): Rect {
  const left = Math.min(...words.map((word) => word.bounds.x));
  const top = Math.min(...words.map((word) => word.bounds.y));
  const right = Math.max(...words.map((word) => word.bounds.x + word.bounds.width));
  const bottom = Math.max(...words.map((word) => word.bounds.y + word.bounds.height));
  return { x: left, y: top, width: right - left, height: bottom - top };
}
