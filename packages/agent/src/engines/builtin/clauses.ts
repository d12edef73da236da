import { type MarkedText, QUOTE } from './text.ts';

/** One instruction of the task, still text. */
export type Clause = Readonly<{
  marked: MarkedText;
  text: string;
  /** Joined to the sentence before by "then", so it may leave its verb out. */
  continues: boolean;
}>;

/** Words an instruction can begin with; only before one of these does a comma or "and" separate two instructions. */
const VERBS = new Set(
  (
    'open launch start run execute go navigate visit browse load head surf access click press hit tap push double-click ' +
    'doubleclick right-click rightclick middle-click triple-click double right type enter write input fill set put ' +
    'choose select pick check uncheck tick untick mark unmark toggle turn enable disable activate switch focus scroll ' +
    'swipe wait pause sleep hold save store take capture grab screenshot snap verify make ensure confirm assert ' +
    'remember memorize note copy paste cut read close quit exit bring drag hover move clear delete erase empty ' +
    'submit search find look expand collapse maximize minimize undo redo refresh reload return repeat if unless ' +
    'for while when insert append replace use create tell send answer log sign show see scan leave stop attach drop ' +
    'point jump change increase decrease adjust slide give do finish end be keep get follow dismiss accept confirm'
  ).split(' '),
);

const FILLER =
  /^(?:(?:please|now|then|next|first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly|also|afterwards?|after (?:that|this)|once (?:that(?:['’]s| is)?|it(?:['’]s| is)?) (?:done|finished|open|loaded|there)|when (?:that(?:['’]s| is)?|it(?:['’]s| is)?) (?:done|finished|open|loaded|there)|at last|at the end|in the end|and|so|just|simply|go ahead and|try to|you (?:should|must|need to|have to|can)(?!\s+(?:now\s+|not\s+)?see\b)|(?:i(?:['’]d| would)? (?:want|like|need) you to)|(?:can|could|would|will) you(?: please)?|let['’]?s|kindly|ok(?:ay)?|hey|hi|hello|to start|to begin(?: with)?|step \d+:?)(?:\s*[,:]\s*|\s+))+/i;

/** A longer sentence (quotes, URLs and paths count as one character) is not read at all. */
export const MAX_SENTENCE_CHARACTERS = 4000;
/** How much of the text behind a border is looked at to see what it begins with. */
const LOOK_AHEAD = 300;

/** Sentence ends, line ends, semicolons and "then": always a border. */
const HARD = /((?<![.!?])[.!?]+(?=\s|$)|;|\n+|,?\s+(?:and\s+)?then\s*,?\s+)/i;
/** The "then" that belongs to an "if" is no border. */
const CONDITION_THEN = /\b((?:if|unless|when)\b[^.\n;]{0,600}?),?\s+then\s+/gi;
/** Commas and "and": a border only when an instruction follows. */
const SOFT = /,\s*(?:and\s+|but\s+)?|\s+(?:and|but)\s+|\s+&\s+/gi;

/**
 * "Put a scarf in the cart: click …": the words before the colon are a heading of the instruction behind it. Not where
 * they are an instruction of their own ("Type the following: click here") or a place or condition ("In the form: …").
 */
function withoutHeading(text: string): string {
  const [, heading = '', rest = ''] = /^([\p{L}\p{N}'’ -]{5,80}):\s+(.+)$/su.exec(text) ?? [];
  if (!heading.includes(' ') || NO_HEADING.test(heading)) return text;
  return VERBS.has(withoutFiller(rest).split(/[\s,]/, 1)[0]?.toLowerCase() ?? '') ? rest : text;
}

const NO_HEADING =
  /^(?:type|write|enter|input|insert|append|paste|say|tell|send|search|look|run|execute|in|into|on|at|under|from|for|with|if|unless|when|while|until|repeat|check|verify|make|ensure|confirm|step)\b|\b(?:text|command|words?|following)$/i;

/** Cuts the marked task into sentences: hard borders only, list markers and filler removed. */
export function sentencesOf(marked: MarkedText): Clause[] {
  const parts = marked.text
    // Patterns that begin with spaces look at each run of them once.
    .replace(/[^\S\n]+/g, ' ')
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\d{1,3}[.)]|[-*•–])\s+/, ''))
    .join('\n')
    .replace(CONDITION_THEN, '$1, ')
    .split(HARD);
  const clauses: Clause[] = [];
  // Sentences stand at even places, the borders between them at odd ones.
  for (let index = 0; index < parts.length; index += 2) {
    const part = parts[index] ?? '';
    const text = part.length > MAX_SENTENCE_CHARACTERS ? part : withoutHeading(withoutFiller(part));
    if (text !== '') clauses.push({ marked, text, continues: /then/i.test(parts[index - 1] ?? '') });
  }
  return clauses;
}

