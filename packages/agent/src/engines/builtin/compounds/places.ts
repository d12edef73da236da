import type { ClauseText } from '../clause-text.ts';
import type { Intent } from '../intent.ts';
import { withScheme } from '../intents/navigation.ts';
import { firstMatch, pattern } from '../intents/patterns.ts';
import { readTarget } from '../target.ts';
import { PATH_ATOM, QUOTE, URL_ATOM } from '../text.ts';
import { AN_APPLICATION, APPLICATION, type CompoundReader, FOCUS } from './compound.ts';

const PLACE_FIRST = [
  pattern(
    `(?:in|inside|using|with|use|within|on|via|from|by\\s+using)\\s+${AN_APPLICATION},?\\s+(?:to\\s+|please\\s+)*(?<rest>.+)`,
  ),
];
const PLACE_ALONE = [pattern(`(?:in|inside|using|with|within)\\s+${AN_APPLICATION}`)];
const PLACE_LAST = [
  pattern(
    `(?<rest>(?:type|write|enter|put|insert|create|make|compose|draft|save|add|paste|jot\\s+down)\\s.+?)\\s+(?:in|into|inside|using|with|on)\\s+${AN_APPLICATION}`,
  ),
];

/** "In mousepad, type …", "write … using the text editor": the application comes to the front first. */
export const readInApplication: CompoundReader = (clause, inner) => {
  const alone = firstMatch(PLACE_ALONE, clause.text)?.application;
  if (alone !== undefined) return [FOCUS(alone)];
  const found = firstMatch(PLACE_FIRST, clause.text) ?? firstMatch(PLACE_LAST, clause.text);
  if (found?.application === undefined || found.rest === undefined) return null;
  // The rest must say what to do by itself: "in the browser window" is no sentence.
  const rest = inner(found.rest);
  return rest === null || rest.length === 0 ? null : [FOCUS(found.application), ...rest];
};

const PAGE_WORDS =
  '(?:(?:the|this|my|our)\\s+)?(?:[\\p{L}-]+\\s+){0,3}?(?:web\\s*page|web\\s*site|site|page|form|app|application|shop|store|list|table|url|address)?\\s*(?:at|of|on|under)?\\s*';
const PAGE_FIRST = [
  pattern(`(?:on|at|in|from|using|with|under)\\s+${PAGE_WORDS}(?<url>${URL_ATOM}),?\\s+(?<rest>.+)`),
];
const PAGE_ALONE = [pattern(`(?:on|at|in|using)\\s+${PAGE_WORDS}(?<url>${URL_ATOM})`)];
const PAGE_LAST = [
  pattern(
    `(?<rest>.+?)\\s+(?:on|at|of|from|in)\\s+(?:the\\s+)?(?:web\\s*page|web\\s*site|site|page|form|url|address)?\\s*(?:at\\s+|on\\s+|under\\s+)?(?<url>${URL_ATOM})`,
  ),
];

const PAGE_BETWEEN = [
  pattern(
    `(?<before>.+?)\\s+(?:at|on|in|to)\\s+(?:(?:the\\s+)?(?:web\\s*page|web\\s*site|site|page|form|url|address)\\s+(?:at\\s+|on\\s+)?)?(?<url>${URL_ATOM}),?\\s+(?<after>(?:with|using|as|and|for|by)\\s.+)`,
  ),
];

/** "On http://… tick the box": the page is gone to first. */
export const readFromPage: CompoundReader = (clause, inner) => {
  const alone = firstMatch(PAGE_ALONE, clause.text)?.url;
  if (alone !== undefined) return [visit(clause, alone)];
  const found = firstMatch(PAGE_FIRST, clause.text);
  const rest = found?.rest === undefined ? null : inner(found.rest);
  return found?.url === undefined || rest === null || rest.length === 0
    ? null
    : [visit(clause, found.url), ...rest];
};

/** "Take a screenshot of http://…", "log in at http://… as ada". */
export const readOnPage: CompoundReader = (clause, inner) => {
  const between = firstMatch(PAGE_BETWEEN, clause.text);
  if (between?.url !== undefined) {
    const rest = inner(`${between.before} ${between.after}`);
    if (rest !== null && rest.length > 0) return [visit(clause, between.url), ...rest];
  }
  const found = firstMatch(PAGE_LAST, clause.text);
  const rest = found?.rest === undefined ? null : inner(found.rest);
  return found?.url === undefined || rest === null || rest.length === 0
    ? null
    : [visit(clause, found.url), ...rest];
};

