import { closeSync, openSync, readFileSync, type Stats, statSync, writeSync } from 'node:fs';
import { replaceFile } from '@deskhand/base/replace-file';
import { z } from 'zod';
import { parseJson } from './decode.ts';
import { Rect } from './geometry.ts';

/**
 * The policy of one desktop as a file: its schema, its reader, its first content, and how one rule of it is
 * changed. The daemon obeys it and adds what a person answers "always"; the CLI shows and edits it. Node only
 * (own subpath).
 */

export const Verdict = z.enum(['allow', 'ask', 'deny']);
export type Verdict = z.infer<typeof Verdict>;

const Rule = z.strictObject({
  /** Case-insensitive text; `*` stands for anything. Compared with the whole name. */
  match: z.string().min(1).max(200),
  verdict: Verdict,
  why: z.string().max(500).optional(),
});

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "09:30"');
const Weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);

/** This computer's clock. `to` before `from` goes past midnight; it then belongs to the day it began on. */
const Hours = z.strictObject({ days: z.array(Weekday).max(7).optional(), from: TimeOfDay, to: TimeOfDay });

/**
 * What actions are called in a rule: the operations, and what they amount to where that can be seen.
 * A new operation needs no entry here.
 */
export const DERIVED_ACTIONS = {
  type_password: 'keys and text into a password field',
  type_secret: 'text with a {{secret:…}} of this desktop in it',
  root_terminal: 'input into a terminal in which something runs as root',
} as const;
export type DerivedAction = keyof typeof DERIVED_ACTIONS;

const Section = z.strictObject({ default: Verdict, rules: z.array(Rule).max(500).default([]) });

/**
 * `policy.json` of the data folder: what an agent may do on this desktop. The first matching rule wins.
 * Missing or broken, everything is denied.
 */
export const PolicyFile = z.strictObject({
  /** For editors that know JSON Schema; `deskhand policy schema` prints it. */
  $schema: z.string().max(500).optional(),
  version: z.literal(1),
  runs: z.strictObject({
    /**
     * By who asks: the server's address, a space, and the name and id of the API key as that server tells them,
     * e.g. `wss://desk.example laptop (key_…)`. Before the two verdicts below.
     */
    starters: z.array(Rule).max(500).default([]),
    /** The control plane that `deskhand up` starts on this computer. */
    local_server: Verdict.default('allow'),
    other_servers: Verdict.default('ask'),
    /** When runs may act; none named means always. */
    hours: z.array(Hours).max(50).default([]),
    /** The longest a run may act here, counted from its first moment on this desktop. */
    max_minutes: z.int().min(1).max(10_080).nullable().default(null),
  }),
  /** By application name, then by window title. */
  applications: Section,
  titles: Section.default({ default: 'allow', rules: [] }),
  /**
   * By URL of a navigation, and of the page that gets the input where the browser is ours. `https://host/path*`,
   * `host`, `*.host`, `scheme:*`; a star in the host never reaches into the path.
   */
  urls: Section,
  /** By kind of action: `click`, `type_text`, `key_combo`, `close_window` …, and those of DERIVED_ACTIONS. */
  actions: Section.default(() => structuredClone(DEFAULT_ACTIONS)),
  /**
   * What no picture, element or word that leaves this desktop shows: windows by application or title, and places of the
   * desktop in physical pixels. Painted over before anything is encoded.
   */
  private: z
    .strictObject({
      windows: z.array(z.string().min(1).max(200)).max(200).default([]),
      regions: z.array(Rect).max(100).default([]),
    })
    .default({ windows: [], regions: [] }),
  terminal: z.strictObject({ allow: z.boolean().default(false) }),
  files: z.strictObject({
    /** Folders whose files may be read; the data folder's `work` is always one. */
    roots: z.array(z.string().max(4096)).max(100).default([]),
  }),
});
export type PolicyFile = z.infer<typeof PolicyFile>;

/** `place` is a path in the file, or a line and column where it is no JSON. */
export type PolicyProblem = Readonly<{ place: string; message: string }>;

export type LoadedPolicy =
  | Readonly<{ state: 'loaded'; policy: PolicyFile }>
  | Readonly<{ state: 'missing'; reason: string }>
  | Readonly<{ state: 'broken'; reason: string; problems: readonly PolicyProblem[] }>;

const KEEPS_SECRETS = 'It keeps secrets.';
const LOCKS = 'It locks the screen.';
const ASKS_FOR_PASSWORDS = 'It asks for the system’s passwords.';
const deny = (match: string, why: string) => ({ match, verdict: 'deny' as const, why });

const DEFAULT_ACTIONS: z.infer<typeof Section> = {
  default: 'allow',
  rules: [
    { match: 'type_password', verdict: 'ask', why: 'It is a password field.' },
    { match: 'root_terminal', verdict: 'ask', why: 'Something runs as root there.' },
  ],
};

const SECRET_KEEPERS: readonly string[] = [
  '*keepass*',
  '*bitwarden*',
  '*1password*',
  '*lastpass*',
  '*dashlane*',
  '*enpass*',
  '*seahorse*',
  '*kwallet*',
  '*keychain access*',
  '*gnome-keyring*',
];

