import type { Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { DURATION, durationMs, firstMatch, pattern } from './patterns.ts';

const WAIT = '(?:wait|pause|hold(?:\\s+on)?|sleep|stop|delay)';
const LIMIT = `(?:,?\\s+(?:for\\s+)?(?:up\\s+to|at\\s+most|max(?:imum)?(?:\\s+of)?|no\\s+(?:longer|more)\\s+than|within)\\s+${DURATION})?`;
const APPEARS =
  '(?:(?:is|are|becomes?|gets?|has|can\\s+be)\\s+)?(?:visible|shown|displayed|appears?|appeared|shows?(?:\\s+up)?|comes?\\s+up|there|seen|loads?|loaded|ready|present|on\\s+(?:the\\s+)?(?:screen|page)|opens?|opened)';
const GOES =
  '(?:(?:is|are|has|have)\\s+)?(?:gone|hidden|disappears?|disappeared|vanish(?:es|ed)?|goes\\s+away|closes?|closed|no\\s+longer\\s+(?:visible|shown|there|displayed)|not\\s+(?:visible|shown|there|displayed)(?:\\s+any\\s?more)?|removed)';

const FOR = [
  pattern(
    `${WAIT}\\s+(?:for\\s+)?(?:about\\s+|around\\s+|another\\s+|at\\s+least\\s+|exactly\\s+|some\\s+)?${DURATION}`,
  ),
  pattern(`give\\s+(?:it|the\\s+page|them)\\s+${DURATION}`),
];
const UNTIL = [
  pattern(
    `${WAIT}\\s+(?:for\\s+)?(?:up\\s+to|at\\s+most|no\\s+(?:longer|more)\\s+than)\\s+${DURATION}\\s+(?:until|till|for)\\s+(?<gone>.+?)\\s+(?:to\\s+(?:disappear|vanish|go\\s+away|close)|${GOES})`,
  ),
  pattern(
    `${WAIT}\\s+(?:for\\s+)?(?:up\\s+to|at\\s+most|no\\s+(?:longer|more)\\s+than)\\s+${DURATION}\\s+(?:until|till|for)\\s+(?<seen>.+?)(?:\\s+(?:to\\s+(?:appear|show(?:\\s+up)?|load|open|be\\s+(?:visible|shown|there))|${APPEARS}))?`,
  ),
  pattern(`${WAIT}\\s+(?:until|till)\\s+(?<gone>.+?)\\s+${GOES}${LIMIT}`),
  pattern(
    `${WAIT}\\s+(?:until|till)\\s+(?:you\\s+(?:can\\s+)?see\\s+)?(?<seen>.+?)(?:\\s+${APPEARS})?${LIMIT}`,
  ),
  pattern(
    `${WAIT}\\s+for\\s+(?<gone>.+?)\\s+to\\s+(?:disappear|vanish|go\\s+away|close|be\\s+(?:gone|hidden|removed))${LIMIT}`,
  ),
  pattern(
    `${WAIT}\\s+for\\s+(?<seen>.+?)(?:\\s+to\\s+(?:appear|show(?:\\s+up)?|be\\s+(?:visible|shown|displayed|there|loaded|ready)|become\\s+visible|load|come\\s+up|open))?${LIMIT}`,
  ),
];

const DEFAULT_CEILING_MS = 30_000;
const MAX_CEILING_MS = 600_000;

/** wait two seconds · wait until "Done" is visible. */
export const readWait: IntentReader = (clause): Intent | null => {
  const span = firstMatch(FOR, clause.text);
  if (span !== null) {
    const ms = durationMs(clause.meaning(span.amount ?? ''), span.unit);
    return ms === null ? null : { type: 'wait', ms: Math.min(ms, MAX_CEILING_MS) };
  }
  if (
    /^(?:wait|pause)(?:\s+(?:a\s+)?(?:moment|bit|second|little))?(?:\s+(?:for\s+)?(?:the\s+)?(?:page|it)\s+to\s+(?:load|finish|settle))?$/i.test(
      clause.text,
    )
  )
    return { type: 'wait', ms: 1000 };
  const found = firstMatch(UNTIL, clause.text);
  const phrase = found?.gone ?? found?.seen;
  if (found === null || phrase === undefined) return null;
  const target = readTarget(clause, phrase);
  if (target === null) return null;
  const limit = durationMs(clause.meaning(found.amount ?? ''), found.unit) ?? DEFAULT_CEILING_MS;
  return {
    type: 'wait_until',
    target,
    visible: found.gone === undefined,
    ceilingMs: Math.min(limit, MAX_CEILING_MS),
  };
};