function visit(clause: ClauseText, url: string): Intent {
  return { type: 'go_to', url: withScheme(clause.meaning(url)) };
}

const PART_ALONE = [
  pattern(
    `(?:in|on|at|inside|within|under)\\s+(?:(?:it|there|here|this|that|(?:the|this|that)\\s+(?:page|screen|window|form|document|file|new\\s+(?:page|window|tab)|editor|site|website)))`,
  ),
];
const PART_FIRST = [
  pattern(
    `(?:in|on|inside|within|under)\\s+(?:it|there|here|(?:the|this|that)\\s+(?:page|screen|window|form|document|file|new\\s+(?:page|window|tab)|site|website))(?:\\s+that\\s+(?:opens|appears))?,?\\s+(?<rest>.+)`,
  ),
];

const OPEN_HERE = [pattern(`(?:open|look\\s+at)\\s+(?:the|this|that)\\s+(?:web\\s*)?(?:page|site|website)`)];

/** "In it, write …", "on the page, click …": where one is already. */
export const readHere: CompoundReader = (clause, inner) => {
  if (firstMatch(PART_ALONE, clause.text) !== null || firstMatch(OPEN_HERE, clause.text) !== null) return [];
  const rest = firstMatch(PART_FIRST, clause.text)?.rest;
  return rest === undefined ? null : inner(rest);
};

const ROW_FIRST = [
  pattern(
    `(?:in|on|for|find|locate|look\\s+for|go\\s+to)\\s+(?:the\\s+)?(?:table\\s+)?(?:row|line|entry)\\s+(?:of|for|with|containing|named|called|where\\s+it\\s+says|that\\s+(?:says|contains))\\s+(?<row>.+?)`,
  ),
  pattern(`(?:in|on|find|locate)\\s+(?:the\\s+)?(?<row>.+?)(?:['’]s)?\\s+row`),
];

/** "Find the row of Alice": what follows is about that row. */
export const readRow: CompoundReader = (clause) => {
  const row = firstMatch(ROW_FIRST, clause.text)?.row;
  const target = row === undefined ? null : readTarget(clause, row);
  if (target === null) return null;
  return [
    { type: 'scroll', direction: null, amount: 'end', until: { ...target, role: 'row' }, inside: null },
  ];
};

const FIND = [
  pattern(
    `(?:find|locate|look\\s+for|spot|identify)\\s+(?<what>(?:the\\s+|a\\s+|an\\s+)?.+?)(?:\\s+(?:on|in)\\s+(?:the|this)\\s+(?:page|screen|list|table|form))?`,
  ),
];

/** "Find the Contact link": brought into view. */
export const readFind: CompoundReader = (clause) => {
  const what = firstMatch(FIND, clause.text)?.what;
  const target = what === undefined || /^(?:out|a\s+way|how)\b/i.test(what) ? null : readTarget(clause, what);
  if (target === null) return null;
  return [{ type: 'scroll', direction: null, amount: 'end', until: target, inside: null }];
};

const STATEMENT = [
  pattern(
    `(?:there\\s+(?:is|are|will\\s+be|should\\s+be)|there['’]s|you(?:['’]ll|\\s+will|\\s+can)?\\s+(?:now\\s+)?(?:see|find))\\s+(?<what>(?:an?\\s+|the\\s+|some\\s+)?.+?)(?:\\s+(?:on|in)\\s+(?:the|this|that)\\s+(?:page|screen|form|window))?`,
  ),
];
const STATEMENT_CEILING_MS = 10_000;

/** "There is a button called Start": waited for, and what “it” means afterwards. */
export const readStatement: CompoundReader = (clause) => {
  const what = firstMatch(STATEMENT, clause.text)?.what;
  const target = what === undefined ? null : readTarget(clause, what);
  return target === null
    ? null
    : [{ type: 'wait_until', target, visible: true, ceilingMs: STATEMENT_CEILING_MS }];
};

const FILE = [
  pattern(
    `(?:open|load|edit|view)\\s+(?:up\\s+)?(?:the\\s+|a\\s+|my\\s+)?(?:existing\\s+)?(?:text\\s+)?(?:file\\s+|document\\s+)?(?:called\\s+|named\\s+|at\\s+)?(?<path>${PATH_ATOM}|${QUOTE})(?:\\s+(?:in|with|using)\\s+${AN_APPLICATION})?`,
  ),
  pattern(
    `(?:in|with|using)\\s+${AN_APPLICATION},?\\s+(?:open|load|edit)\\s+(?:up\\s+)?(?:the\\s+)?(?:text\\s+)?(?:file\\s+|document\\s+)?(?<path>${PATH_ATOM}|${QUOTE})`,
  ),
];

