import type { ClauseText } from '../clause-text.ts';
import type { Intent } from '../intent.ts';
import { firstMatch, NUMBER, numberOf, pattern } from '../intents/patterns.ts';
import { readTarget, type Target, targetOf } from '../target.ts';
import { QUOTE } from '../text.ts';
import type { CompoundReader } from './compound.ts';

const type = (clause: ClauseText, label: string, value: string): Intent | null => {
  const into = readTarget(clause, label);
  const text = clause.meaning(value.trim());
  return into === null || text === ''
    ? null
    : {
        type: 'type_text',
        text: { type: 'literal', text },
        into: { ...into, role: into.role ?? 'field' },
        submit: false,
        mode: 'replace',
      };
};

const FORM = [
  pattern(
    `(?:fill\\s+(?:in|out|up)?|complete|populate)\\s*(?:the|this|that)?\\s*(?:[\\p{L}-]+\\s+)?form\\s*(?:with|using|as\\s+follows|like\\s+this|by\\s+entering)?\\s*(?:the\\s+)?(?:following(?:\\s+(?:data|values|details|information|fields))?)?\\s*[:,-]?\\s+(?<pairs>.+)`,
  ),
];
const PAIR = new RegExp(
  `^(?:the\\s+|my\\s+|your\\s+)?(?<label>[\\p{L}][\\p{L}\\p{N} /'’-]{0,40}?)\\s*(?:\\s(?:is|as|to|with|of)\\s+|\\s*[:=]\\s*|\\s+(?=${QUOTE}|[\\d+]|[\\u{108000}-\\u{10FFEF}]|\\p{Lu}))(?<value>.+)$`,
  'su',
);

/** A label and its value where nothing but a space stands between them. */
const KNOWN_LABEL =
  /^(?:the\s+|my\s+|your\s+)?(?<label>(?:(?:first|last|full|user|family|given|company)\s?name|name|surname|user|e-?mail(?:\s+address)?|phone(?:\s+number)?|telephone|address|street|city|town|country|zip(?:\s+code)?|postcode|age|quantity|amount|subject|title|message|comment|date(?:\s+of\s+birth)?))\s+(?<value>\S.*)$/iu;

function pairsIn(clause: ClauseText, text: string): Intent[] | null {
  const parts = text
    .split(/\s*[,;\n]\s*(?:and\s+)?|\s+and\s+(?=(?:the\s+|my\s+)?\p{L})/u)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const steps: Intent[] = [];
  for (const part of parts) {
    const { label, value } = PAIR.exec(part)?.groups ?? KNOWN_LABEL.exec(part)?.groups ?? {};
    const step = label === undefined || value === undefined ? null : type(clause, label, value);
    if (step === null) return null;
    steps.push(step);
  }
  return steps.length === 0 ? null : steps;
}

/** "Fill out the form with name “Ada”, email ada@example.com and age 36". */
export const readForm: CompoundReader = (clause) => {
  const pairs = firstMatch(FORM, clause.text)?.pairs;
  if (pairs === undefined) return null;
  return pairsIn(clause, pairs);
};

