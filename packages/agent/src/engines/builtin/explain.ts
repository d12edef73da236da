import type { ScreenElement } from '@deskhand/protocol';
import type { Candidate } from './grounding.ts';
import { isEditable } from './roles.ts';

/** Longest name quoted in a reason. */
const MAX_NAME = 60;

const SOURCE_WORDS = {
  accessibility: 'the accessibility tree',
  dom: 'the page',
  ocr: 'text read from the picture',
} as const;

/** "button “Save”"; never a field's content. */
export function describeRole(element: ScreenElement): string {
  const kind = element.role.replaceAll('_', ' ');
  const name = element.name.trim().replace(/\s+/g, ' ');
  return name === '' ? `unnamed ${kind}` : `${kind} “${short(name)}”`;
}

/** "found button “Save” in the accessibility tree with score 0.98". */
export function foundWords({ element, score }: Candidate): string {
  return `found ${describeRole(element)} in ${SOURCE_WORDS[element.source]} with score ${score.toFixed(2)}`;
}

/** Nearest misses, for errors. */
export function nearestWords(candidates: readonly Candidate[]): string {
  if (candidates.length === 0) return 'nothing on the screen comes near';
  const listed = candidates.map(
    (candidate) => `${describeRole(candidate.element)} (${candidate.score.toFixed(2)})`,
  );
  return `nearest: ${listed.join(', ')}`;
}

export function short(text: string): string {
  return text.length <= MAX_NAME ? text : `${text.slice(0, MAX_NAME - 1)}…`;
}

export function characters(text: string): string {
  const length = [...text].length;
  return `${length} ${length === 1 ? 'character' : 'characters'}`;
}

/** What an element shows as text: a field's value, anything else's name. */
export function shownText(element: ScreenElement): string {
  if (isEditable(element)) return element.value ?? '';
  return [element.name, element.value ?? ''].filter((part) => part !== '').join(' ');
}
