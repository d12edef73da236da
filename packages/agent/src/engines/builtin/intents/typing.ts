import type { ClauseText } from '../clause-text.ts';
import type { Intent, IntentReader, TextSource } from '../intent.ts';
import { readTarget, type Target, targetOf } from '../target.ts';
import { QUOTE } from '../text.ts';
import { firstMatch, pattern, stripArticle } from './patterns.ts';

const TYPE =
  '(?:type(?:\\s+(?:in|out))?|enter|write(?:\\s+down)?|input|insert|put|key\\s+in|fill(?:\\s+in)?|add|paste|append|say|provide|give|set)';
const INTO = '(?:into|in\\s+to|in|inside|to|on|onto|at|under|as|for)';
const NOUN =
  '(?:(?:(?:the|my|your|this)\\s+)?(?:text|commands?|words?|phrase|value|string|line|lines|sentence|name|number|following(?:\\s+(?:text|lines?|words?|sentence|message))?|message)\\s*:?\\s+)?';
const SUBMIT =
  '(?<submit>(?:\\s*,)?\\s+(?:and\\s+)?(?:then\\s+)?(?:press|hit|push|tap)(?:ing)?\\s+(?:the\\s+)?(?:enter|return)(?:\\s+key)?|\\s+followed\\s+by\\s+(?:the\\s+)?(?:enter|return)(?:\\s+key)?)?';

/** Wordings with a field, most specific first. */
const INTO_FIELD = [
  pattern(`${TYPE}\\s+${NOUN}(?<text>${QUOTE})\\s+${INTO}\\s+(?<field>.+?)${SUBMIT}`),
  pattern(
    `${INTO}\\s+(?<field>.+?),?\\s+(?:please\\s+)?(?:type|enter|write|input|put|insert|fill\\s+in|key\\s+in)\\s+${NOUN}(?<text>.+?)${SUBMIT}`,
  ),
  pattern(
    `(?:fill(?:\\s+(?:in|out|up))?|complete|populate|set)\\s+(?<field>.+?)\\s+(?:with|to|as|using|=)\\s*:?\\s+${NOUN}(?<text>.+?)${SUBMIT}`,
  ),
  pattern(
    `(?:change|update|edit|replace(?:\\s+the\\s+(?:text|value|content)\\s+(?:of|in))?)\\s+(?<field>.+?)\\s+(?:to|with|by|into)\\s+${NOUN}(?<text>.+?)${SUBMIT}`,
  ),
  pattern(
    `(?:set|change|make)\\s+the\\s+value\\s+of\\s+(?<field>.+?)\\s+(?:to|be|as)\\s+(?<text>.+?)${SUBMIT}`,
  ),
  pattern(
    `(?:click|tap|focus)\\s+(?:on\\s+|into\\s+|in\\s+)?(?<field>.+?)\\s*,?\\s+and\\s+(?:type|enter|write|input)\\s+(?<text>${QUOTE})${SUBMIT}`,
  ),
  pattern(
    `(?:type|enter|write|input|insert|put|paste|key\\s+in)\\s+${NOUN}(?<text>.+?)\\s+(?:into|in\\s+to|inside|in|to|on|as|for)\\s+(?<field>.+?)${SUBMIT}`,
  ),
  pattern(
    `(?:enter|type|provide|give)\\s+(?<field>(?!(?:the\\s+|this\\s+)?(?:text|words?|phrase|value|string|lines?|sentence|following|number|message|command)\\b)(?:the\\s+|a\\s+|your\\s+)?[\\p{L} -]{2,40}?)\\s*[:=]?\\s+(?<text>${QUOTE})${SUBMIT}`,
  ),
  pattern(
    `(?<field>(?!${TYPE}\\b|fill\\b|search\\b|check\\b|click\\b|run\\b)[\\p{L}][\\p{L} -]{1,40}?)\\s*[:=]\\s*(?<text>${QUOTE})`,
  ),
];

