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
    'point jump count tally change increase decrease adjust slide give do finish end be keep get follow dismiss accept confirm ' +
    'add agree approve reject decline remove archive edit rename duplicate reply complete cancel tell report compute ' +
    'calculate work locate cd list post sort attach switch move return swap log sign apply publish download upload subscribe unsubscribe'
  ).split(' '),
);

/** "opening", "typing", "clicking" → what to do. */
function verbOfGerund(word: string): string | null {
  const stem = /^(\p{L}{2,})ing$/iu.exec(word)?.[1]?.toLowerCase();
  // "Using the terminal, …" names a place.
  if (stem === undefined || stem === 'us') return null;
  const doubled = /(.)\1$/.test(stem) ? stem.slice(0, -1) : null;
  return [stem, `${stem}e`, doubled].find((verb) => verb !== null && VERBS.has(verb)) ?? null;
}

/** "opening the editor" → "open the editor"; anything else as it is. */
function asImperative(text: string): string {
  const [, first = '', rest = ''] = /^([\p{L}-]+)(\b.*)$/su.exec(text) ?? [];
  const verb = verbOfGerund(first);
  return verb === null ? text : `${verb}${rest}`;
}

/** The first word, of which a verb is expected. */
function firstWord(text: string): string {
  return text.split(/[\s,:]/, 1)[0]?.toLowerCase() ?? '';
}