const ANNOUNCED = /^(?<heading>[\p{L}\p{N}'’ -]{4,60})\s*(?::|\swith\s(?:the\s)?)\s*(?<pairs>.+)$/su;

/** "Send a message: name “Ann”, email ann@example.com": the values, and the button where the heading sends. */
export const readAnnounced: CompoundReader = (clause) => {
  const { heading, pairs } = ANNOUNCED.exec(clause.text)?.groups ?? {};
  if (heading === undefined || pairs === undefined) return null;
  const steps = pairsIn(clause, pairs);
  if (steps === null || steps.length < 2) return null;
  const verb = /^(?:send|submit|post|register|create|book)\b/i.exec(heading)?.[0]?.toLowerCase();
  if (verb === undefined) return steps;
  const target: Target = { ...targetOf(verb, 'button', 'spoken'), phrase: verb };
  return [...steps, { type: 'click', target, button: 'left', clicks: 1, modifiers: [] }];
};

const LEAVE = [
  pattern(
    `leave\\s+.+?\\s+(?:empty|blank|as\\s+(?:it\\s+is|they\\s+are|is)|unchanged|alone|untouched|unchecked|unticked)`,
  ),
  pattern(
    `(?:do\\s+not|don['’]t)\\s+(?:touch|change|click|fill(?:\\s+in)?|close|save|submit|press|modify|edit|delete)\\b.*`,
  ),
];

/** "Leave the password empty": nothing to do, and nothing is done. */
export const readLeave: CompoundReader = (clause) => (firstMatch(LEAVE, clause.text) === null ? null : []);

const TYPED_TIMES = [
  pattern(
    `(?:type|write|enter)\\s+(?:the\\s+(?:text|words?)\\s+)?(?<text>${QUOTE}|\\S+(?:\\s\\S+){0,3}?)\\s+(?:(?<times>${NUMBER})\\s*(?:times|x)|(?<twice>twice))`,
  ),
];

/** "Type “ab” three times": quoted texts follow each other directly, words stand apart. */
export const readTypedTimes: CompoundReader = (clause) => {
  const found = firstMatch(TYPED_TIMES, clause.text);
  if (found?.text === undefined) return null;
  const times = found.twice === undefined ? numberOf(found.times ?? '') : 2;
  if (times === null || !Number.isInteger(times) || times < 1 || times > MAX_TIMES) return null;
  const once = clause.meaning(found.text);
  const text = Array.from({ length: times }, () => once).join(clause.isQuote(found.text) ? '' : ' ');
  return [{ type: 'type_text', text: { type: 'literal', text }, into: null, submit: false, mode: 'append' }];
};

const LINE = /^(?<label>\p{Lu}[\p{L}\p{N} /'’-]{0,40}?)\s*[:=]\s+(?<value>\S.*)$/su;

/** "Name: Ada Lovelace" as a line of its own. */
export const readFormLine: CompoundReader = (clause) => {
  const { label, value } = LINE.exec(clause.text)?.groups ?? {};
  if (
    label === undefined ||
    value === undefined ||
    /^(?:note|task|step|steps|hint|tip|goal|type|write|enter|check|run|search|save|click)\b/i.test(label)
  )
    return null;
  const step = type(clause, label, value);
  return step === null ? null : [step];
};

const ANSWER = [
  pattern(
    `answer\\s+(?:the\\s+)?(?:question\\s+)?(?<label>${QUOTE}|.+?)\\s+(?:with|by|as)\\s+(?:the\\s+answer\\s+)?(?<value>.+)`,
  ),
];

/** "Answer the question “…” with 4". */
export const readAnswer: CompoundReader = (clause) => {
  const found = firstMatch(ANSWER, clause.text);
  if (found?.label === undefined || found.value === undefined) return null;
  const step = type(clause, found.label, found.value);
  return step === null ? null : [step];
};

const VALUE = `${QUOTE}|[^\\s,]+`;
const LOGIN = [
  pattern(
    `(?<way>(?:log|sign)\\s*-?(?:in|on)|login)(?:\\s+(?:to|into|at|on)\\s+(?:the\\s+)?(?:site|page|app|website|portal|account|system))?\\s+(?:with|using|as|by\\s+entering)\\s+(?:the\\s+|my\\s+)?(?<kind>user\\s?name|user|login|e-?mail(?:\\s+address)?|account)?\\s*:?\\s*(?<name>${VALUE})(?:\\s*(?:,|/|and|with)\\s*(?:and\\s+|with\\s+)?(?:the\\s+|my\\s+)?password\\s*:?\\s*(?:is\\s+)?(?<secret>${VALUE})?)?`,
  ),
];

/** "Log in as ada with password …": the name is typed, the password left to the person, the button pressed. */
export const readLogin: CompoundReader = (clause) => {
  const found = firstMatch(LOGIN, clause.text);
  if (found?.name === undefined) return null;
  const field = (text: string, role: Target['role']) => targetOf(text, role, 'spoken');
  const typed = (into: Target, text: string): Intent => ({
    type: 'type_text',
    text: { type: 'literal', text },
    into,
    submit: false,
    mode: 'replace',
  });
  const kind = found.kind !== undefined && /mail/i.test(found.kind) ? 'email' : 'username';
  const steps: Intent[] = [typed(field(kind, 'field'), clause.meaning(found.name))];
  if (/password/i.test(clause.text))
    steps.push(
      typed(
        field('password', 'password'),
        found.secret === undefined ? 'password' : clause.meaning(found.secret),
      ),
    );
  const button = /^sign/i.test(found.way ?? '') ? 'sign in' : 'log in';
  return [
    ...steps,
    { type: 'click', target: field(button, 'button'), button: 'left', clicks: 1, modifiers: [] },
  ];
};

const SEVERAL = [
  pattern(`(?<action>(?:click|press|tap|hit|push)\\s+.+?)\\s+(?<times>${NUMBER})\\s*(?:times|x)`),
  pattern(`(?<action>(?:press|tap|hit|push)\\s+.+?\\s+(?:button|link))\\s+(?<twice>twice)`),
];
const MAX_TIMES = 100;

/** "Click the plus button 5 times". */
export const readSeveralTimes: CompoundReader = (clause, inner) => {
  const found = firstMatch(SEVERAL, clause.text);
  if (found?.action === undefined) return null;
  const times = found.twice === undefined ? numberOf(found.times ?? '') : 2;
  const body = inner(found.action);
  const [only] = body ?? [];
  if (times === null || !Number.isInteger(times) || times < 2 || times > MAX_TIMES) return null;
  if (body?.length !== 1 || only?.type !== 'click' || only.clicks !== 1) return null;
  return [{ type: 'repeat', times, body: [{ intent: only, words: clause.text }] }];
};

const ENTRIES = [
  pattern(
    `(?:add|create|enter|post|submit)\\s+(?:a\\s+|an\\s+|the\\s+|another\\s+|new\\s+|two\\s+|three\\s+|four\\s+|five\\s+|\\d+\\s+|these\\s+|following\\s+)*(?<kind>todos?|to-?dos?|tasks?|items?|entr(?:y|ies)|comments?|notes?|messages?|reminders?|names?|products?|rows?)(?:\\s+(?:called|named|saying|titled|with\\s+the\\s+(?:text|name|title)))?\\s*:?\\s+(?<list>.+?)(?:\\s+to\\s+(?:the|my)\\s+.*?list)?`,
  ),
  pattern(
    `add\\s+(?<list>${QUOTE}(?:(?:\\s*,\\s*(?:and\\s+)?|\\s+and\\s+)${QUOTE})*)\\s+to\\s+(?:the|my)\\s+(?:.+?\\s+)?(?<kind>list)`,
  ),
];

/** "Add three items: milk, bread and eggs": each into the field for new ones. */
export const readEntries: CompoundReader = (clause) => {
  const found = firstMatch(ENTRIES, clause.text);
  if (found?.list === undefined) return null;
  const items = found.list
    .split(/\s*,\s*(?:and\s+)?|\s+and\s+/)
    .map((part) => clause.meaning(part))
    .filter((part) => part !== '');
  if (items.length === 0) return null;
  return items.map((text) => ({
    type: 'add_entry',
    text,
    kind: (found.kind ?? 'item').toLowerCase().replace(/ies$/, 'y').replace(/s$/, ''),
  }));
};

const TWO_THINGS = [
  pattern(
    `(?<verb>put|add|delete|remove|archive|approve|reject|edit|pin|star|mark)\\s+(?<first>.+?)\\s*,?\\s+and\\s+(?<second>(?:the|my|a|an)\\s+.+?|${QUOTE}|\\p{Lu}.*?)(?<place>\\s+(?:to|in|into|from|as)\\s+.+)?`,
  ),
];

/** "Put the red chair and the lamp in the cart": the same for each. */
export const readEachNamed: CompoundReader = (clause, inner) => {
  const found = firstMatch(TWO_THINGS, clause.text);
  if (found?.first === undefined || found.second === undefined) return null;
  const both = [found.first, found.second].map((thing) =>
    inner(`${found.verb} ${thing}${found.place ?? ''}`),
  );
  const steps = both.flatMap((intents) => intents ?? []);
  return both.length === steps.length && steps.every(({ type: kind }) => kind === 'use_control')
    ? steps
    : null;
};