const ANYWHERE = [
  pattern(
    `(?:write|type|compose|draft)\\s+(?:an?|the|some|this)\\s+(?:[\\p{L}-]+\\s*){1,5}:\\s*(?<text>${QUOTE})${SUBMIT}`,
  ),
  pattern(
    `(?:write|type|compose|draft|jot\\s+down)\\s+(?:an?|the|some)\\s+(?:[\\p{L}-]+\\s+){1,4}?(?:that\\s+|which\\s+)?(?:says?|saying|reads?|reading|containing|contains?|with\\s+the\\s+(?:text|words?))\\s*:?\\s+(?<text>${QUOTE})${SUBMIT}`,
  ),
  pattern(
    `(?:type|enter|write|input|insert|key\\s+in|paste|append|add|put)(?:\\s+(?:in|out|down))?\\s*:?\\s+(?:(?:just|only|exactly)\\s+)?${NOUN}(?<text>${QUOTE})${SUBMIT}`,
  ),
  pattern(
    `(?:type|write(?!\\s+down)|enter|input|key\\s+in|paste)(?:\\s+(?:in|out))?\\s*:?\\s+${NOUN}(?<text>.+?)${SUBMIT}`,
  ),
];

const SEARCH = [
  pattern(
    `(?:search|look|query)\\s+(?:(?<where>the\\s+(?:page|site|web|website|internet)|here)\\s+)?(?:for|up)\\s+(?<text>.+?)(?:\\s+(?:in|on|using|with)\\s+(?<field>(?:the\\s+)?(?:search|.+?)\\s*(?:box|field|bar|page|site)))?`,
  ),
];

const APPEND = /^(?:append|add)\b|\bat the end\b/i;
/** What a sentence without a field may still mention after the text. */
const CURSOR =
  /\s+(?:at|where)\s+(?:the\s+)?(?:cursor|caret)(?:\s+is)?$|\s+(?:in|into)\s+(?:it|there|the\s+(?:document|editor|text\s+editor|window|page|file|terminal|application|app|note|focused\s+(?:field|element)|current\s+(?:field|document)))$/i;

/** type · enter · fill in, with or without a named field. */
export const readType: IntentReader = (clause): Intent | null => {
  const base = clause.text;
  const text = base.replace(CURSOR, '');
  const append = APPEND.test(base);
  const inField = text === base ? fieldIntent(clause, firstMatch(INTO_FIELD, text), append) : null;
  if (inField !== null) return inField;
  const found = firstMatch(ANYWHERE, text);
  if (found?.text !== undefined) {
    const source =
      RUNS_ON.test(found.text) && found.text.length < 400 && isProse(found.text)
        ? null
        : textSource(clause, found.text);
    if (source !== null)
      return {
        type: 'type_text',
        text: source,
        into: null,
        submit: found.submit !== undefined,
        mode: 'append',
      };
  }
  const search = firstMatch(SEARCH, base);
  if (search?.text === undefined) return null;
  const into = search.field === undefined ? SEARCH_FIELD : readTarget(clause, search.field);
  const source = textSource(clause, search.text);
  return into === null || source === null
    ? null
    : { type: 'type_text', text: source, into, submit: true, mode: 'replace' };
};

const SAID = new RegExp(
  `^(?:an?|the|some|this)\\s+(?:[\\p{L}-]+\\s+){1,4}?(?:that\\s+|which\\s+)?(?:saying|says?|reading|reads?)\\s*:?\\s+(?<said>${QUOTE})$`,
  'iu',
);
/** “Bob saying “…””: no field, but what a letter to Bob says. */
const SAYING = new RegExp(`\\b(?:saying|says?|reading|reads?|containing|with)\\s.*${QUOTE}`, 'su');
const RUNS_ON = new RegExp(`^${QUOTE}[\\s,]+\\S`, 'su');

const SEARCH_FIELD = targetOf('search', 'field', 'spoken');

function fieldIntent(
  clause: ClauseText,
  found: Record<string, string | undefined> | null,
  append: boolean,
): Intent | null {
  if (found?.field === undefined || found.text === undefined) return null;
  // "Name with “Ada” and Email with “…”" is two fields: what begins with a quote ends with it.
  if (RUNS_ON.test(found.text) || SAYING.test(found.field)) return null;
  // A text that was quoted cannot also be the name of the field.
  const into = labelOf(readTarget(clause, found.field));
  const text = textSource(clause, found.text);
  if (into === null || text === null || NOT_TYPED_INTO.has(into.role)) return null;
  // "The numbers 1 to 5" names no field.
  if (/^\d+$/.test(into.phrase ?? '')) return null;
  if (
    into.near === null &&
    /^(?:terminal|console|shell|command line|prompt)(?: window)?$/i.test(into.phrase ?? '')
  )
    return { type: 'type_text', text, into: null, submit: found.submit !== undefined, mode: 'append' };
  return {
    type: 'type_text',
    text,
    into: into.role === null ? { ...into, role: 'field' } : into,
    submit: found.submit !== undefined,
    mode: append ? 'append' : 'replace',
  };
}

