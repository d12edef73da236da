import type { ClauseText } from '../clause-text.ts';
import type { Counted, Intent, IntentReader } from '../intent.ts';
import { ROLE_NOUNS, type RoleHint } from '../roles.ts';
import { PATH_ATOM, QUOTE, URL_ATOM } from '../text.ts';
import { firstMatch, pattern, stripArticle } from './patterns.ts';

const TELL = '(?:tell|show|give|say\\s+to)\\s+(?:to\\s+)?me\\s+';
const FIND = '(?:find\\s+out|check|see|report(?:\\s+back)?|determine|work\\s+out|look(?:\\s+up)?|say)\\s+';
const KEEP = '(?:remember|memori[sz]e|note(?:\\s+down)?|record|keep|copy|read)\\s+';
const NUMBER_OF = '(?:the\\s+)?(?:total\\s+|exact\\s+)?(?:number|count|quantity)\\s+of\\s+';
const AS = '(?:\\s+as\\s+(?<name>[\\p{L}][\\p{L} _-]{0,40}))?';
const BEHIND = '(?:\\s+and\\s+(?:tell\\s+me|report|say)(?:\\s+(?:it|the\\s+(?:number|result|count)))?)?';

const TOLD = [
  pattern(`(?:${TELL}|${FIND})?how\\s+many\\s+(?<what>.+)`),
  pattern(
    `(?:count|count\\s+up|tally)\\s+(?:all\\s+)?(?:of\\s+)?(?:how\\s+many\\s+)?(?<what>.+?)${AS}${BEHIND}`,
  ),
  pattern(`(?:${TELL}|${FIND}|what\\s+is\\s+|what['’]s\\s+)${NUMBER_OF}(?<what>.+)`),
];
const KEPT = [
  pattern(`${KEEP}how\\s+many\\s+(?<what>.+?)${AS}`),
  pattern(`${KEEP}${NUMBER_OF}(?<what>.+?)${AS}`),
];
const HAS_PLACE = new RegExp(`${PATH_ATOM}|${URL_ATOM}`, 'u');

/** "how many rows are there", "how many links do you see": what is said behind, without a condition of its own. */
const THERE =
  /\s+(?:(?:are|is)\s+(?:there|listed|shown|displayed)|there\s+(?:are|is)|(?:do|can|could)\s+(?:you|i|we)\s+(?:see|have|find|count)|i\s+have|we\s+have|exist)(?=\s|$)/iu;
const IN_SIGHT =
  /\s+(?:(?:that\s+)?(?:are\s+|is\s+)?(?:in\s+sight|visible(?:\s+now|\s+right\s+now)?|on\s+(?:the|this)\s+screen|(?:right\s+)?now))$/iu;
const ON_PAGE = /\s+(?:(?:that\s+)?(?:are\s+|is\s+)?on\s+(?:the|this)\s+(?:web\s*)?page)$/iu;
/** "in the table", "of the list", "does the table have". */
const PLACE =
  /\s+(?:(?:are\s+|is\s+)?(?:there\s+)?(?:in|on|of|from|inside)|does|do)\s+(?:the\s+|this\s+|that\s+)?(?:(?<name>.+?)\s+)?(?<kind>table|list|form|group|page|screen|window|menu|grid|inbox|sheet)(?:\s+(?:have|has|show|hold|contain|list))?$/iu;

const ROLES = Object.entries(ROLE_NOUNS).map(([role, nouns]) => ({
  role: role as RoleHint,
  whole: new RegExp(`^(?:${nouns})$`, 'iu'),
}));
/** Kinds of which nobody counts one by one, or whose nouns are anybody's. */
const COUNTABLE: ReadonlySet<RoleHint> = new Set([
  ...([
    'row',
    'list_item',
    'link',
    'button',
    'check_box',
    'radio',
    'image',
    'heading',
    'field',
    'tab',
  ] as const),
  ...(['menu_item', 'cell', 'slider', 'tree_item'] as const),
]);
const STATES: Readonly<Record<string, { state: 'checked' | 'enabled'; expected: boolean }>> = {
  ticked: { state: 'checked', expected: true },
  checked: { state: 'checked', expected: true },
  selected: { state: 'checked', expected: true },
  unticked: { state: 'checked', expected: false },
  unchecked: { state: 'checked', expected: false },
  unselected: { state: 'checked', expected: false },
  enabled: { state: 'enabled', expected: true },
  disabled: { state: 'enabled', expected: false },
  'greyed out': { state: 'enabled', expected: false },
};

