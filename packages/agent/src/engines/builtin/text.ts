/**
 * The first pass over a task: quoted text, URLs and paths are lifted out whole, each replaced by one
 * placeholder character, so that the grammar behind never mistakes a comma inside a quote for its own.
 */

export type AtomKind = 'quote' | 'url' | 'path' | 'dotted';

/** One lifted piece. `text` is what is meant (without quotes), `source` what was written. */
export type Atom = Readonly<{ kind: AtomKind; text: string; source: string }>;

/** Placeholders live in the supplementary private planes, one range per kind. */
const BASES: Readonly<Record<AtomKind, number>> = {
  quote: 0xf0000,
  url: 0xf8000,
  path: 0x100000,
  dotted: 0x108000,
};
const RANGE = 0x7ff0;

/** Placeholder classes for the grammar's patterns (use the `u` flag). */
export const QUOTE = '[\\u{F0000}-\\u{F7FEF}]';
export const URL_ATOM = '[\\u{F8000}-\\u{FFFEF}]';
export const PATH_ATOM = '[\\u{100000}-\\u{107FEF}]';
export const DOTTED_ATOM = '[\\u{108000}-\\u{10FFEF}]';

const PRIVATE = /[\u{F0000}-\u{10FFFF}]/gu;

/** Opening quote → closing quote. A straight apostrophe opens only where no word runs into it. */
const QUOTES: Readonly<Record<string, string>> = {
  '"': '"',
  '“': '”',
  '„': '“',
  '«': '»',
  '‘': '’',
  "'": "'",
  '`': '`',
};

/** Text with its lifted pieces. */
export class MarkedText {
  readonly text: string;
  readonly atoms: readonly Atom[];

  constructor(text: string, atoms: readonly Atom[]) {
    this.text = text;
    this.atoms = atoms;
  }

  /** The same atoms under another text, e.g. one clause of the task. */
  with(text: string): MarkedText {
    return new MarkedText(text, this.atoms);
  }

  /** The atom behind a string that is exactly one placeholder. */
  atom(text: string): Atom | undefined {
    const trimmed = text.trim();
    const code = trimmed.codePointAt(0);
    if (code === undefined || String.fromCodePoint(code) !== trimmed) return undefined;
    return this.#at(code);
  }

  /** Placeholders put back as they were written. */
  source(text: string = this.text): string {
    return text.replace(PRIVATE, (mark) => this.#at(mark.codePointAt(0) ?? 0)?.source ?? '');
  }

  /** What is meant: a quote without its quotes, anything else as written. */
  meaning(text: string): string {
    const atom = this.atom(text);
    return atom === undefined ? this.source(text).trim() : atom.text;
  }

  /** For messages about clauses whose quotes hold typed text: each quote as its length. */
  withoutQuotes(text: string = this.text): string {
    return text.replace(PRIVATE, (mark) => {
      const atom = this.#at(mark.codePointAt(0) ?? 0);
      if (atom === undefined) return '';
      return atom.kind === 'quote' ? `“[${[...atom.text].length} characters]”` : atom.source;
    });
  }

  #at(code: number): Atom | undefined {
    if (code < BASES.quote) return undefined;
    const base = [BASES.dotted, BASES.path, BASES.url, BASES.quote].find((start) => code >= start) ?? 0;
    const index = code - base;
    const atom = this.atoms[index];
    return atom !== undefined && BASES[atom.kind] === base ? atom : undefined;
  }
}

const URL_START = /^(?:https?|file|ftp):\/\/|^about:|^chrome:\/\/|^data:[\w.+-]+\/[\w.+-]+[;,]/i;
/** `localhost:3000/x`, `127.0.0.1:8080`, `www.example.com`, `example.com/path`: an address without a scheme. */
const BARE_HOST =
  /^(?:localhost(?::\d+)?(?:\/\S*)?$|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:\/\S*)?$|www\.\S+$|(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?\/\S*$)/i;