const FILLER =
  /^(?:(?:please|now|then|next|first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly|also|afterwards?|after (?:that|this)|once (?:that(?:['’]s| is)?|it(?:['’]s| is)?) (?:done|finished|open|loaded|there)|when (?:that(?:['’]s| is)?|it(?:['’]s| is)?) (?:done|finished|open|loaded|there)|at last|at the end|in the end|and|so|just|simply|go ahead and|try to|you (?:should|must|need to|have to|can)(?!\s+(?:now\s+|not\s+)?see\b)|(?:i(?:['’]d| would)? (?:want|like|need) you to)|(?:can|could|would|will) you(?: please)?|let['’]?s|kindly|ok(?:ay)?|hey|hi|hello|pls|plz|to start(?: (?:off|with))?|to begin(?: with)?|(?:start|begin) (?:off )?by|(?:make|be) sure to|(?:don['’]?t|do not) forget to|remember to|help me(?: to)?|we (?:need|have) to|would you mind|(?:(?:your|the|my) )?(?:task|job|goal|mission)(?: is)?(?: to)?(?=[\s:])|step \d+ ?[:.)-]?)(?:\s*[,:]\s*|\s+))+/i;

/** Sentences people are polite or introduce with: nothing to do. */
const CHAT =
  /^(?:(?:hi|hello|hey|dear)(?: there| agent| assistant| deskhand)?|good (?:morning|day|evening|afternoon)|(?:many )?thanks?(?: you)?(?: (?:very much|so much|a lot|in advance))?|thx|cheers|please|great|perfect|ok(?:ay)?|good luck|that(?:['’]s| is| will be) (?:all|it|everything)|no rush|take your time|be careful|i need (?:your |some )?help(?: with (?:this|something))?|i have a (?:small |little |quick )?(?:task|job|favou?r)(?: for you)?|(?:please )?(?:do|perform|follow|complete|execute|carry out) (?:the following|these|the steps|this)(?: (?:steps?|tasks?|instructions?|things?|actions?))?(?: (?:below|in order|one by one|for me))*|here(?:['’]s| is| are) (?:what (?:to do|i need|i want|you should do)|the (?:steps|task|instructions))|(?:the )?(?:steps|task|instructions)(?: are)?(?: as follows)?|fill (?:in|out) (?:the |this )?form(?: (?:with|using|as follows|like this))?(?: (?:the following|these)(?: (?:data|values|details|information|fields))?)?)$/i;

/** "When the dialog appears, click OK": a wait, then what to do. */
const WHEN =
  /^(?:when(?:ever)?|once|as soon as|after)\s+(?<what>.+?)\s+(?:appears?|shows?(?: up)?|pops? up|comes? up|opens?|loads?|is (?:visible|shown|displayed|there|open|opened|loaded|ready|up)|has (?:appeared|loaded|opened|popped up|finished loading))\s*,?\s+(?:then\s+|please\s+|just\s+)*(?<rest>.+)$/isu;
/** "After opening the editor, type …": two instructions. */
const AFTER =
  /^(?:after|once you(?:['’]ve| have)|when you(?:['’]ve| have)(?: finished)?)\s+(?<first>[\p{L}-]+ing\b[^,]*),\s*(?<rest>.+)$/isu;

/** A longer sentence (quotes, URLs and paths count as one character) is not read at all. */
export const MAX_SENTENCE_CHARACTERS = 4000;
/** How much of the text behind a border is looked at to see what it begins with. */
const LOOK_AHEAD = 300;

/** Sentence ends, line ends, semicolons and "then": always a border. */
const HARD = /((?<![.!?])[.!?]+(?=\s|$)|;|\n+|,?\s+(?:and\s+)?then\s*,?\s+)/i;
/** The "then" that belongs to an "if" is no border. */
const CONDITION_THEN = /\b((?:if|unless|when)\b[^.\n;]{0,600}?),?\s+then\s+/gi;
/** "Use File > Save As to save it as …". */
const MENU_FOR = /(>[^.\n>]{1,40}?)\s+(?:in order\s+)?to\s+(?=(?:save|open|close|print|export)\b)/gi;
/** Commas and "and": a border only when an instruction follows. */
const SOFT = /,\s*(?:and\s+|but\s+)?|\s+(?:and|but)\s+|\s+&\s+/gi;

/**
 * "Put a scarf in the cart: click …": the words before the colon are a heading of the instruction behind it. Not where
 * they are an instruction of their own ("Type the following: click here") or a place or condition ("In the form: …").
 */
function withoutHeading(text: string): string {
  const [, heading = '', rest = ''] = /^([\p{L}\p{N}'’ -]{5,80}):\s+(.+)$/su.exec(text) ?? [];
  if (!heading.includes(' ') || NO_HEADING.test(heading)) return text;
  return VERBS.has(firstWord(withoutFiller(rest))) ? rest : text;
}

const NO_HEADING =
  /^(?:type|write|enter|input|insert|append|paste|say|tell|send|search|look|run|execute|in|into|on|at|under|from|for|with|if|unless|when|while|until|repeat|check|verify|make|ensure|confirm|step)\b|\b(?:text|command|words?|following|times|twice)$/i;

/** Cuts the marked task into sentences: hard borders only, list markers and filler removed. */
export function sentencesOf(marked: MarkedText): Clause[] {
  const parts = withBordersBehindQuotes(marked)
    // Patterns that begin with spaces look at each run of them once.
    .replace(/[^\S\n]+/g, ' ')
    // "1) open … 2) type …" in one line.
    .replace(/^\s*\(?1[.)] .*$/s, (list) => list.replace(/ (?=\(?\d{1,2}[.)] \p{L})/gu, '\n'))
    // What is announced by a colon stands on the next line.
    .replace(QUOTE_BELOW, ': ')
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\(?(?:\d{1,3}|[a-h])[.)]|[-*•–]|\[[ x]?\])\s+/, ''))
    .join('\n')
    .replace(CONDITION_THEN, '$1, ')
    .replace(MENU_FOR, '$1 and ')
    .split(HARD);
  joinLabels(parts);
  const clauses: Clause[] = [];
  // Sentences stand at even places, the borders between them at odd ones.
  for (let index = 0; index < parts.length; index += 2) {
    const part = parts[index] ?? '';
    const continues = /then/i.test(parts[index - 1] ?? '');
    if (part.length > MAX_SENTENCE_CHARACTERS) clauses.push({ marked, text: part, continues });
    else for (const text of instructionsOf(part)) clauses.push({ marked, text, continues });
  }
  return clauses;
}

const THING =
  /^\s+(?:text\s?)?(?:field|box|input|area|question|button|link|check\s?box|radio|drop-?down|list|select|section|tab|dialog)s?\b/i;

/** "The Why? field": a question mark with plain words behind it ends a name, not a sentence. */
function joinLabels(parts: string[]): void {
  for (let index = 1; index < parts.length - 1; index += 2) {
    const behind = parts[index + 1] ?? '';
    if (parts[index] !== '?' || !THING.test(behind)) continue;
    parts.splice(index - 1, 3, `${parts[index - 1]}?${behind}`);
    index -= 2;
  }
}

/** What one sentence asks for: nothing when it is only polite, two things when it begins with a "when" or "after". */
function instructionsOf(part: string): string[] {
  const bare = part.trim().replace(/^[,:\s]+|[\s,:]+$/g, '');
  if (bare === '' || CHAT.test(bare)) return [];
  const when = WHEN.exec(bare)?.groups;
  if (when?.what !== undefined && when.rest !== undefined && isInstruction(when.rest))
    return [`wait until ${when.what} is visible`, ...instructionsOf(when.rest)];
  const after = AFTER.exec(bare)?.groups;
  if (after?.first !== undefined && after.rest !== undefined && isInstruction(asImperative(after.first)))
    return [asImperative(after.first), ...instructionsOf(after.rest)];
  const text = withoutHeading(withoutFiller(bare));
  return text === '' || CHAT.test(text) ? [] : [text];
}

function isInstruction(text: string): boolean {
  return VERBS.has(firstWord(withoutFiller(text)));
}

const QUOTE_BELOW = new RegExp(`:[^\\S\\n]*\\n+\\s*(?=${QUOTE})`, 'gu');

/** `Type "Thanks for the cake." Save it`: the full stop that ends the sentence stands inside the quote. */
function withBordersBehindQuotes(marked: MarkedText): string {
  return marked.text.replace(SENTENCE_BEHIND_QUOTE, (source, quote: string) =>
    /[.!?…]$/.test(marked.meaning(quote)) ? `${quote}\n` : source,
  );
}

const SENTENCE_BEHIND_QUOTE = new RegExp(`(${QUOTE})[^\\S\\n]+(?=\\p{Lu})`, 'gu');

export function withoutFiller(text: string): string {
  const bare = text
    .trim()
    .replace(/^[,:\s]+/, '')
    .replace(FILLER, '')
    .replace(/[\s,:]+$/, '')
    .replace(TRAILING, '')
    .replace(/\s+/g, ' ');
  return asImperative(bare.replace(PURPOSE, '$1'));
}

/** "Press the Escape key to close the dialog": what for is not what to press. */
const PURPOSE = new RegExp(
  `^((?:press|click|hit|tap|push)\\b.{0,120}?(?:button|link|key|icon|tab|${QUOTE}|enter|escape|return|f\\d{1,2}))\\s+(?:in order\\s+)?to\\s+(?:close|open|save|confirm|submit|search|continue|dismiss|finish|cancel|accept|send|see|show|start|proceed|log|sign|apply|create|delete|remove|add|get|go|view|run|execute)\\b.*$`,
  'isu',
);
const TRAILING =
  /(?:,?\s+(?:please|pls|thanks|thank you|thx|for me|now|afterwards|too|as well|once (?:you(?:['’]re| are)|that(?:['’]s| is)) done|when (?:you(?:['’]re| are)) done))+$/i;

/** What {@link withoutFiller} takes off the end: "now" may be part of a name ("Order now"). */
export function trailingFiller(text: string): string {
  return /\s+(now|too|please)[\s,:]*$/i.exec(text)?.[1] ?? '';
}

const LIMIT = /^(?:for\s+)?(?:up\s+to|at\s+most|a\s+maximum\s+of|no\s+(?:longer|more)\s+than|within)\b/i;
/** "pay the invoice by clicking …": whatever the verb, it is an instruction. */
const BY_CLICKING = /^[\p{L}-]+\s[^,]*\bby\s+(?:clicking|pressing|tapping|choosing|selecting)\b/iu;
/** "… but don't click Cancel". */
const FORBIDS = /^(?:don['’]?t|do\s+not|never)\s+\p{Ll}/iu;
/** "Click 1, 2, × and =": a list of keys too short to be anything but names. */
const POINTS = /^(?:click|press|tap|push|hit)\b/i;
/** "… and Email with “…”": the next field of a form. */
const NEXT_FIELD = new RegExp(`^[\\p{L}][\\p{L}\\p{N} -]{0,40}?\\s(?:with|to|as)\\s${QUOTE}`, 'u');
/** "… and 7 into the second box", "…, ada@example.com for the email": the next value of a form. */
const NEXT_VALUE =
  /^(?:the\s)?[^\s,]{1,40}(?:\s[^\s,]{1,40}){0,3}?\s(?:into|in|for|as)\s(?:the\s|my\s|your\s)?[^\s,]/iu;
/** "Set the date to …, the time to … and the slider to …". */
const NEXT_SETTING = /^(?:the\s)?\p{L}[\p{L} -]{0,30}?\sto\s\S/u;
const SETS = /(?:^|[\s,])(?:set|change|update)\s[^.]{1,200}\sto\s/isu;
const TYPES_OR_CHOOSES = /(?:^|[\s,])(?:type|enter|write|input|put|fill|insert|choose|select|pick)\b/i;
const HAS_PLACE = /\s(?:into|in|for|as)\s/i;
const SHORT_ITEM = /^(?:\d{1,3}|[^\p{L}\p{N}\s,]{1,2})(?=\s*(?:,|\sand\s|$))/u;

/** A place where a sentence may be cut: what cutting there costs, and what reading on across it costs. */
export type SoftBorder = Readonly<{
  start: number;
  end: number;
  cutCost: number;
  spanCost: number;
  /** A verb and what it is about follow. */
  beginsInstruction: boolean;
}>;

export function softBordersOf(text: string): SoftBorder[] {
  const borders: SoftBorder[] = [];
  for (const match of text.matchAll(SOFT)) {
    const start = match.index;
    const end = start + match[0].length;
    const rest = text.slice(end, end + LOOK_AHEAD);
    const following = /^[\p{L}-]+/u.exec(rest)?.[0] ?? '';
    // The limit of a wait belongs to the wait.
    if (LIMIT.test(rest)) continue;
    // “Press and hold” is one thing to do.
    if (/^hold\b/i.test(rest) && /\b(?:press|click|tap|push)\s*$/i.test(text.slice(0, start))) continue;
    const verb = VERBS.has(firstWord(withoutFiller(rest))) || BY_CLICKING.test(rest) || FORBIDS.test(rest);
    const startsAtom = /^[\u{F0000}-\u{10FFFF}]/u.test(rest);
    const isNextValue =
      !verb && TYPES_OR_CHOOSES.test(text) && NEXT_VALUE.test(rest) && HAS_PLACE.test(text.slice(0, start));
    const isNextSetting = SETS.test(text.slice(0, start)) && !verb && NEXT_SETTING.test(rest);
    const isKey =
      (POINTS.test(text) && SHORT_ITEM.test(rest)) || NEXT_FIELD.test(rest) || isNextValue || isNextSetting;
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
      beginsInstruction: plainVerb && /^\s*\S+\s+\S/.test(withoutFiller(rest)),
    });
  }
  return borders;
}

/** "fill in …", "type …": says what to do by itself, so no verb is borrowed for it. A capital may begin a name. */
export function saysWhatToDo(text: string): boolean {
  return /^\p{Ll}/u.test(text) && /\s/.test(text) && VERBS.has(firstWord(text));
}

/** The leading verb phrase of a clause, for one that was left out ("click A, B and C"). */
export function leadingVerb(text: string): string | null {
  const match =
    /^(?:double[- ]click|right[- ]click|make\s+sure|be\s+sure|fill\s+(?:in|out)|[\p{L}-]+)(?:\s+(?:on|that|whether|if))?/iu.exec(
      text,
    );
  return match?.[0] ?? null;
}
