import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseJson } from '@deskhand/protocol';
import { z } from 'zod';

export const Verdict = z.enum(['allow', 'ask', 'deny']);
export type Verdict = z.infer<typeof Verdict>;

const Rule = z.strictObject({
  /** Case-insensitive text; `*` stands for anything. Compared with the whole name. */
  match: z.string().min(1).max(200),
  verdict: Verdict,
  why: z.string().max(500).optional(),
});

const Section = z.strictObject({ default: Verdict, rules: z.array(Rule).max(500).default([]) });

/**
 * `policy.json` of the data folder: what an agent may do on this desktop. The first matching rule wins.
 * Missing or broken, everything is denied.
 */
export const PolicyFile = z.strictObject({
  version: z.literal(1),
  runs: z.strictObject({
    /** The control plane that `deskhand up` starts on this computer. */
    local_server: Verdict.default('allow'),
    other_servers: Verdict.default('allow'),
  }),
  /** By application name, then by window title. */
  applications: Section,
  titles: Section.default({ default: 'allow', rules: [] }),
  /** By URL of a navigation. */
  urls: Section,
  terminal: z.strictObject({ allow: z.boolean().default(false) }),
  files: z.strictObject({
    /** Folders whose files may be read; the data folder's `work` is always one. */
    roots: z.array(z.string().max(4096)).max(100).default([]),
  }),
});
export type PolicyFile = z.infer<typeof PolicyFile>;

export type LoadedPolicy =
  | Readonly<{ state: 'loaded'; policy: PolicyFile }>
  | Readonly<{ state: 'missing' | 'broken'; reason: string }>;

const KEEPS_SECRETS = 'It keeps secrets.';
const LOCKS = 'It locks the screen.';
const ASKS_FOR_PASSWORDS = 'It asks for the system’s passwords.';
const deny = (match: string, why: string) => ({ match, verdict: 'deny' as const, why });

/** What a person who never opens the file gets. */
export const DEFAULT_POLICY: PolicyFile = {
  version: 1,
  runs: { local_server: 'allow', other_servers: 'allow' },
  applications: {
    default: 'allow',
    rules: [
      ...['*keepass*', '*bitwarden*', '*1password*', '*lastpass*', '*dashlane*', '*enpass*'].map((match) =>
        deny(match, KEEPS_SECRETS),
      ),
      ...['*seahorse*', '*kwallet*', '*keychain access*', '*gnome-keyring*'].map((match) =>
        deny(match, KEEPS_SECRETS),
      ),
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
  terminal: { allow: false },
  files: { roots: [] },
};

/** Reads the policy when it changed since the last look, so that an edit counts from the next action on. */
export class PolicyReader {
  readonly #path: string;
  #seen = '';
  #loaded: LoadedPolicy = { state: 'missing', reason: 'It was not read yet.' };

  constructor(path: string) {
    this.#path = path;
  }

  get current(): LoadedPolicy {
    let seen: string;
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      seen = `${mtimeMs} ${size} ${ino}`;
    } catch {
      this.#seen = '';
      return { state: 'missing', reason: `There is no ${this.#path}.` };
    }
    if (seen !== this.#seen) {
      this.#loaded = loadPolicy(this.#path);
      this.#seen = seen;
    }
    return this.#loaded;
  }
}

export function loadPolicy(path: string): LoadedPolicy {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { state: 'missing', reason: `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).` };
  }
  try {
    const parsed = PolicyFile.safeParse(parseJson(text));
    if (parsed.success) return { state: 'loaded', policy: parsed.data };
    const issue = parsed.error.issues[0];
    return { state: 'broken', reason: `${path}: ${issue?.path.join('.') || 'the file'}: ${issue?.message}` };
  } catch (error) {
    return { state: 'broken', reason: `${path}: ${(error as Error).message}` };
  }
}

/** For a data folder that never had one; never replaces a file. */
export function writeDefaultPolicy(path: string): void {
  writeFileSync(path, `${JSON.stringify(DEFAULT_POLICY, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
}
