import { readCounted } from '../intents/counting.ts';
import { firstMatch, pattern } from '../intents/patterns.ts';
import { readTarget } from '../target.ts';
import type { CompoundReader } from './compound.ts';

const TYPED = [
  pattern(
    `(?:type|enter|write|put|fill(?:\\s+in)?|insert|copy)\\s+(?:in\\s+)?(?:how\\s+many|(?:the\\s+)?(?:total\\s+)?(?:number|count)\\s+of)\\s+(?<what>.+?)(?:\\s+(?:there\\s+are|are\\s+there))?\\s+(?:into|in|to)\\s+(?<into>(?:the\\s+|a\\s+)?.*\\b(?:field|box|input|area|editor))`,
  ),
];

/** "Type the number of unread mails into the Amount field": counted, then typed. */
export const readTypedCount: CompoundReader = (clause) => {
  const found = firstMatch(TYPED, clause.text);
  if (found?.what === undefined || found.into === undefined) return null;
  const what = readCounted(clause, found.what);
  const into = readTarget(clause, found.into);
  if (what === null || into === null) return null;
  const name = `number of ${what.words}`.toLowerCase();
  return [
    { type: 'count', what, name, tell: false },
    { type: 'type_text', text: { type: 'remembered', name }, into, submit: false, mode: 'replace' },
  ];
};
