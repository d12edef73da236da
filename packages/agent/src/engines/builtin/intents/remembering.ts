import type { Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { firstMatch, pattern, stripArticle } from './patterns.ts';

const KEEP =
  '(?:remember|memori[sz]e|note(?:\\s+down)?|copy|store|save|read|keep|record|write\\s+down|take\\s+note\\s+of|get|extract|grab)';

const PATTERNS = [
  pattern(
    `${KEEP}\\s+(?<what>.+?)\\s+(?:as|under(?:\\s+the\\s+name)?|in\\s+a?\\s*variable(?:\\s+called)?)\\s+(?<name>.+)`,
  ),
  pattern(
    `(?:remember|memori[sz]e|note(?:\\s+down)?|copy|read|record|write\\s+down|take\\s+note\\s+of|extract)\\s+(?:the\\s+value\\s+of\\s+|the\\s+text\\s+of\\s+)?(?<what>.+)`,
  ),
];

/** remember the order number · copy the total as sum. */
export const readRemember: IntentReader = (clause): Intent | null => {
  const found = firstMatch(PATTERNS, clause.text);
  if (found?.what === undefined || clause.isPath(found.name ?? '')) return null;
  const target = readTarget(clause, found.what);
  if (target === null) return null;
  const name =
    found.name === undefined
      ? stripArticle(clause.meaning(found.what))
      : clause.meaning(stripArticle(found.name));
  if (name === '' || name.length > 80) return null;
  return { type: 'remember', what: target, name: name.toLowerCase() };
};
