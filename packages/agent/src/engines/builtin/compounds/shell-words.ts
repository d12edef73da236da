import type { Intent } from '../intent.ts';
import { firstMatch, pattern } from '../intents/patterns.ts';
import { DOTTED_ATOM, PATH_ATOM, QUOTE } from '../text.ts';
import type { CompoundReader } from './compound.ts';

const SHELL = '(?:the\\s+|a\\s+)?(?:terminal|shell|command\\s?line|console|bash|xterm)';
const PATH = (name: string) => `(?<${name}>${PATH_ATOM}|${DOTTED_ATOM}|${QUOTE})`;
const A_FILE =
  '(?:the\\s+|a\\s+)?(?:new\\s+|empty\\s+)*(?:file|text\\s+file)?\\s*(?:called\\s+|named\\s+|at\\s+)?';

/** What people say in the terminal without knowing its words, and the command for it. */
const WORDS: ReadonlyArray<{ patterns: readonly RegExp[]; command: (a: string, b: string) => string }> = [
  {
    patterns: [
      pattern(
        `(?:create|make|add)\\s+(?:a\\s+|the\\s+)?(?:new\\s+)?(?:folder|directory|dir)\\s+(?:called\\s+|named\\s+|at\\s+|in\\s+)?${PATH('a')}`,
      ),
      pattern(
        `(?:create|make|add)\\s+(?:a\\s+|the\\s+)?(?:new\\s+)?(?:folder|directory|dir)\\s+(?:called|named)\\s+(?<a>[\\w-]+)`,
      ),
    ],
    command: (a) => `mkdir -p ${a}`,
  },
  { patterns: [pattern(`(?:create|make|touch)\\s+${A_FILE}${PATH('a')}`)], command: (a) => `touch ${a}` },
  {
    patterns: [pattern(`copy\\s+${A_FILE}${PATH('a')}\\s+(?:to|into|as)\\s+${A_FILE}${PATH('b')}`)],
    command: (a, b) => `cp ${a} ${b}`,
  },
  {
    patterns: [
      pattern(`(?:move|rename)\\s+${A_FILE}${PATH('a')}\\s+(?:to|into|as)\\s+${A_FILE}${PATH('b')}`),
    ],
    command: (a, b) => `mv ${a} ${b}`,
  },
  {
    patterns: [
      pattern(
        `(?:show|print|display|output|read)\\s+(?:me\\s+)?(?:the\\s+)?(?:contents?\\s+of\\s+)?${A_FILE}${PATH('a')}`,
      ),
    ],
    command: (a) => `cat ${a}`,
  },
  {
    patterns: [
      pattern(
        `(?:list|show)\\s+(?:me\\s+)?(?:all\\s+)?(?:the\\s+)?(?:files|contents?|everything)\\s+(?:in|of|under)\\s+(?:the\\s+)?(?:folder\\s+|directory\\s+)?${PATH('a')}`,
      ),
    ],
    command: (a) => `ls ${a}`,
  },
];
const THE_FILE =
  '(?:(?:the|this|my)\\s+)?(?:(?:text\\s+)?file|document|folder|directory)\\s+(?:called\\s+|named\\s+|at\\s+)?';
const WHOLE = (name: string) => `(?<${name}>${PATH_ATOM})`;
const NAME = (name: string) => `(?<${name}>${PATH_ATOM}|${DOTTED_ATOM}|${QUOTE}|[\\w.-]+)`;

/** Nothing that is there is written over: the command says so and ends with a code. */
const toFreeName = (command: string, from: string, to: string): string =>
  `t=${to}; if [ -e "$t" ]; then echo "$t exists already" >&2; false; else ${command} -- ${from} "$t"; fi`;
/** The same; where `to` is a folder, the name in it is what must be free. */
const toFreePlace = (command: string, from: string, to: string): string =>
  toFreeName(command, from, `${to}; [ -d "$t" ] && t="$t/$(basename -- ${from})"`);