/** A quote with plain words behind it (“…” and post it) is not all text; a command that begins with a quote is. */
function isProse(text: string): boolean {
  return /^\S+\s+(?:and|then|twice|in|into|to|for|as)\b/iu.test(text);
}

/** "… for the email": a word that is the kind of a thing elsewhere is the label of a field here. */
function labelOf(target: Target | null): Target | null {
  if (target === null || target.text !== null || target.role === null || target.phrase === null)
    return target;
  return LABEL_ROLES.has(target.role) ? { ...target, text: target.phrase, role: 'field' } : target;
}

const LABEL_ROLES: ReadonlySet<Target['role']> = new Set([
  'list_item',
  'heading',
  'text',
  'image',
  'link',
  'option',
]);

/** Literal text, or the name of something remembered ("the order number"). */
export function textSource(clause: ClauseText, part: string): TextSource | null {
  const trimmed = part.trim();
  if (trimmed === '') return null;
  if (clause.isQuote(trimmed)) return { type: 'literal', text: clause.meaning(trimmed) };
  const name = stripArticle(trimmed)
    .replace(/^(?:copied|remembered|saved|noted|stored)\s+/i, '')
    .replace(/\s+(?:you (?:copied|remembered|noted)|from before)$/i, '')
    .toLowerCase();
  if (clause.remembered.has(name)) return { type: 'remembered', name };
  if (
    /^(?:it|that|this|that value|the value|value)(?:\s+(?:there|here|in))?$/i.test(trimmed) &&
    clause.remembered.size > 0
  ) {
    const latest = [...clause.remembered].at(-1);
    if (latest !== undefined) return { type: 'remembered', name: latest };
  }
  // “a message saying “hi””: the quote alone.
  const said = SAID.exec(trimmed)?.groups?.said;
  if (said !== undefined) return { type: 'literal', text: clause.meaning(said) };
  // “Type how many rows there are”: a number that nobody has counted yet, no words to type.
  if (/^(?:how\s+many|the\s+(?:number|count)\s+of)\s/i.test(trimmed)) return null;
  // “Write a haiku about spring”, “write me a list”: what is to be written is only described.
  if (DESCRIBED.test(trimmed)) return null;
  if (/^(?:me|us|him|her|them)\s+(?:an?|the|some|my)\b/i.test(trimmed)) return null;
  // A condition behind words that were not quoted is no part of what to type.
  if (/\b(?:but\s+)?only\s+if\b|\bprovided\s+that\b/i.test(trimmed)) return null;
  return { type: 'literal', text: clause.meaning(trimmed) };
}

/** A kind of text, and what it is to be about or whom it is for. */
const DESCRIBED =
  /^(?:an?|some|the)\s+(?:[\p{L}-]+\s+){0,3}?(?:(?:haiku|poem|verses?|rhyme|limerick|song|lyrics|story|tale|essay|article|blog\s*post|post|report|summary|review|letter|e-?mail|message|reply|speech|joke|paragraphs?|sentences?|introduction|description|recipe|list|outline|plan|note|text|words|ideas?|thoughts)\s+(?:about|on|describing|explaining|regarding|concerning|summari[sz]ing|introducing)|(?:letter|e-?mail|reply|invitation|message)\s+to)\b/iu;

/** "set the Size dropdown to Large" is a choice, "set the Gift box" a tick. */
const NOT_TYPED_INTO: ReadonlySet<Target['role']> = new Set([
  'select',
  'slider',
  'check_box',
  'radio',
  'menu',
  'window',
]);

const CLEAR = [
  pattern(
    `(?:clear|empty|erase|blank)(?:\\s+out)?\\s+(?:the\\s+(?:text|content|contents|value)\\s+(?:of|in|from)\\s+)?(?<field>.+)`,
  ),
  pattern(
    `(?:delete|remove|erase)\\s+(?:all\\s+)?(?:the\\s+)?(?:text|content|contents|value)(?:\\s+(?:of|in|from)\\s+(?<field>.+))?`,
  ),
  pattern(`(?:delete|clear|erase|remove)\\s+(?:everything|all)(?:\\s+(?:in|from)\\s+(?<field>.+))?`),
];

export const readClear: IntentReader = (clause): Intent | null => {
  const found = firstMatch(CLEAR, clause.text);
  if (found === null) return null;
  if (found.field === undefined) return { type: 'clear', target: null };
  const target = readTarget(clause, found.field);
  return target === null
    ? null
    : { type: 'clear', target: target.role === null ? { ...target, role: 'field' } : target };
};
