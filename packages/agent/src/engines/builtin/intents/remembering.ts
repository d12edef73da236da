import type { Intent, IntentReader } from '../intent.ts';
import { readTarget, targetOf } from '../target.ts';
import { URL_ATOM } from '../text.ts';
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
  // "… on http://…" goes there first.
  if (found?.what === undefined || clause.isPath(found.name ?? '') || HAS_URL.test(found.what)) return null;
  const target = readTarget(clause, found.what.replace(ELSEWHERE, ''));
  if (target === null) return null;
  const name =
    found.name === undefined
      ? stripArticle(clause.meaning(found.what.replace(ELSEWHERE, '')))
      : clause.meaning(stripArticle(found.name));
  if (name === '' || name.length > 80) return null;
  return { type: 'remember', what: target, name: name.toLowerCase(), tell: false };
};

const TELL = [
  pattern(
    `(?:tell|show|give|read)\\s+(?:to\\s+)?me\\s+(?:out\\s+)?(?:what\\s+(?:is|are)\\s+)?(?:what\\s+)?(?<what>(?:the\\s+|its\\s+)?.+?)(?:\\s+(?:is|are|says?|reads?|shows?))?`,
  ),
  pattern(
    `(?:report(?:\\s+back)?|find\\s+out|look\\s+up|determine|return|output)\\s+(?:what\\s+)?(?<what>(?:the\\s+|its\\s+).+?)(?:\\s+(?:is|are|says?|reads?|shows?))?`,
  ),
  pattern(
    `(?:what|which)(?:['’]s|\\s+is|\\s+are)\\s+(?<whose>[\\p{L}\\p{N}][^,]{0,60}?)['’]s\\s+(?<own>[\\p{L} -]{2,40})`,
  ),
  pattern(`(?:what|which)(?:['’]s|\\s+is|\\s+are)\\s+(?<what>(?:the\\s+|its\\s+).+?)`),
];
/** “Carla's role”: the cell of her row. */
const WHOSE = /^(?<whose>\p{Lu}[^,]{0,60}?)['’]s\s+(?<own>[\p{L} -]{2,40})$/u;
const PRINTED =
  /\bwhat(?:['’]s|\s+(?:is|it))\s+(?:there|in\s+(?:it|there)|shown|printed|says?|prints?|shows?|the\s+(?:output|result))\b/i;
const outputTold: Intent = {
  type: 'remember',
  what: targetOf('output', null, 'spoken'),
  name: 'output',
  tell: true,
};
const HAS_URL = new RegExp(URL_ATOM, 'u');
const ELSEWHERE =
  /\s+(?:(?:on|of|in)\s+(?:the|this|that)\s+(?:page|screen|site|website)|there|here|shown|displayed|written)+$/i;

/** "Tell me the total", "what is the order number?": read, and said in the run's summary. */
export const readTell: IntentReader = (clause): Intent | null => {
  // "… of the page http://…" goes there first.
  if (HAS_URL.test(clause.text)) return null;
  const found = firstMatch(TELL, clause.text);
  const what = found?.what?.replace(ELSEWHERE, '');
  const { whose, own } = found?.whose === undefined ? (WHOSE.exec(what ?? '')?.groups ?? {}) : found;
  const said = whose === undefined ? what : `the ${own} of ${whose}`;
  // Behind a command, "what's there" is what it printed.
  if (clause.remembered.has('output') && PRINTED.test(clause.text)) return outputTold;
  const target = said === undefined ? null : readTarget(clause, said);
  if (said === undefined || target === null || said.length > 80) return null;
  return {
    type: 'remember',
    what: target,
    name: stripArticle(clause.meaning(said)).toLowerCase(),
    tell: true,
  };
};
