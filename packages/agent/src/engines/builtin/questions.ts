import { describeRole } from './explain.ts';
import type { Candidate } from './grounding.ts';
import { ordinalOf, ordinalWord } from './target.ts';
import { likeness } from './wording.ts';

/** "Which one do you mean? the first (button “Save” at the top left), the second …" */
export function ambiguityQuestion(what: string, candidates: readonly Candidate[]): string {
  const listed = candidates
    .slice(0, 8)
    .map(
      (candidate, index) =>
        `the ${ordinalWord(index + 1)}: ${describeRole(candidate.element)} at ${placeWords(candidate)}`,
    );
  const more = candidates.length > 8 ? `; and ${candidates.length - 8} more` : '';
  return `${candidates.length} things match ${what} equally well. Which one do you mean? ${listed.join('; ')}${more}. Answer for example “the second one”.`;
}

function placeWords({ element: { bounds } }: Candidate): string {
  return `${Math.round(bounds.x + bounds.width / 2)},${Math.round(bounds.y + bounds.height / 2)}`;
}

/**
 * A person's answer → the candidate meant: a number, an ordinal, a side, or words that fit just one.
 * @param candidates in the order they were listed.
 */
export function chosenBy(note: string, candidates: readonly Candidate[]): Candidate | null {
  const text = note.trim().toLowerCase();
  const digits = /(?:^|\s|#|no\.?\s*)(\d{1,2})(?:st|nd|rd|th)?(?:\s|\.|$)/.exec(text)?.[1];
  if (digits !== undefined) return candidates[Number(digits) - 1] ?? null;
  for (const word of text.split(/[^\p{L}]+/u)) {
    const ordinal = ordinalOf(word) ?? CARDINALS[word] ?? null;
    if (ordinal === null || (word === 'one' && /\w+ one\b/.test(text))) continue;
    const chosen = candidates.at(ordinal > 0 ? ordinal - 1 : ordinal);
    if (chosen !== undefined) return chosen;
  }
  const side = SIDES.find(({ word }) => new RegExp(`\\b${word}`).test(text));
  if (side !== undefined) return [...candidates].sort((a, b) => side.key(a) - side.key(b))[0] ?? null;
  const scored = candidates
    .map((candidate) => ({
      candidate,
      like: Math.max(likeness(note, candidate.element.name), likeness(note, describeRole(candidate.element))),
    }))
    .sort((a, b) => b.like - a.like);
  const [best, second] = scored;
  if (best === undefined || best.like < 0.5) return null;
  return second !== undefined && second.like >= best.like - 0.05 ? null : best.candidate;
}

const CARDINALS: Readonly<Record<string, number>> = {
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
};

const SIDES: ReadonlyArray<{ word: string; key: (candidate: Candidate) => number }> = [
  { word: 'left', key: ({ element }) => element.bounds.x },
  { word: 'right', key: ({ element }) => -element.bounds.x },
  { word: '(?:top|upper|above)', key: ({ element }) => element.bounds.y },
  { word: '(?:bottom|lower|below)', key: ({ element }) => -element.bounds.y },
];

/** Yes, no, or neither. */
export function yesOrNo(note: string | null): boolean | null {
  if (note === null) return null;
  if (
    /^\s*(?:y|yes|yep|yeah|sure|ok(?:ay)?|do it|go ahead|replace|overwrite|allow|true|please do)\b/i.test(
      note,
    )
  )
    return true;
  if (/^\s*(?:n|no|nope|don['’]?t|do not|cancel|keep|stop|deny|false)\b/i.test(note)) return false;
  return null;
}
