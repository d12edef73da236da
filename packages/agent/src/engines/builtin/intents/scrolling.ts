import type { Direction, Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { firstMatch, NUMBER, numberOf, pattern } from './patterns.ts';

const WHERE = `(?:\\s+(?:in|inside|within|on)\\s+(?<inside>.+?))?`;
const SCROLL = '(?:scroll|swipe|page|wheel)';

const PATTERNS = [
  pattern(
    `${SCROLL}\\s+(?:(?<direction>up|down|left|right)\\s+)?(?:(?:the\\s+)?(?:page|window|screen|list)\\s+)?(?:(?<direction2>up|down|left|right)\\s+)?(?:until|till)\\s+(?:you\\s+(?:can\\s+)?(?:see|find|reach|get\\s+to)\\s+)?(?<until>.+?)(?:\\s+(?:is|are|becomes?|comes?|appears?|shows?|can\\s+be)(?:\\s+(?:visible|in(?:to)?\\s+view|seen|on\\s+(?:the\\s+)?screen|up|displayed|shown))?)?`,
  ),
  pattern(
    `${SCROLL}\\s+(?:(?:the\\s+)?(?:page|window|screen|list)\\s+)?(?:all\\s+the\\s+way\\s+)?(?:(?:up|down)\\s+)?(?:all\\s+the\\s+way\\s+)?to\\s+(?:the\\s+)?(?:very\\s+)?(?<end>top|bottom|end|start|beginning)(?:\\s+of\\s+(?<inside>.+?))?`,
  ),
  pattern(`${SCROLL}\\s+(?:all\\s+the\\s+way\\s+)(?<all>up|down|left|right)${WHERE}`),
  pattern(
    `${SCROLL}\\s+(?:(?:the\\s+)?(?:page|window|screen|list)\\s+)?(?<direction>up|down|left|right)(?:\\s+(?:by\\s+)?(?<amount>${NUMBER}|a\\s+bit|a\\s+little|a\\s+lot|some\\s+more|more)(?:\\s+(?<unit>notch(?:es)?|clicks?|lines?|times?|steps?|ticks?|pages?|screens?))?)?${WHERE}`,
  ),
  pattern(
    `${SCROLL}\\s+(?:by\\s+)?(?<amount>${NUMBER})\\s+(?<unit>notch(?:es)?|clicks?|lines?|times?|steps?|ticks?|pages?|screens?)\\s+(?<direction>up|down|left|right)${WHERE}`,
  ),
  pattern(`${SCROLL}\\s+(?:down\\s+|up\\s+)?(?:to|towards?)\\s+(?<until>.+)`),
  pattern(`bring\\s+(?<until>.+?)\\s+into\\s+view`),
  pattern(`${SCROLL}\\s+(?<until>.+?)\\s+into\\s+view`),
  pattern(`${SCROLL}(?:\\s+(?:the\\s+)?(?:page|window|screen|list))?${WHERE}`),
];

/** Wheel notches that move roughly one screenful. */
const NOTCHES_PER_PAGE = 8;

/** scroll by an amount, to an end, or until something is visible. */
export const readScroll: IntentReader = (clause): Intent | null => {
  const found = firstMatch(PATTERNS, clause.text);
  if (found === null) return null;
  // "… of http://…" goes there first.
  if (found.inside !== undefined && clause.isUrl(found.inside)) return null;
  const inside =
    found.inside === undefined || WHOLE.test(found.inside) ? null : readTarget(clause, found.inside);
  const direction = directionOf(found.direction ?? found.direction2 ?? found.all);
  if (found.until !== undefined) {
    const until = readTarget(clause, found.until);
    return until === null ? null : { type: 'scroll', direction, amount: 'end', until, inside };
  }
  if (found.end !== undefined) {
    const up = /top|start|beginning/i.test(found.end);
    return { type: 'scroll', direction: up ? 'up' : 'down', amount: 'end', until: null, inside };
  }
  const base = { type: 'scroll', direction: direction ?? 'down', until: null, inside } as const;
  if (found.all !== undefined) return { ...base, amount: 'end' };
  return { ...base, amount: amountOf(found.amount, found.unit) };
};

/** Scrolling these needs no place of its own. */
const WHOLE =
  /^(?:the\s+|this\s+)?(?:current\s+|whole\s+|web\s?)?(?:page|screen|window|website|site|document|view)$/i;

function amountOf(amount: string | undefined, unit: string | undefined): number {
  if (amount === undefined) return 5;
  const lowered = amount.toLowerCase().replace(/\s+/g, ' ');
  if (/^a (?:bit|little)$/.test(lowered)) return 2;
  if (lowered === 'a lot') return 15;
  const number = numberOf(lowered) ?? 5;
  const perUnit = /^(?:page|screen)/i.test(unit ?? '') ? NOTCHES_PER_PAGE : 1;
  return Math.min(100, Math.max(1, Math.round(number * perUnit)));
}

function directionOf(word: string | undefined): Direction | null {
  return word === undefined ? null : (word.toLowerCase() as Direction);
}
