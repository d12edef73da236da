import type { ScreenElement } from '@deskhand/protocol';

/** Gap between two words of one phrase, in line heights. */
const WORD_GAP_HEIGHTS = 1.6;

/** Words read from pixels, joined into the lines they stand in; left to right, top to bottom. */
export function ocrLines(elements: readonly ScreenElement[]): ScreenElement[][] {
  const read = elements.filter((element) => element.source === 'ocr' && element.name.trim() !== '');
  // A reader may tell its lines beside their words: joined, every word would be there twice.
  const single = read.filter(({ role }) => role === 'word');
  const words = single.length > 0 ? single : read;
  const sorted = [...words].sort(
    (a, b) => a.bounds.y + a.bounds.height / 2 - (b.bounds.y + b.bounds.height / 2),
  );
  const rows: ScreenElement[][] = [];
  for (const word of sorted) {
    const row = rows.findLast((candidate) => {
      const first = candidate[0];
      return first !== undefined && sameRow(first, word);
    });
    if (row === undefined) rows.push([word]);
    else row.push(word);
  }
  return rows.flatMap((row) => splitAtGaps(row.sort((a, b) => a.bounds.x - b.bounds.x)));
}

function sameRow(a: ScreenElement, b: ScreenElement): boolean {
  const top = Math.max(a.bounds.y, b.bounds.y);
  const bottom = Math.min(a.bounds.y + a.bounds.height, b.bounds.y + b.bounds.height);
  return bottom - top >= 0.5 * Math.min(a.bounds.height, b.bounds.height);
}

function splitAtGaps(row: ScreenElement[]): ScreenElement[][] {
  const lines: ScreenElement[][] = [];
  for (const word of row) {
    const line = lines.at(-1);
    const before = line?.at(-1);
    const gap = before === undefined ? 0 : word.bounds.x - (before.bounds.x + before.bounds.width);
    if (line === undefined || gap > WORD_GAP_HEIGHTS * word.bounds.height) lines.push([word]);
    else line.push(word);
  }
  return lines;
}

/** Runs of about as many words as `text` has, each as one element: what a multi-word name is compared with. */
export function ocrPhrases(elements: readonly ScreenElement[], text: string): ScreenElement[] {
  const wanted = text.trim().split(/\s+/).length;
  const phrases: ScreenElement[] = [];
  for (const line of ocrLines(elements)) {
    for (const length of new Set([wanted, wanted + 1, wanted - 1])) {
      if (length < 1) continue;
      for (let start = 0; start + length <= line.length; start += 1)
        phrases.push(joinWords(line.slice(start, start + length)));
    }
  }
  return phrases;
}

export function joinWords(words: readonly ScreenElement[]): ScreenElement {
  const left = Math.min(...words.map(({ bounds }) => bounds.x));
  const top = Math.min(...words.map(({ bounds }) => bounds.y));
  const right = Math.max(...words.map(({ bounds }) => bounds.x + bounds.width));
  const bottom = Math.max(...words.map(({ bounds }) => bounds.y + bounds.height));
  const first = words[0];
  return {
    id: words
      .map(({ id }) => id)
      .join('+')
      .slice(0, 200),
    source: 'ocr',
    role: words.length === 1 ? (first?.role ?? 'word') : 'line',
    name: words
      .map(({ name }) => name)
      .join(' ')
      .slice(0, 2000),
    states: [],
    bounds: { x: left, y: top, width: right - left, height: bottom - top },
    ...(first?.windowId === undefined ? {} : { windowId: first.windowId }),
  };
}
