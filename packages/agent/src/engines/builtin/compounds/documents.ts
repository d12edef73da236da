import type { Intent } from '../intent.ts';
import { firstMatch, pattern, stripArticle } from '../intents/patterns.ts';
import { textSource } from '../intents/typing.ts';
import { readTarget } from '../target.ts';
import { DOTTED_ATOM, PATH_ATOM, QUOTE } from '../text.ts';
import { AN_APPLICATION, type CompoundReader } from './compound.ts';

const PLACE = `(?<path>${PATH_ATOM}|${QUOTE}|${DOTTED_ATOM})`;
const NEW_FILE =
  '(?:a\\s+|an\\s+|the\\s+|one\\s+)?(?:new\\s+|plain\\s+|empty\\s+|simple\\s+)*(?:text\\s*)?(?:file|document|note)';
const CALLED = '(?:\\s+(?:called|named|at|in|as|under|with\\s+the\\s+name|with\\s+the\\s+path))?';
const HOLDS =
  '(?:(?:and\\s+)?(?:that\\s+|which\\s+)?(?:containing|contains?|says?|saying|reads?|reading|with|holding|holds)(?:\\s+in\\s+it)?)';
const NOUN =
  '(?:(?:just\\s+|only\\s+|exactly\\s+)*(?:the\\s+)?(?:(?:following\\s+)?(?:text|words?|contents?|sentence|line|message|string|number))\\s*:?\\s+)?';

const CREATE = [
  pattern(
    `(?:create|make|write|generate|produce)\\s+${NEW_FILE}${CALLED}\\s+${PLACE},?\\s+${HOLDS}\\s*:?\\s+${NOUN}(?<text>.+)`,
  ),
  pattern(
    `(?:create|make|write|generate|produce)\\s+${NEW_FILE}\\s+${HOLDS}\\s*:?\\s+${NOUN}(?<text>${QUOTE})(?:\\s+in\\s+it)?,?\\s+(?:and\\s+)?(?:save\\s+it\\s+)?(?:called|named|at|in|as|under|to|into)\\s+${PLACE}`,
  ),
  pattern(
    `(?:write|save|put|store|type|enter|record|copy|paste)\\s+${NOUN}(?<text>.+?)\\s+(?:in|into|to|as|down\\s+in)\\s+${NEW_FILE}${CALLED}\\s+${PLACE}`,
  ),
];

/** "Create the file /tmp/a.txt with the text “…”": the editor is opened with a new document, the text typed, the file saved. */
export const readNewFile: CompoundReader = (clause) => {
  const found = firstMatch(CREATE, clause.text);
  if (found?.path === undefined || found.text === undefined) return null;
  const [, said = '', overwrite] = /^(.+?)(,?\s+(?:overwriting|replacing)\b.*)?$/isu.exec(found.text) ?? [];
  if (/^(?:it|this|that|the\s+(?:text|file|document|note))$/i.test(said) && clause.remembered.size === 0)
    return null;
  const text = textSource(clause, said);
  return text === null
    ? null
    : [
        { type: 'open_application', name: 'text editor' },
        // An editor that was open already may show somebody's text.
        { type: 'press', chords: [['ctrl', 'n']], times: 1, on: null },
        { type: 'type_text', text, into: null, submit: false, mode: 'append' },
        { type: 'save_as', path: clause.meaning(found.path), overwrite: overwrite !== undefined },
      ];
};

const FROM_PAGE =
  '(?:\\s+(?:from|on|shown\\s+on|displayed\\s+on)\\s+(?:the|this|that)\\s+(?:page|screen|site|website))?';
const COPY_INTO = [
  pattern(
    `(?:copy|transfer|put|paste|move)\\s+(?<what>(?:the|its)\\s+.+?)${FROM_PAGE}\\s+(?:over\\s+)?(?:in|into|to)\\s+${AN_APPLICATION}`,
  ),
  pattern(
    `(?:copy|transfer)\\s+(?<what>(?:the|its)\\s+.+?)${FROM_PAGE}\\s+(?:over\\s+)?(?:in|into|to)\\s+(?<field>(?:the\\s+)?.+?\\s+(?:field|box|input|area))`,
  ),
];