/** Files and folders by their whole path: no control on the screen is called so, wherever it is asked for. */
const BY_PATH: typeof WORDS = [
  {
    patterns: [
      pattern(`rename\\s+(?:${THE_FILE})?${WHOLE('a')}\\s+(?:to|into|as)\\s+(?:${THE_FILE})?${NAME('b')}`),
    ],
    command: (a, b) => toFreeName('mv', a, b.includes('/') ? b : `"$(dirname -- ${a})"/${b}`),
  },
  {
    patterns: [
      pattern(
        `move\\s+(?:${THE_FILE})?${WHOLE('a')}\\s+(?:to|into|in|under)\\s+(?:${THE_FILE})?${WHOLE('b')}`,
      ),
    ],
    command: (a, b) => toFreePlace('mv', a, b),
  },
  {
    patterns: [
      pattern(
        `(?:copy|duplicate)\\s+${THE_FILE}${WHOLE('a')}\\s+(?:to|into|in|as|under)\\s+(?:${THE_FILE})?${WHOLE('b')}`,
      ),
    ],
    command: (a, b) => toFreePlace('cp -r', a, b),
  },
  {
    patterns: [
      pattern(
        `(?:delete|remove|erase)\\s+(?:(?:the|this|my)\\s+)?(?:empty\\s+)?(?:folder|directory)\\s+(?:called\\s+|named\\s+|at\\s+)?${WHOLE('a')}`,
      ),
    ],
    // Only an empty one: what is in it was not named.
    command: (a) => `rmdir -- ${a}`,
  },
  {
    patterns: [pattern(`(?:delete|remove|erase)\\s+(?:${THE_FILE})?${WHOLE('a')}`)],
    command: (a) => `rm -- ${a}`,
  },
  {
    patterns: [
      pattern(
        `(?:create|make|add)\\s+(?:a\\s+|the\\s+)?(?:new\\s+|empty\\s+)*(?:folder|directory)\\s+(?:called\\s+|named\\s+)?${NAME('b')}\\s+(?:in|inside|under|at|within)\\s+(?:${THE_FILE})?${WHOLE('a')}`,
      ),
      pattern(
        `(?:in|inside|under)\\s+(?:${THE_FILE})?${WHOLE('a')},?\\s+(?:create|make|add)\\s+(?:a\\s+|the\\s+)?(?:new\\s+|empty\\s+)*(?:folder|directory)\\s+(?:called\\s+|named\\s+)?${NAME('b')}`,
      ),
    ],
    command: (a, b) => `mkdir -p -- ${a.replace(/\/+$/, '')}/${b}`,
  },
];
/** Nobody means anything but a shell by these. */
const ALWAYS: typeof WORDS = [
  ...BY_PATH,
  {
    patterns: [pattern(`cd\\s+(?:in)?(?:to\\s+)?(?:the\\s+(?:folder|directory)\\s+)?${PATH('a')}`)],
    command: (a) => `cd ${a}`,
  },
  {
    patterns: [pattern(`list\\s+(?:all\\s+)?(?:the\\s+)?files(?:\\s+(?:there|here))?`)],
    command: () => 'ls',
  },
  ...WORDS.filter((_, index) => index === 0 || index === WORDS.length - 1),
];
const IN_SHELL = [
  pattern(`(?:in|using|with|use|from|on)\\s+${SHELL},?\\s+(?:to\\s+)?(?<rest>.+)`),
  pattern(`(?<rest>.+?)\\s+(?:in|using|with|from|on)\\s+${SHELL}`),
];

/** "Create a folder called /tmp/x in the terminal". Only with the terminal named: else a file manager may be meant. */
export const readShellWords: CompoundReader = (clause) => {
  const rest = firstMatch(IN_SHELL, clause.text)?.rest;
  for (const { patterns, command } of rest === undefined ? ALWAYS : [...WORDS, ...ALWAYS]) {
    const found = firstMatch(patterns, rest ?? clause.text);
    if (found === null) continue;
    const [a, b] = [found.a ?? '', found.b ?? ''].map((part) => quoted(clause.meaning(part)));
    return [{ type: 'run_command', command: command(a ?? '', b ?? ''), ceilingMs: 30_000 } satisfies Intent];
  }
  return null;
};

/** As one word of the shell; a leading ~ stays what it means there. */
function quoted(path: string): string {
  return /^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
