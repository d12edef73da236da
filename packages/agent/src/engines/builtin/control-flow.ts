import type { ClauseText } from './clause-text.ts';
import { type Clause, softBordersOf, withoutFiller } from './clauses.ts';
import { readIntent } from './grammar.ts';
import type { Condition, Instruction, Intent } from './intent.ts';
import { withScheme } from './intents/navigation.ts';
import { firstMatch, NUMBER, numberOf, pattern } from './intents/patterns.ts';
import { ROLE_NOUNS, type RoleHint } from './roles.ts';
import type { Target } from './target.ts';
import { type MarkedText, URL_ATOM } from './text.ts';

/** Reads the inner part of a condition or a repeat. */
type ReadInner = (text: string) => readonly Instruction[] | string;

const CONTROL = /^(?:if|unless|until|till|while|as long as|for (?:each|every|all)|repeat|otherwise|else)\b/i;
const OTHERWISE = /^(?:otherwise|or else|else|if not),?\s+/i;
const MAX_TIMES = 100;

/** "open the page and if …": what follows is a sentence of its own. */
export function splitAtControl(sentence: Clause): Clause[] {
  const border = softBordersOf(sentence.text).find(({ end }) =>
    /^(?:(?:if|unless|while|as long as|for (?:each|every)|repeat)\b|keep (?:click|press|tapp|hitt)ing\b)/i.test(
      sentence.text.slice(end),
    ),
  );
  if (border === undefined || CONTROL.test(sentence.text)) return [sentence];
  return [
    { ...sentence, text: sentence.text.slice(0, border.start) },
    { ...sentence, text: sentence.text.slice(border.end), continues: false },
  ];
}

/** A condition or a repeat; null when the sentence is neither, a string for the part not understood. */
export function readControl(
  sentence: Clause,
  read: ReadInner,
  marked: MarkedText,
): Instruction[] | string | null {
  const { text } = sentence;
  if (/^(?:if|unless)\b/i.test(text)) return readIf(text, read, marked);
  const repeat = readRepeat(text, read, marked);
  return repeat === null || typeof repeat === 'string' ? repeat : [repeat];
}

/** "Otherwise, …" as a sentence of its own belongs to the condition before it. */
export function attachOtherwise(
  last: Instruction | undefined,
  sentence: Clause,
  read: (sentence: Clause) => readonly Instruction[] | string,
): Instruction | string | null {
  if (!OTHERWISE.test(sentence.text) || last?.intent.type !== 'if' || last.intent.otherwise.length > 0)
    return null;
  const otherwise = read({ ...sentence, text: sentence.text.replace(OTHERWISE, '') });
  if (typeof otherwise === 'string') return otherwise;
  return {
    intent: { ...last.intent, otherwise },
    words: `${last.words}, ${sentence.marked.source(sentence.text)}`,
  };
}