export function withoutFiller(text: string): string {
  return text
    .trim()
    .replace(/^[,:\s]+/, '')
    .replace(FILLER, '')
    .replace(/[\s,:]+$/, '')
    .replace(/\s+(?:please|for me|now|afterwards|too|as well)$/i, '')
    .replace(/\s+/g, ' ');
}

const LIMIT = /^(?:for\s+)?(?:up\s+to|at\s+most|a\s+maximum\s+of|no\s+(?:longer|more)\s+than|within)\b/i;
/** "pay the invoice by clicking …": whatever the verb, it is an instruction. */
const BY_CLICKING = /^[\p{L}-]+\s[^,]*\bby\s+(?:clicking|pressing|tapping|choosing|selecting)\b/iu;
/** "Click 1, 2, × and =": a list of keys too short to be anything but names. */
const POINTS = /^(?:click|press|tap|push|hit)\b/i;
/** "… and Email with “…”": the next field of a form. */
const NEXT_FIELD = new RegExp(`^[\\p{L}][\\p{L}\\p{N} -]{0,40}?\\s(?:with|to|as)\\s${QUOTE}`, 'u');
const SHORT_ITEM = /^(?:\d{1,3}|[^\p{L}\p{N}\s,]{1,2})(?=\s*(?:,|\sand\s|$))/u;

/** A place where a sentence may be cut: what cutting there costs, and what reading on across it costs. */
export type SoftBorder = Readonly<{ start: number; end: number; cutCost: number; spanCost: number }>;

export function softBordersOf(text: string): SoftBorder[] {
  const borders: SoftBorder[] = [];
  for (const match of text.matchAll(SOFT)) {
    const start = match.index;
    const end = start + match[0].length;
    const rest = text.slice(end, end + LOOK_AHEAD);
    const following = /^[\p{L}-]+/u.exec(rest)?.[0] ?? '';
    // The limit of a wait belongs to the wait.
    if (LIMIT.test(rest)) continue;
    const verb =
      VERBS.has(withoutFiller(rest).split(/[\s,]/, 1)[0]?.toLowerCase() ?? '') || BY_CLICKING.test(rest);
    const startsAtom = /^[\u{F0000}-\u{10FFFF}]/u.test(rest);
    const isKey = (POINTS.test(text) && SHORT_ITEM.test(rest)) || NEXT_FIELD.test(rest);
    if (!verb && !startsAtom && !isKey && !/^(?:the|a|an)\s/i.test(rest) && !/^[A-Z]/.test(rest)) continue;
    const isComma = match[0].includes(',');
    // "Save and Close": two capitalised words around an "and" are one name rather than two instructions.
    const previous = /[\p{L}-]+$/u.exec(text.slice(Math.max(0, start - 60), start))?.[0] ?? '';
    const oneName = !isComma && /^\p{Lu}/u.test(following) && /^\p{Lu}/u.test(previous);
    const plainVerb = verb && !oneName;
    borders.push({
      start,
      end,
      cutCost: plainVerb ? 0 : oneName ? 3 : startsAtom || isKey ? 0.5 : 2,
      spanCost: plainVerb || startsAtom || isKey ? 3 : 0.5,
    });
  }
  return borders;
}

/** "fill in …", "type …": says what to do by itself, so no verb is borrowed for it. A capital may begin a name. */
export function saysWhatToDo(text: string): boolean {
  return /^\p{Ll}/u.test(text) && /\s/.test(text) && VERBS.has(text.split(/[\s,]/, 1)[0] ?? '');
}

/** The leading verb phrase of a clause, for one that was left out ("click A, B and C"). */
export function leadingVerb(text: string): string | null {
  const match =
    /^(?:double[- ]click|right[- ]click|make\s+sure|be\s+sure|fill\s+(?:in|out)|[\p{L}-]+)(?:\s+(?:on|that|whether|if))?/iu.exec(
      text,
    );
  return match?.[0] ?? null;
}