/** What a person who never opens the file gets. */
export const DEFAULT_POLICY: PolicyFile = {
  version: 1,
  runs: { starters: [], local_server: 'allow', other_servers: 'ask', hours: [], max_minutes: null },
  applications: {
    default: 'allow',
    rules: [
      ...SECRET_KEEPERS.map((match) => deny(match, KEEPS_SECRETS)),
      ...[
        '*xscreensaver*',
        '*i3lock*',
        '*xlock*',
        '*light-locker*',
        '*screensaver*',
        '*lockapp*',
        'loginwindow',
      ].map((match) => deny(match, LOCKS)),
      ...['*polkit*', '*pinentry*', '*gcr-prompter*', '*ssh-askpass*', '*consent.exe*', 'securityagent'].map(
        (match) => deny(match, ASKS_FOR_PASSWORDS),
      ),
    ],
  },
  titles: { default: 'allow', rules: [] },
  urls: {
    default: 'allow',
    rules: [
      deny('chrome:*', 'It is the browser’s own settings.'),
      deny('javascript:*', 'It is code, not a page.'),
    ],
  },
  actions: structuredClone(DEFAULT_ACTIONS),
  // What shows passwords is neither touched nor looked at.
  private: { windows: [...SECRET_KEEPERS], regions: [] },
  terminal: { allow: false },
  files: { roots: [] },
};

/** A thousand rules take a tenth of it. */
const MAX_POLICY_BYTES = 2 * 1024 * 1024;

function demandFile(facts: Stats): Stats {
  if (!facts.isFile()) throw Object.assign(new Error('not a file'), { code: 'it is no file' });
  return facts;
}

/** @returns every problem of a broken file, each with its place. */
export function loadPolicy(path: string): LoadedPolicy {
  let text: string;
  try {
    // A pipe would hold its reader up, a huge file the whole process.
    const { size } = demandFile(statSync(path));
    if (size > MAX_POLICY_BYTES) {
      const message = `at most ${MAX_POLICY_BYTES / 1024} kB were expected, not ${Math.round(size / 1024)}`;
      return { state: 'broken', reason: `${path}: ${message}`, problems: [{ place: 'the file', message }] };
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `There is no ${path}.` : `${path} cannot be read (${code}).`;
    return { state: 'missing', reason };
  }
  const problems = problemsOf(text);
  if (!Array.isArray(problems)) return { state: 'loaded', policy: problems };
  const [first] = problems;
  return { state: 'broken', reason: `${path}: ${first?.place}: ${first?.message}`, problems };
}

function problemsOf(text: string): PolicyFile | PolicyProblem[] {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    return [{ place: placeOfSyntaxError(text), message: (error as Error).message }];
  }
  const parsed = PolicyFile.safeParse(value);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => ({ place: placeOf(path), message }));
}

/** `applications.rules[2].verdict` */
function placeOf(path: readonly PropertyKey[]): string {
  const place = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  return place === '' ? 'the file' : place;
}

/** The engine tells line and column, after text that may quote the file. */
function placeOfSyntaxError(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    const found = /line (\d+) column (\d+)/.exec((error as Error).message);
    if (found !== null) return `line ${found[1]}, column ${found[2]}`;
    if (/end of JSON/i.test((error as Error).message)) return `line ${text.split('\n').length}, at its end`;
  }
  return 'the file';
}

/** For a data folder that never had one. @throws when a file is there. */
export function writeDefaultPolicy(path: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, textOf(DEFAULT_POLICY));
  } finally {
    closeSync(file);
  }
}

/** Replaces the file in one step: a reader sees the old policy or the new one, never half of it. */
export function savePolicy(path: string, policy: PolicyFile): void {
  replaceFile(path, textOf(PolicyFile.parse(policy)));
}

/** What one rule is about. */
export type PolicyChange =
  | Readonly<{ about: 'terminal'; verdict: 'allow' | 'deny' }>
  | Readonly<{ about: 'starters'; match: string; verdict: Verdict; why?: string | undefined }>
  | Readonly<{ about: 'files'; root: string; verdict: 'allow' | 'deny' }>
  | Readonly<{ about: 'local_server' | 'other_servers'; verdict: Verdict }>
  | Readonly<{
      about: 'applications' | 'titles' | 'urls' | 'actions';
      match: string;
      verdict: Verdict;
      why?: string | undefined;
    }>;

/** Pure. A new rule comes first, since the first match wins; an older one with the same pattern goes. */
export function changePolicy(policy: PolicyFile, change: PolicyChange): PolicyFile {
  switch (change.about) {
    case 'terminal':
      return { ...policy, terminal: { allow: change.verdict === 'allow' } };
    case 'local_server':
    case 'other_servers':
      return { ...policy, runs: { ...policy.runs, [change.about]: change.verdict } };
    case 'starters': {
      const { match, verdict, why } = change;
      const starters = withRule(policy.runs.starters, match, verdict, why);
      return { ...policy, runs: { ...policy.runs, starters } };
    }
    case 'files': {
      const others = policy.files.roots.filter((root) => root !== change.root);
      return { ...policy, files: { roots: change.verdict === 'allow' ? [...others, change.root] : others } };
    }
    default: {
      const { about, match, verdict, why } = change;
      const section = policy[about];
      return { ...policy, [about]: { ...section, rules: withRule(section.rules, match, verdict, why) } };
    }
  }
}

function withRule(
  rules: readonly z.infer<typeof Rule>[],
  match: string,
  verdict: Verdict,
  why: string | undefined,
): z.infer<typeof Rule>[] {
  const others = rules.filter((rule) => rule.match.toLowerCase() !== match.toLowerCase());
  return [{ match, verdict, ...(why === undefined ? {} : { why }) }, ...others];
}

/** JSON Schema of the file as a person may write it. */
export function policySchema(): Record<string, unknown> {
  return {
    title: 'Deskhand policy',
    ...z.toJSONSchema(PolicyFile, { io: 'input', target: 'draft-2020-12' }),
  };
}

function textOf(policy: PolicyFile): string {
  return `${JSON.stringify(policy, null, 2)}\n`;
}