/** "Copy the order number into the text editor": read here, typed there. */
export const readCopyInto: CompoundReader = (clause) => {
  const found = firstMatch(COPY_INTO, clause.text);
  if (found?.what === undefined) return null;
  const what = readTarget(clause, found.what);
  const into = found.field === undefined ? null : readTarget(clause, found.field);
  if (what === null || (into === null && found.field !== undefined)) return null;
  const name = stripArticle(clause.meaning(found.what)).toLowerCase();
  const focus: readonly Intent[] =
    found.application === undefined ? [] : [{ type: 'focus_window', title: found.application }];
  return [
    { type: 'remember', what, name, tell: false },
    ...focus,
    {
      type: 'type_text',
      text: { type: 'remembered', name },
      into,
      submit: false,
      mode: into === null ? 'append' : 'replace',
    },
  ];
};

const AT_END =
  '(?:(?:at|to)\\s+the\\s+(?:very\\s+)?(?:end|bottom)(?:\\s+of\\s+(?:it|the\\s+(?:file|document|text|note|list)))?|below|underneath)';
const AT_START =
  '(?:(?:at|to)\\s+the\\s+(?:very\\s+)?(?:beginning|start|top)(?:\\s+of\\s+(?:it|the\\s+(?:file|document|text|note))|)?|on\\s+top)';
const ADD = '(?:add|append|insert|write|type|put|enter)';
const LINE = [
  pattern(
    `(?:add|append|insert|write|put|type)\\s+(?:the\\s+|a\\s+|another\\s+|one\\s+more\\s+)?(?:new\\s+)?line\\s*:?\\s+(?:saying\\s+|that\\s+says\\s+|with\\s+(?:the\\s+text\\s+)?)?(?<text>.+?)(?:\\s+${AT_END})?`,
  ),
  pattern(
    `(?:add|append|write|put|type)\\s+(?<text>.+?)\\s+(?:as|on|in)\\s+a\\s+new\\s+(?:last\\s+)?line(?:\\s+${AT_END})?`,
  ),
];
const END = [
  pattern(`${ADD}\\s+(?:the\\s+(?:text|words?|sentence)\\s+)?(?<text>.+?)\\s+${AT_END}`),
  pattern(`${AT_END},?\\s+${ADD}\\s+(?:the\\s+(?:text|words?|sentence)\\s+)?(?<text>.+)`),
];
const START = [
  pattern(`${ADD}\\s+(?:the\\s+(?:text|words?|sentence)\\s+)?(?<text>.+?)\\s+${AT_START}`),
  pattern(`${AT_START},?\\s+${ADD}\\s+(?:the\\s+(?:text|words?|sentence)\\s+)?(?<text>.+)`),
];

/** "Add the line “…” at the end", "insert “…” at the beginning". */
export const readAddText: CompoundReader = (clause) => {
  const line = firstMatch(LINE, clause.text)?.text;
  const lineText = line === undefined ? null : textSource(clause, line);
  if (lineText !== null) return [{ type: 'append_line', text: lineText }];
  const go = (key: string): Intent => ({ type: 'press', chords: [['ctrl', key]], times: 1, on: null });
  for (const { patterns, key } of [
    { patterns: END, key: 'end' },
    { patterns: START, key: 'home' },
  ]) {
    const found = firstMatch(patterns, clause.text)?.text;
    const text = found === undefined ? null : textSource(clause, found);
    if (text !== null)
      return [go(key), { type: 'type_text', text, into: null, submit: false, mode: 'append' }];
  }
  return null;
};

const A_TEXT =
  '(?:(?:all\\s+(?:the\\s+)?|every\\s+|each\\s+|the\\s+)?(?:occurrences?\\s+of\\s+|instances?\\s+of\\s+)?(?:the\\s+)?(?:words?|text|string|phrase|line|sentence|name)?\\s*)';
