import type { ClauseText } from '../clause-text.ts';
import type { Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { QUOTE } from '../text.ts';
import { firstMatch, pattern } from './patterns.ts';

const BOX =
  '(?:(?:[\\p{L}-]+\\s+){0,2}?(?:dialog(?:ue)?(?:\\s+box)?|pop-?up|alert|prompt|confirmation|warning|modal|banner|notice|notification|overlay|question|message\\s+box)(?:\\s+(?:dialog|box|window|message))?|(?:all\\s+)?cookies?(?:\\s+(?:banner|notice|dialog|pop-?up|policy|message))?)';
const THE = '(?:the\\s+|this\\s+|that\\s+|any\\s+|all\\s+)*';

const ACCEPT = [
  pattern(
    `(?:accept|confirm|approve|allow|okay?|agree\\s+(?:to|with)|say\\s+yes\\s+to|answer\\s+yes\\s+(?:to|in)|acknowledge)\\s+${THE}${BOX}`,
  ),
  pattern(`(?:accept|confirm|acknowledge|allow)\\s+(?:it|that)`),
  pattern(`(?:say|answer)\\s+(?:yes|ok)`),
];
const DISMISS = [
  pattern(
    `(?:dismiss|close|cancel|reject|decline|deny|refuse|get\\s+rid\\s+of|say\\s+no\\s+to|answer\\s+no\\s+(?:to|in))\\s+${THE}${BOX}`,
  ),
  pattern(`(?:dismiss|reject|decline|deny)\\s+(?:it|that)`),
  pattern(`(?:say|answer)\\s+no`),
];

/** "Accept the cookies", "dismiss the dialog": the box's own yes or no. */
export const readAnswerDialog: IntentReader = (clause): Intent | null => {
  if (firstMatch(ACCEPT, clause.text) !== null) return { type: 'answer_dialog', how: 'accept' };
  return firstMatch(DISMISS, clause.text) === null ? null : { type: 'answer_dialog', how: 'dismiss' };
};

/** What people tell an application to do with one of its things. The button usually bears the verb. */
const VERB =
  'add|delete|remove|archive|edit|approve|reject|decline|accept|reply\\s+to|forward|buy|purchase|order|reserve|book|borrow|return|rent|like|follow|unfollow|assign|publish|download|star|pin|unpin|mute|subscribe\\s+to|unsubscribe\\s+from|join|leave|pay|complete|finish|resolve|reopen|close|cancel|confirm|rename|duplicate|share|print|restore|promote|deactivate|activate|view|expand|collapse|mark|view';
const PLACE =
  '(?:\\s+(?:to|from|in|into|off)\\s+(?:the|my|your|this)\\s+(?<place>(?:shopping\\s+)?(?:cart|basket|bag)|wish\\s?list|favou?rites|list|table|order|page|library|inbox|archive|queue))?';
/** Something definite: an article, a quote, a number or a name, so that "do a barrel roll" stays unread. */
const OBJECT = `(?<object>(?:the|my|this|that|its|their|all|every)\\s+.+?|it|this|${QUOTE}|\\p{Lu}.*?|\\d+(?:st|nd|rd|th)\\s+.+?)`;
const USE = [
  pattern(`mark\\s+${OBJECT}\\s+with\\s+an?\\s+(?<verb>star|flag|pin)`),
  pattern(`(?<verb>mark)\\s+${OBJECT}\\s+as\\s+(?:an?\\s+)?(?<as>[\\p{L} -]{2,30})`),
  pattern(`(?<verb>${VERB})\\s+${OBJECT}${PLACE}`),
];
const CART = '(?<place>(?:shopping\\s+)?(?:cart|basket|bag)|wish\\s?list|favou?rites)';
const TO_CART = [
  pattern(
    `(?<verb>add|put)\\s+(?:it\\s+|this\\s+|that\\s+|them\\s+)?(?:to|in|into)\\s+(?:the\\s+|my\\s+|your\\s+)?${CART}`,
  ),
  pattern(
    `(?<verb>add|put)\\s+(?:an?\\s+|one\\s+)?(?<object>.+?)\\s+(?:to|in|into)\\s+(?:the|my|your)\\s+${CART}`,
  ),
  pattern(`(?<verb>check\\s*out|proceed\\s+to\\s+(?:the\\s+)?checkout|go\\s+to\\s+(?:the\\s+)?checkout)`),
];

/** "Add the red chair to the cart", "check out": before anything could be typed or ticked by these words. */
export const readToCart: IntentReader = (clause): Intent | null => {
  const found = firstMatch(TO_CART, clause.text);
  if (found?.verb === undefined) return null;
  if (found.place === undefined) return useControl(clause, 'checkout', null, null);
  return useControl(clause, found.verb, found.object ?? null, found.place);
};

/** "Delete the second item", "add the blue mug to the cart": the page's own button for that. */
export const readUseControl: IntentReader = (clause): Intent | null => {
  const found = firstMatch(USE, clause.text);
  if (found?.verb === undefined) return null;
  if (found.object === undefined) return null;
  return useControl(clause, found.as ?? found.verb, found.object, found.place ?? null);
};

function useControl(
  clause: ClauseText,
  verb: string,
  object: string | null,
  place: string | null,
): Intent | null {
  const target = object === null ? null : readTarget(clause, object);
  if (object !== null && target === null) return null;
  return {
    type: 'use_control',
    verb: verb
      .toLowerCase()
      .replace(/\s+/g, ' ')
      .replace(/\s+(?:to|from)$/, ''),
    object: target,
    place: place?.toLowerCase() ?? null,
    words: clause.meaning(clause.text),
  };
}

const GO_TO_PART = [
  pattern(
    `(?:go|switch|navigate|move|change|head|jump)\\s+(?:over\\s+|back\\s+)?to\\s+(?<what>(?:the\\s+|its\\s+)?.+?\\s+(?:tab|page|section|screen|view|link|menu\\s+item|step|category))`,
  ),
  pattern(
    `(?:open|view|show|visit)\\s+(?:up\\s+)?(?<what>(?:the\\s+|its\\s+|my\\s+)?.+?\\s+(?:page|section|screen|view|category))`,
  ),
];

/** "Switch to the Settings tab", "go to the About page": what leads there is clicked. */
export const readGoToPart: IntentReader = (clause): Intent | null => {
  const what = firstMatch(GO_TO_PART, clause.text)?.what;
  if (what === undefined || /^(?:the\s+)?(?:previous|last|next|same|web|home)\s*page$/i.test(what))
    return null;
  const named = /^(?<name>.+?)\s+(?:page|section|screen|view|step|category)$/iu.exec(what)?.groups?.name;
  const target = readTarget(clause, named ?? what);
  return target === null ? null : { type: 'click', target, button: 'left', clicks: 1, modifiers: [] };
};

const SORT = [
  pattern(
    `sort\\s+(?:(?:the|this|all)\\s+)?(?:[\\p{L}-]+\\s+)?by\\s+(?:the\\s+)?(?<what>.+?)(?:\\s+column)?`,
  ),
];
const TO_THING = [
  pattern(`(?:go|navigate|head)\\s+(?:over\\s+|back\\s+)?to\\s+(?<what>(?:the|my|your)\\s+.+|[\\p{L}-]+)`),
];

/** "Sort the table by price": its heading is clicked. "Go to the cart": what bears that name. */
export const readLooseClick: IntentReader = (clause): Intent | null => {
  const what = (firstMatch(SORT, clause.text) ?? firstMatch(TO_THING, clause.text))?.what;
  const target = what === undefined ? null : readTarget(clause, what);
  return target === null ? null : { type: 'click', target, button: 'left', clicks: 1, modifiers: [] };
};

const COMPUTE = [
  pattern(
    `(?:compute|calculate|work\\s+out|evaluate)\\s+(?:the\\s+(?:result|value|sum|product)\\s+of\\s+)?(?<sum>[\\d\\s.,+*/x×÷()^%-]*\\d[\\d\\s.,+*/x×÷()^%-]*|${QUOTE})`,
  ),
];

/** "Compute 12 * 7": typed into the calculator in front. */
export const readCompute: IntentReader = (clause): Intent | null => {
  const sum = firstMatch(COMPUTE, clause.text)?.sum;
  if (sum === undefined) return null;
  const text = clause.meaning(sum).replace(/\s+/g, '').replace(/[x×]/g, '*').replaceAll('÷', '/');
  return { type: 'type_text', text: { type: 'literal', text }, into: null, submit: true, mode: 'append' };
};