const FOLDER_PLACE = `(?:the\\s+|my\\s+)?(?:folder\\s+|directory\\s+)?(?<path>${PATH_ATOM})`;
const IN_FILES = '(?:in|with|using)\\s+(?:the\\s+|a\\s+|my\\s+)?file\\s+(?:manager|explorer|browser)';
const FOLDER = [
  pattern(
    `(?:open|show|view|browse|explore)\\s+(?:me\\s+)?(?:the\\s+|my\\s+)?(?:folder|directory)\\s+(?<path>${PATH_ATOM})(?:\\s+${IN_FILES})?`,
  ),
  pattern(`(?:open|show|view|browse|explore)\\s+(?:me\\s+)?${FOLDER_PLACE}\\s+${IN_FILES}`),
  pattern(`(?:go|navigate|browse|change|switch)\\s+(?:in)?to\\s+${FOLDER_PLACE}\\s+${IN_FILES}`),
  pattern(
    `(?:go|navigate|browse|change|switch)\\s+(?:in)?to\\s+(?:the\\s+|my\\s+)?(?:folder|directory)\\s+(?<path>${PATH_ATOM})`,
  ),
  pattern(`(?:go|navigate|browse|change|switch)\\s+(?:in)?to\\s+(?<bare>${PATH_ATOM})`),
  pattern(`${IN_FILES},?\\s+(?:open|go\\s+to|navigate\\s+to|show)\\s+${FOLDER_PLACE}`),
];

/** "Open the file manager and go to /tmp/reports": its location is typed; a window of the folder's name must come. */
export const readFolder: CompoundReader = (clause) => {
  const found = firstMatch(FOLDER, clause.text);
  const path = clause.meaning(found?.path ?? found?.bare ?? '');
  // “Go to /docs” may be a page of the site in front.
  if (path === '' || (found?.path === undefined && !OF_A_COMPUTER.test(path))) return null;
  const name = path.split('/').findLast((part) => part !== '');
  const text = { type: 'literal', text: path } as const;
  return [
    { type: 'open_application', name: 'file manager' },
    { type: 'press', chords: [['ctrl', 'l']], times: 1, on: null },
    { type: 'type_text', text, into: null, submit: true, mode: 'append' },
    ...(name === undefined || name === '~' ? [] : [FOCUS(name)]),
  ];
};

const OF_A_COMPUTER = /^(?:~|\/(?:home|tmp|usr|var|etc|opt|mnt|media|srv|root|run|Users)(?:\/|$))/;

const FILE_THEN = [
  pattern(
    `(?:open|edit)\\s+(?:up\\s+)?(?:the\\s+)?(?:text\\s+)?(?:file\\s+|document\\s+)?(?<path>${PATH_ATOM})\\s*(?::|\\bto\\b|\\band\\b|\\bby\\b)\\s*(?<rest>.+)`,
  ),
];

const WHOLE_PATH = /^(?:~?\/|[A-Za-z]:[\\/])[^\n]*[^\s/]$/;

/** "Open /tmp/notes.txt in the text editor". */
export const readOpenFile: CompoundReader = (clause, inner) => {
  const before = firstMatch(FILE_THEN, clause.text);
  const rest = before?.rest === undefined ? null : inner(before.rest);
  if (before?.path !== undefined && rest !== null)
    return [{ type: 'open_file', path: clause.meaning(before.path), application: 'text editor' }, ...rest];
  const found = firstMatch(FILE, clause.text);
  if (found?.path === undefined) return null;
  // A path with spaces in it is quoted; any other quote is the name of something on the screen.
  if (!clause.isPath(found.path) && !WHOLE_PATH.test(clause.meaning(found.path))) return null;
  const application = found.application ?? 'text editor';
  if (new RegExp(`^${APPLICATION}$`, 'iu').test(application) && /brows|chrom|firefox/i.test(application))
    return [{ type: 'go_to', url: `file://${clause.meaning(found.path)}` }];
  return [{ type: 'open_file', path: clause.meaning(found.path), application }];
};
