import type { ClauseText } from './clause-text.ts';
import type { Clause } from './clauses.ts';
import { readIntents } from './grammar.ts';
import type { Instruction, Intent } from './intent.ts';

/** "Do not save it", "but don't click Cancel", "never press Enter". */
const FORBIDDEN =
  /(?:^|[,;]\s*|\b(?:but|and)\s+)(?:please\s+)?(?:do\s+not|don['’]?t|never)\s+(?<what>[^,;]{1,200})/giu;

/**
 * What a task asks for and forbids at once, as it forbids it; null where it does not. A task that contradicts itself
 * is not done by halves.
 */
export function contradictionIn(
  sentences: readonly Clause[],
  steps: readonly Instruction[],
  clauseOf: (sentence: Clause, text: string) => ClauseText,
): string | null {
  const wanted = new Set(steps.map(({ intent }) => essenceOf(intent)));
  for (const sentence of sentences)
    for (const match of sentence.text.matchAll(FORBIDDEN)) {
      const what = match.groups?.what?.trim() ?? '';
      const forbidden = readIntents(clauseOf(sentence, what)) ?? [];
      if (forbidden.some((intent) => wanted.has(essenceOf(intent))))
        return sentence.marked.withoutQuotes(match[0]).replace(/^[,;\s]+/, '');
    }
  return null;
}

/** A picture of the screen that is to be saved under a path, as the task says it; null where none is. */
export function pictureSavedIn(steps: readonly Instruction[]): string | null {
  const saves = steps.find(
    ({ intent }, index) =>
      intent.type === 'save_as' &&
      steps[index - 1]?.intent.type === 'screenshot' &&
      /\.(?:png|jpe?g|webp|gif|bmp)$/i.test(intent.path),
  );
  return saves?.words ?? null;
}

/** Two intents of one essence do the same to the same thing. */
function essenceOf(intent: Intent): string {
  switch (intent.type) {
    case 'save':
    case 'save_as':
      return 'save';
    case 'click':
      return JSON.stringify([
        'click',
        intent.button,
        (intent.target.text ?? '').toLowerCase(),
        intent.target.near,
      ]);
    case 'close_window':
      return 'close_window';
    default:
      return JSON.stringify(intent);
  }
}