const PATH_START = /^(?:\/[^\s/]|~\/|\.{1,2}\/|[A-Za-z]:[\\/])/;
/** `notes.txt`, `3.5`, `example.com`, `ada@example.com`: dots that end no sentence. */
const DOTTED = /^[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+$|^[\p{L}\p{N}_.+-]+@[\p{L}\p{N}.-]+$/u;

/** Lifts every quote, URL, path and dotted word out of `task`. */
export function markText(task: string): MarkedText {
  const atoms: Atom[] = [];
  const lift = (atom: Atom): string => {
    if (atoms.length >= RANGE) return atom.source.replace(PRIVATE, '');
    atoms.push(atom);
    return String.fromCodePoint(BASES[atom.kind] + atoms.length - 1);
  };

  let out = '';
  let at = 0;
  // A scan that found no end is not made again from further on: there is none there either.
  const unclosed = new Set<string>();
  let run = { end: 0, wordEnd: 0 };
  const text = task.replaceAll('\r\n', '\n');
  const blocks = blocksOf(text);
  while (at < text.length) {
    const block = blocks.get(at);
    if (block !== undefined) {
      out += lift({ kind: 'quote', text: block, source: block });
      at += block.length;
      continue;
    }
    const quoted = unclosed.has(text.charAt(at)) ? null : readQuote(text, at);
    if (quoted === 'unclosed') unclosed.add(text.charAt(at));
    else if (quoted !== null) {
      out += lift({ kind: 'quote', text: quoted.text, source: text.slice(at, quoted.end) });
      at = quoted.end;
      continue;
    }
    const startsWord = at === 0 || /[\s(,;:]/.test(text.charAt(at - 1));
    if (startsWord && at >= run.end) run = runFrom(text, at);
    const word = startsWord ? (readDate(text, at) ?? readWord(text, at, run.wordEnd)) : null;
    if (word !== null) {
      out += lift(word.atom);
      at = word.end;
      continue;
    }
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    // Stray characters of the placeholder planes must not pass for placeholders.
    out += /[\u{F0000}-\u{10FFFF}]/u.test(character)
      ? lift({ kind: 'quote', text: character, source: character })
      : character;
    at += character.length;
  }
  return new MarkedText(withLinesJoined(out, atoms, lift), atoms);
}

const BLOCK =
  /(?:^|[\s,.])(?:type|write|enter|paste|insert)\b[^\n:"“]{0,60}:[^\S\n]*\n+(?<block>[^\s"“«`][\s\S]{0,4000}?)(?=\n\s*\n\s*(?:then|and|after|now|finally|next|save|press|click)\b|\n\s*(?:then|and then|afterwards|after that|finally|save|press)\b|\n\s*\(?\d{1,2}[.)]\s|\s*$)/dgi;
const LABELLED_LINES = /^(?:[\p{L} ]{1,40}:[^\n]+\n?)+$/u;

/** `Type:` with the text on lines of its own, without quotes. @returns the texts by where they begin. */
function blocksOf(text: string): ReadonlyMap<number, string> {
  const blocks = new Map<number, string>();
  for (const match of text.matchAll(BLOCK)) {
    const block = match.groups?.block?.trimEnd() ?? '';
    const start = match.indices?.groups?.block?.[0];
    // "Name: Ada" below "Enter the following:" is a form, not a text.
    if (block !== '' && start !== undefined && !LABELLED_LINES.test(block)) blocks.set(start, block);
  }
  return blocks;
}

const SEVERAL_LINES = new RegExp(
  `\\b(?:(?:two|three|four|five|six|\\d{1,2})\\s+)?(?:separate\\s+|different\\s+)?lines\\s*:?\\s*(${QUOTE}(?:(?:\\s*,\\s*|\\s+|\\s*,?\\s+and\\s+|\\s*,?\\s+then\\s+)${QUOTE})+)`,
  'giu',
);

/** `three lines: "a", "b" and "c"` is one text of three lines. */
function withLinesJoined(marked: string, atoms: readonly Atom[], lift: (atom: Atom) => string): string {
  const text = new MarkedText(marked, atoms);
  return marked.replace(SEVERAL_LINES, (source, quotes: string) => {
    const lines = [...quotes.matchAll(PRIVATE)].map(([mark]) => text.meaning(mark));
    return `the text ${lift({ kind: 'quote', text: lines.join('\n'), source: text.source(source) })}`;
  });
}

const MONTH =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?';
/** `March 3rd, 1990`, `15th of May 2026`: one word, commas and all. */
const DATE = new RegExp(
  `(?:${MONTH}\\s+\\d{1,2}(?:st|nd|rd|th)?,?\\s+\\d{4}|\\d{1,2}(?:st|nd|rd|th)?\\s+(?:of\\s+)?${MONTH},?\\s+\\d{4})(?![\\p{L}\\p{N}])`,
  'iuy',
);

function readDate(text: string, at: number): { atom: Atom; end: number } | null {
  DATE.lastIndex = at;
  const written = DATE.exec(text)?.[0];
  if (written === undefined) return null;
  return { atom: { kind: 'dotted', text: written, source: written }, end: at + written.length };
}

function readQuote(text: string, at: number): { text: string; end: number } | 'unclosed' | null {
  const open = text.charAt(at);
  const close = QUOTES[open];
  if (close === undefined) return null;
  const isApostrophe = open === "'" || open === '‘';
  if (isApostrophe && at > 0 && /[\p{L}\p{N}]/u.test(text.charAt(at - 1))) return null;
  if (text.startsWith('```', at)) {
    const end = text.indexOf('```', at + 3);
    if (end > 0) return { text: text.slice(at + 3, end).replace(/^\n|\n$/g, ''), end: end + 3 };
  }
  let inside = '';
  for (let index = at + 1; index < text.length; index += 1) {
    const character = text.charAt(index);
    const following = text.charAt(index + 1);
    if (character === '\\' && (following === close || following === '\\') && open !== '`') {
      inside += following;
      index += 1;
      continue;
    }
    if (character === close) {
      // The apostrophe in 'it's' is no end: an end is followed by no letter.
      if (isApostrophe && /[\p{L}\p{N}]/u.test(following)) {
        inside += character;
        continue;
      }
      return { text: inside, end: index + 1 };
    }
    inside += character;
  }
  return 'unclosed';
}

/** How far the text goes on without a space or quote, and the same without the punctuation at its end. */
function runFrom(text: string, at: number): { end: number; wordEnd: number } {
  let end = at;
  while (end < text.length && !/[\s"“”«»`]/.test(text.charAt(end))) end += 1;
  let wordEnd = end;
  while (wordEnd > at && /[.,;:!?)\]}'’]/.test(text.charAt(wordEnd - 1))) wordEnd -= 1;
  return { end, wordEnd };
}

function readWord(text: string, at: number, wordEnd: number): { atom: Atom; end: number } | null {
  if (wordEnd <= at) return null;
  const word = text.slice(at, wordEnd);
  const atom = (kind: AtomKind) => ({ atom: { kind, text: word, source: word }, end: at + word.length });
  if (URL_START.test(word) || BARE_HOST.test(word)) return atom('url');
  if (PATH_START.test(word)) return atom('path');
  if (DOTTED.test(word)) return atom('dotted');
  return null;
}