function readIf(text: string, read: ReadInner, marked: MarkedText): Instruction[] | string {
  const negative = /^unless\b/i.test(text);
  const rest = text.replace(/^(?:if|unless)\s+/i, '');
  // The condition ends at the first comma that leaves something readable on both sides, else before the first verb.
  let unread: string | null = null;
  for (const border of [...rest.matchAll(/,\s*(?:then\s+)?/g), ...rest.matchAll(BEFORE_VERB)]) {
    const asked = rest.slice(0, border.index).replace(/^there['’]s\b/i, 'there is');
    const [, spoken = asked, place] = ON_PAGE.exec(asked) ?? [];
    const condition = readCondition(spoken, marked);
    if (condition === null) continue;
    const [bodyText = '', elseText] = rest
      .slice(border.index + border[0].length)
      .split(/[,;]?\s+(?:otherwise|or else|else),?\s+/i);
    const body = read(withoutFiller(bodyText));
    const otherwise = elseText === undefined ? [] : read(withoutFiller(elseText));
    if (typeof body === 'string' || typeof otherwise === 'string') {
      unread ??= typeof body === 'string' ? body : (otherwise as string);
      continue;
    }
    const meant = 'target' in condition ? body.map((step) => aboutIt(step, condition.target)) : body;
    const intent: Intent = { type: 'if', condition, expected: !negative, body: meant, otherwise };
    const asking = { intent, words: marked.withoutQuotes(text) };
    if (place === undefined) return [asking];
    const url = withScheme(marked.meaning(place));
    return [{ intent: { type: 'go_to', url }, words: `go to ${url}` }, asking];
  }
  return unread ?? marked.source(text);
}

/** "If “Sale” is shown on http://…": the page is gone to first. */
const ON_PAGE = new RegExp(
  `^(.+?)\\s+(?:on|at)\\s+(?:the\\s+)?(?:page\\s+|site\\s+)?(?:at\\s+)?(${URL_ATOM})$`,
  'su',
);

const BEFORE_VERB =
  /\s+(?=(?:then\s+)?(?:click|press|tap|hit|type|enter|select|choose|tick|untick|accept|dismiss|close|open|go|scroll|reload)\b)/gi;
const BOX = /\b(?:dialog|popup|pop-up|banner|alert|notice|modal|prompt|cookies?|notification)\b/i;

/** What a condition leads to: "it" is what the condition speaks of; "close it" closes a dialog, not the window. */
function aboutIt(step: Instruction, it: Target): Instruction {
  const isBox = it.role === 'dialog' || BOX.test(it.text ?? '');
  if (isBox && step.intent.type === 'close_window' && step.intent.title === null)
    return { ...step, intent: { type: 'answer_dialog', how: 'dismiss' } };
  return withIt(step, it);
}

const REPEATS = [
  pattern(
    `(?:repeat|do)\\s+(?:this|that|the\\s+following|it)?\\s*(?<times>(?:${NUMBER})(?=\\s+times)|twice)(?:\\s+times)?\\s*[:,]?\\s+(?<body>.+)`,
  ),
  pattern(`(?<times>${NUMBER})\\s+times\\s*[:,]\\s+(?<body>.+)`),
  pattern(`repeat\\s*[:,]?\\s+(?<body>.+?)\\s*,?\\s+(?<times>${NUMBER})\\s+times`),
];
const UNTIL = [
  pattern(
    '(?:repeat\\s*[:,]?\\s+|keep\\s+)?(?<body>(?:click|clicking|press|pressing|tap|tapping|hit)\\b(?:(?!\\bwait\\b).)+?),?\\s+(?:repeatedly\\s+)?(?:until|till)\\s+(?<condition>.+)',
  ),
  pattern(
    '(?:until|till)\\s+(?<condition>.+?),\\s+(?:keep\\s+)?(?<body>(?:click|press|tap|hit)(?:ing)?\\b.+)',
  ),
];
const WHILE = [
  pattern('(?:while|as\\s+long\\s+as)\\s+(?<condition>.+?)\\s*,\\s*(?:keep\\s+)?(?<body>.+)'),
  pattern(
    '(?:keep\\s+)?(?<body>(?:click|press|tap|hit)(?:ing)?\\b.+?)\\s+(?:while|as\\s+long\\s+as)\\s+(?<condition>.+)',
  ),
];
const OF_WHAT =
  '(?:\\s+(?:in|of|on)\\s+(?:the\\s+|this\\s+|my\\s+)?(?:[\\p{L}-]+\\s+)?(?:table|list|page|form|screen|grid|cart|basket|inbox))?';
const EACH = [
  pattern(
    `for\\s+(?:each|every|all(?:\\s+of)?(?:\\s+the)?)\\s+(?<noun>.+?)${OF_WHAT}\\s*[,:]\\s*(?<body>.+)`,
  ),
  pattern(
    `for\\s+(?:each|every|all(?:\\s+of)?(?:\\s+the)?)\\s+(?<noun>.+?)${OF_WHAT}\\s+(?<body>(?:click|press|tap|tick|untick|check|uncheck|select|choose|type|enter|open|delete|remove|approve|double-click)\\b.+)`,
  ),
];
const ALL_BOXES = [
  pattern(
    '(?<body>tick|check|select|untick|uncheck|deselect|turn\\s+on|turn\\s+off)\\s+(?:all|every|each)(?:\\s+of)?(?:\\s+the)?\\s+(?<noun>check\\s?box(?:es)?|boxes|box|switch(?:es)?|toggles?)(?:\\s+(?:on|in)\\s+.+)?',
  ),
];

function readRepeat(text: string, read: ReadInner, marked: MarkedText): Instruction | string | null {
  const words = marked.withoutQuotes(text);
  const counted = firstMatch(REPEATS, text);
  if (counted?.body !== undefined) {
    const times = numberOf(counted.times ?? '');
    if (times === null || times < 1 || times > MAX_TIMES || !Number.isInteger(times))
      return marked.source(text);
    const body = read(withoutFiller(counted.body));
    return typeof body === 'string' ? body : { intent: { type: 'repeat', times, body }, words };
  }
  const until = firstMatch(UNTIL, text);
  if (until?.body !== undefined && until.condition !== undefined) {
    const condition = readCondition(
      until.condition.replace(/^you\s+(?:can\s+)?see\s+(.+)$/i, '$1 is visible'),
      marked,
    );
    if (condition === null) return null;
    const body = read(withoutFiller(until.body.replace(/^(click|press|tap|hit)(?:p?ing)\b/i, '$1')));
    return typeof body === 'string' ? body : { intent: { type: 'repeat_until', condition, body }, words };
  }
  const during = firstMatch(WHILE, text);
  if (during?.body !== undefined && during.condition !== undefined) {
    const condition = readCondition(during.condition, marked);
    if (condition?.type !== 'check_visible') return condition === null ? null : marked.source(text);
    const body = read(withoutFiller(during.body));
    if (typeof body === 'string') return body;
    const ended = { ...condition, visible: !condition.visible };
    const meant = body.map((step) => withIt(step, condition.target));
    return { intent: { type: 'repeat_until', condition: ended, body: meant }, words };
  }
  const boxes = firstMatch(ALL_BOXES, text)?.body;
  if (boxes !== undefined) {
    const body = read(`${boxes} it`);
    return typeof body === 'string' ? body : { intent: { type: 'for_each', role: 'check_box', body }, words };
  }
  const each = firstMatch(EACH, text);
  if (each?.body === undefined || each.noun === undefined) return null;
  const role = roleOfNoun(each.noun);
  if (role === null) return marked.source(text);
  const body = read(withoutFiller(each.body));
  return typeof body === 'string' ? body : { intent: { type: 'for_each', role, body }, words };
}

function roleOfNoun(noun: string): RoleHint | null {
  const bare = noun.trim().replace(/^(?:the|of the)\s+/i, '');
  for (const [role, nouns] of Object.entries(ROLE_NOUNS))
    if (new RegExp(`^(?:${nouns})$`, 'i').test(bare)) return role as RoleHint;
  return null;
}

/** The grammar of checks is the grammar of conditions. */
function readCondition(text: string, marked: MarkedText): Condition | null {
  const clause = (words: string): ClauseText => ({
    text: words,
    meaning: (part) => marked.meaning(part),
    isQuote: (part) => marked.atom(part)?.kind === 'quote',
    isPath: (part) => marked.atom(part)?.kind === 'path',
    isUrl: (part) => marked.atom(part)?.kind === 'url',
    remembered: new Set(),
  });
  const intent = readIntent(clause(`check that ${text.trim()}`));
  switch (intent?.type) {
    case 'check_visible':
    case 'check_value':
    case 'check_state':
    case 'check_page':
    case 'check_file':
      return intent;
    default:
      return null;
  }
}

/** "…, click it": it is what the condition speaks of. */
export function withIt(step: Instruction, it: Target): Instruction {
  return {
    ...step,
    intent: mapTargets(step.intent, (target) =>
      isIt(target) ? { ...it, role: target.role ?? it.role } : target,
    ),
  };
}

function isIt({ text, quoted }: Target): boolean {
  return !quoted && text !== null && /^(?:it|this|that|them)$/i.test(text);
}

/** The same intent with every target replaced; composite intents inside too. */
export function mapTargets(intent: Intent, map: (target: Target) => Target): Intent {
  const inner = (steps: readonly Instruction[]) =>
    steps.map((step) => ({ ...step, intent: mapTargets(step.intent, map) }));
  switch (intent.type) {
    case 'click':
    case 'hover':
    case 'set_checked':
    case 'wait_until':
    case 'check_visible':
    case 'check_value':
    case 'check_state':
      return { ...intent, target: map(intent.target) };
    case 'type_text':
      return intent.into === null ? intent : { ...intent, into: map(intent.into) };
    case 'upload_file':
      return intent.into === null ? intent : { ...intent, into: map(intent.into) };
    case 'clear':
      return intent.target === null ? intent : { ...intent, target: map(intent.target) };
    case 'select_option':
      return intent.from === null ? intent : { ...intent, from: map(intent.from) };
    case 'remember':
      return { ...intent, what: map(intent.what) };
    case 'use_control':
      return intent.object === null ? intent : { ...intent, object: map(intent.object) };
    case 'drag':
      return { ...intent, from: map(intent.from), to: map(intent.to) };
    case 'if':
      return {
        ...intent,
        condition: mapTargets(intent.condition, map) as Condition,
        body: inner(intent.body),
        otherwise: inner(intent.otherwise),
      };
    case 'repeat':
    case 'for_each':
      return { ...intent, body: inner(intent.body) };
    case 'repeat_until':
      return {
        ...intent,
        condition: mapTargets(intent.condition, map) as Condition,
        body: inner(intent.body),
      };
    default:
      return intent;
  }
}