const IN_TEXT = '(?:\\s+(?:in|throughout)\\s+(?:the\\s+)?(?:text|file|document|note|editor|letter))?';
const REPLACE = [
  pattern(
    `(?:replace|swap|substitute)\\s+${A_TEXT}(?<find>${QUOTE}|[^\\s]+)\\s+(?:with|by|for)\\s+${A_TEXT}(?<replace>${QUOTE}|[^\\s]+)${IN_TEXT}(?:\\s+(?:everywhere|wherever\\s+.+))?`,
  ),
  pattern(
    `(?:change|replace)\\s+(?:all\\s+|every\\s+|each\\s+|the\\s+)(?:occurrences?\\s+of\\s+)?(?:the\\s+)?(?:words?|text|string|phrase|line|sentence)\\s+(?<find>${QUOTE}|[^\\s]+)\\s+(?:to|into|with|by)\\s+(?<replace>${QUOTE}|[^\\s]+)${IN_TEXT}`,
  ),
  pattern(
    `change\\s+(?<find>${QUOTE}|[\\p{Ll}\\d]+)\\s+(?:to|into)\\s+(?<replace>${QUOTE}|[\\p{Ll}\\d]+)${IN_TEXT}`,
  ),
  pattern(
    `(?:delete|remove|erase)\\s+the\\s+(?:words?|text|line|sentence|phrase)\\s+(?<find>${QUOTE})${IN_TEXT}`,
  ),
];

/** "Replace “a” with “b”": in the text in front, or a field called “a". */
export const readReplace: CompoundReader = (clause) => {
  const found = firstMatch(REPLACE, clause.text);
  if (found?.find === undefined) return null;
  const find = clause.meaning(found.find);
  const replacement = found.replace === undefined ? '' : clause.meaning(found.replace);
  return find === '' ? null : [{ type: 'replace_text', find, replacement }];
};

const IN_FILE = `(?:in|from|inside|of)\\s+(?:the\\s+)?(?:text\\s+)?(?:file\\s+|document\\s+)?(?<path>${PATH_ATOM})`;
const EDIT_IN = [
  pattern(`(?<edit>(?:replace|swap|substitute|change)\\s+.+?)\\s+${IN_FILE}`),
  pattern(
    `(?:delete|remove|erase)\\s+the\\s+(?<kind>line|word|words|text|sentence|phrase)\\s+(?<find>${QUOTE})\\s+${IN_FILE}`,
  ),
];

/** "Replace cat with dog in /tmp/a.txt", "delete the line “x” from /tmp/a.txt": opened, changed, saved. */
export const readEditIn: CompoundReader = (clause, inner) => {
  const found = firstMatch(EDIT_IN, clause.text);
  if (found?.path === undefined) return null;
  const open: Intent = { type: 'open_file', path: clause.meaning(found.path), application: 'text editor' };
  if (found.find !== undefined) {
    const text = clause.meaning(found.find);
    const find = found.kind?.toLowerCase() === 'line' ? `${text}\n` : text;
    return text === '' ? null : [open, { type: 'replace_text', find, replacement: '' }, { type: 'save' }];
  }
  const edit = found.edit === undefined ? null : inner(found.edit);
  return edit?.every(({ type }) => type === 'replace_text') === true
    ? [open, ...edit, { type: 'save' }]
    : null;
};

const COPY_OF = [
  pattern(
    `copy\\s+(?:all\\s+)?(?:the\\s+)?(?:text|contents?|words)\\s+(?:of|from|in)\\s+(?:the\\s+)?(?:file\\s+)?(?<from>${PATH_ATOM})\\s+(?:in|into|to)\\s+(?:${NEW_FILE}${CALLED}\\s+|the\\s+file\\s+)?(?<to>${PATH_ATOM})`,
  ),
];

/** "Copy the text of /tmp/a.txt into a new file /tmp/b.txt": opened and saved under the other name. */
export const readCopyOfFile: CompoundReader = (clause) => {
  const found = firstMatch(COPY_OF, clause.text);
  if (found?.from === undefined || found.to === undefined) return null;
  return [
    { type: 'open_file', path: clause.meaning(found.from), application: 'text editor' },
    { type: 'save_as', path: clause.meaning(found.to), overwrite: false },
  ];
};