const THAT: ReadonlyArray<{ pattern: RegExp; not: boolean }> = [
  {
    pattern:
      /^(?<what>.+?)\s+(?:(?:that|which|who)\s+)?(?:do(?:es)?\s+not|don['’]t|doesn['’]t)\s+(?:contain|include|have|say|mention|show)\s+(?<text>.+)$/iu,
    not: true,
  },
  { pattern: /^(?<what>.+?)\s+without\s+(?<text>.+)$/iu, not: true },
  {
    pattern:
      /^(?<what>.+?)\s+(?:(?:that|which|who)\s+)?(?:contain(?:s|ing)?|includ(?:e|es|ing)|say(?:s|ing)?|mention(?:s|ing)?|show(?:s|ing)?|read(?:s|ing)?|hav(?:e|ing)|has|with)\s+(?:the\s+(?:word|text)\s+)?(?<text>.+)$/iu,
    not: false,
  },
];
const NAMED =
  /^(?<what>.+?)\s+(?:(?:that|which)\s+(?:is|are)\s+)?(?:called|named|labell?ed|titled)\s+(?<text>.+)$/iu;
const COLUMN = [
  /^(?<what>.+?)\s+(?:whose|where(?:\s+the)?)\s+(?<label>[\p{L} -]{1,40}?)\s+(?<is>is|are|says|=)\s+(?<not>not\s+)?(?<text>.+)$/iu,
  /^(?<what>.+?)\s+with\s+(?:the\s+|a\s+)?(?<label>role|status|state|type|category|priority|price|country|city|name)\s+(?:of\s+)?(?<text>.+)$/iu,
];
const BE_STATE =
  /^(?<what>.+?)\s+(?:(?:that|which)\s+)?(?:are|is)\s+(?:currently\s+|already\s+)?(?<not>not\s+)?(?<word>[\p{L}-]+(?:\s+out)?)$/iu;

/** count the rows · how many unread mails are there · tell me the number of rows that contain “Viewer”. */
export const readCount: IntentReader = (clause): Intent | null => {
  if (HAS_PLACE.test(clause.text)) return null;
  const told = firstMatch(TOLD, clause.text);
  const kept = told === null ? firstMatch(KEPT, clause.text) : null;
  const found = told ?? kept;
  const words = found?.what?.replace(/\?$/, '').trim();
  // “Count to ten” counts nothing that is there.
  if (words === undefined || /^(?:to|up\s+to|down|from|on)\s/i.test(words)) return null;
  const what = readCounted(clause, words);
  if (what === null) return null;
  const name = found?.name ?? `number of ${what.words}`;
  return { type: 'count', what, name: name.toLowerCase(), tell: told !== null };
};

