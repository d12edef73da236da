/** Text as people compare it: case, space, trailing punctuation and mnemonics do not matter. */
export function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u200b-\u200f\u2060\ufeff]/g, '')
    .replace(/[‘’‚′]/g, "'")
    .replace(/[“”„″«»]/g, '"')
    .replace(/[‐-―−]/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Also without the marks labels carry: "Name:", "Save As…", "E-mail *". */
export function foldLabel(text: string): string {
  return fold(text)
    .replace(/^[\s"'*•·–-]+/, '')
    .replace(/[\s:*…."'?!,;]+$/u, '')
    .trim();
}

const bare = (text: string) =>
  foldLabel(text)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/**
 * How well a name on the screen answers to what was asked for: 1 = exactly, 0 = not at all.
 * Graded so that an exact name always beats a longer one that merely contains it.
 */
export function likeness(wanted: string, name: string): number {
  const a = foldLabel(wanted);
  const b = foldLabel(name);
  if (a === '' || b === '') return fold(wanted) !== '' && fold(wanted) === fold(name) ? 1 : 0;
  if (a === b) return 1;
  const bareA = bare(wanted);
  const bareB = bare(name);
  if (bareA !== '' && bareA === bareB) return 0.97;
  if (bareA.replaceAll(' ', '') === bareB.replaceAll(' ', '') && bareA !== '') return 0.95;
  const share = Math.min(1, a.length / b.length);
  if (wholeWords(b, a)) return (b.startsWith(a) ? 0.72 : 0.66) + 0.22 * share;
  if (wholeWords(a, b) && b.length >= 3) return 0.4 + 0.35 * (b.length / a.length);
  if (a.length >= 4 && b.includes(a)) return 0.5 + 0.2 * share;
  return Math.max(sharedWords(bareA, bareB), spelling(a, b));
}

function wholeWords(text: string, part: string): boolean {
  const at = text.indexOf(part);
  if (at < 0) return false;
  const before = at === 0 ? '' : text.charAt(at - 1);
  const after = text.charAt(at + part.length);
  const letter = /[\p{L}\p{N}]/u;
  return (
    !(letter.test(before) && letter.test(part.charAt(0))) &&
    !(letter.test(after) && letter.test(part.at(-1) ?? ''))
  );
}

/** All wanted words present in another order or with others between. */
function sharedWords(a: string, b: string): number {
  const wanted = a.split(' ').filter((word) => !SMALL_WORDS.has(word));
  const present = new Set(b.split(' '));
  if (wanted.length === 0) return 0;
  const hits = wanted.filter((word) => present.has(word)).length / wanted.length;
  return hits === 1 ? 0.5 + 0.3 * (wanted.length / present.size) : 0.45 * hits;
}

const SMALL_WORDS = new Set(['the', 'a', 'an', 'of', 'to', 'in', 'on', 'for', 'and', 'your', 'my']);

/** One or two wrong letters, as OCR and people make them. */
function spelling(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2 || a.length < 4 || a.length > 60) return 0;
  const errors = distance(a, b, 2);
  return errors > 2 || errors / a.length > 0.25 ? 0 : 0.8 - 0.12 * errors;
}

/** Edit distance, given up above `limit`. */
function distance(a: string, b: string, limit: number): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    if (Math.min(...row) > limit) return limit + 1;
    previous = row;
  }
  return previous[b.length] ?? limit + 1;
}

/** True when the text on the screen contains what was asked for, apart from case and spacing. */
export function containsText(text: string, wanted: string): boolean {
  const a = fold(text);
  const b = fold(wanted);
  return b !== '' && (a.includes(b) || a.replaceAll(' ', '').includes(b.replaceAll(' ', '')));
}
