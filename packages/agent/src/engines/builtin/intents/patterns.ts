import { DOTTED_ATOM } from '../text.ts';

/** A whole-clause pattern: anchored, case-blind, one optional trailing comma or period forgiven. */
export function pattern(source: string): RegExp {
  return new RegExp(`^(?:${source})\\s*[.,!]?$`, 'iu');
}

/** Named groups of the first pattern that fits; groups that took no part are absent. */
export function firstMatch(
  patterns: readonly RegExp[],
  text: string,
): Record<string, string | undefined> | null {
  for (const candidate of patterns) {
    const match = candidate.exec(text);
    if (match !== null) return { ...match.groups };
  }
  return null;
}

const ARTICLE = /^(?:the|a|an|my|this|that|its)\s+/i;

export function stripArticle(text: string): string {
  let bare = text.trim();
  while (ARTICLE.test(bare)) bare = bare.replace(ARTICLE, '');
  return bare;
}

const NUMBERS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  once: 1,
  two: 2,
  twice: 2,
  'a couple of': 2,
  three: 3,
  thrice: 3,
  'a few': 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  'half a': 0.5,
};

/** Source for a number in digits or words. */
export const NUMBER = `\\d+(?:\\.\\d+)?|${Object.keys(NUMBERS)
  .sort((a, b) => b.length - a.length)
  .join('|')}`;

export function numberOf(text: string): number | null {
  const lowered = text.trim().toLowerCase();
  const known = NUMBERS[lowered];
  if (known !== undefined) return known;
  const number = Number(lowered);
  return lowered !== '' && Number.isFinite(number) ? number : null;
}

/** Source for a span of time; groups `amount`, which may be an atom (“1.5”), and `unit`. */
export const DURATION = `(?<amount>${NUMBER}|${DOTTED_ATOM})\\s*(?<unit>milliseconds?|millis|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m)`;

/** @returns whole milliseconds, or null. */
export function durationMs(amount: string | undefined, unit: string | undefined): number | null {
  const number = numberOf(amount ?? '');
  if (number === null || unit === undefined) return null;
  const factor = /^(?:ms|milli|msec)/i.test(unit) ? 1 : /^m/i.test(unit) ? 60_000 : 1000;
  return Math.round(number * factor);
}