/** "rows in the table that contain “Viewer”", "unread mails", "ticked boxes", "“Delete” buttons". */
export function readCounted(clause: ClauseText, phrase: string): Counted | null {
  let text = phrase.trim().replace(THERE, '');
  const scope = IN_SIGHT.test(text) ? 'sight' : ON_PAGE.test(text) ? 'page' : 'all';
  text = text.replace(IN_SIGHT, '').replace(ON_PAGE, '');
  let inside: string | null = null;
  const withoutPlace = (words: string): string => {
    const place = PLACE.exec(words);
    const name = place?.groups?.name;
    if (name !== undefined) inside = clause.meaning(name.trim());
    return place === null ? words : words.slice(0, place.index);
  };
  text = withoutPlace(text);
  const read = (): { noun: string; that: Counted['that'] } | null => {
    for (const shape of COLUMN) {
      const groups = shape.exec(text)?.groups;
      if (groups?.what === undefined || groups.text === undefined) continue;
      const { label = '', not } = groups;
      return {
        noun: groups.what,
        that: {
          type: 'column',
          label: stripArticle(label),
          text: meant(clause, groups.text),
          not: not !== undefined,
        },
      };
    }
    const named = NAMED.exec(text)?.groups;
    if (named?.what !== undefined && named.text !== undefined)
      return { noun: named.what, that: { type: 'name', text: meant(clause, named.text) } };
    for (const { pattern: shape, not } of THAT) {
      const groups = shape.exec(text)?.groups;
      if (groups?.what !== undefined && groups.text !== undefined)
        return { noun: groups.what, that: { type: 'text', text: meant(clause, groups.text), not } };
    }
    const be = BE_STATE.exec(text)?.groups;
    if (be?.what !== undefined && be.word !== undefined) {
      const state = STATES[be.word.toLowerCase()];
      if (state !== undefined)
        return {
          noun: be.what,
          that: { type: 'state', state: state.state, expected: state.expected === (be.not === undefined) },
        };
      // “Not paid” is said in no one way.
      return be.not === undefined ? { noun: be.what, that: { type: 'word', text: be.word } } : null;
    }
    return { noun: text, that: null };
  };
  const parts = read();
  if (parts === null) return null;
  // "rows in the table that contain X": the place stands before the condition.
  const noun = withoutPlace(parts.noun.trim())
    .replace(/^(?:all\s+)?(?:of\s+)?(?:the\s+|my\s+|these\s+|those\s+)?/iu, '')
    .replace(/^different\s+/i, '')
    .trim();
  const kind = readNoun(clause, noun);
  if (kind === null || (kind.that !== null && parts.that !== null)) return null;
  const words = clause.meaning(noun);
  return { words, role: kind.role, that: parts.that ?? kind.that, inside, scope };
}

/** "rows", "ticked boxes", "“Delete” buttons", "unread mails", "tickets": what kind, and which of them. */
function readNoun(clause: ClauseText, noun: string): Pick<Counted, 'role' | 'that'> | null {
  const words = noun.split(/\s+/);
  if (noun === '' || words.length > 4) return null;
  for (let at = 0; at < words.length; at += 1) {
    const kind = words.slice(at).join(' ');
    const role = ROLES.find(({ role, whole }) => COUNTABLE.has(role) && whole.test(kind))?.role;
    const plain = role ?? (/^boxes$/i.test(kind) ? 'check_box' : undefined);
    if (plain === undefined) continue;
    return { role: plain, that: whichOf(clause, words.slice(0, at).join(' '), plain) };
  }
  const last = words.at(-1) ?? '';
  // A noun of the application's own: only its plural is one of many.
  if (!/^(?:\p{L}+s|people|persons|children|men|women)$/iu.test(last) || /(?:ss|us|is)$/iu.test(last))
    return null;
  return { role: null, that: whichOf(clause, words.slice(0, -1).join(' '), null) };
}

function whichOf(clause: ClauseText, words: string, role: RoleHint | null): Counted['that'] {
  if (words === '') return null;
  const state = STATES[words.toLowerCase()];
  if (state !== undefined) return { type: 'state', ...state };
  if (/^(?:table|list|body)$/i.test(words)) return null;
  const text = clause.meaning(words);
  return QUOTED.test(words) || (role !== null && role !== 'row' && role !== 'list_item')
    ? { type: 'name', text }
    : { type: 'word', text };
}

const QUOTED = new RegExp(`^${QUOTE}$`, 'u');

function meant(clause: ClauseText, text: string): string {
  return clause.meaning(text.trim().replace(/^(?:the\s+(?:word|text)\s+)/i, ''));
}
