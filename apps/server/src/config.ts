import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ModelPrices } from '@deskhand/agent/model-prices';
import { inertLine, nearestName, Secret } from '@deskhand/base';
import type { Environment } from '@deskhand/base/data-folder';
import { KEY_PREFIXES, ProtocolError } from '@deskhand/protocol';
import { z } from 'zod';
import { dataFolderFrom } from './data-folder.ts';

/** An environment variable or a file may say it as text. */
const whole = (min: number, max: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^-?\d+$/)
        .transform(Number),
    ])
    .pipe(z.int().min(min).max(max));
const yesOrNo = z.union([
  z.boolean(),
  z.enum(['true', '1', 'yes', 'false', '0', 'no']).transform((text) => ['true', '1', 'yes'].includes(text)),
]);
const list = z.union([
  z.array(z.string().min(1)),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
]);
const seconds = (max: number) =>
  z
    .union([
      z.array(z.union([z.number(), z.string()])),
      z.string().transform((text) => text.split(',').filter((part) => part.trim() !== '')),
    ])
    .pipe(
      z
        .array(
          z
            .union([z.number(), z.string().trim().regex(/^\d+$/).transform(Number)])
            .pipe(z.int().min(0).max(max)),
        )
        .max(20),
    );
/** Shorter ones could be guessed; longer ones or others cannot be sent in a header. */
const KEY_CHARACTERS = { min: 16, max: 256 };

/** @returns what is wrong with a key of the configuration, without quoting it. */
function keyProblem(key: string): string | null {
  if (/[\s;|"'[\]]/.test(key))
    return 'holds a space, semicolon, bar, quote or bracket: separate keys by commas, without quotes';
  if (!/^[\x21-\x7e]+$/.test(key)) return 'holds characters that no header can carry';
  if (!Object.values(KEY_PREFIXES).some((prefix) => key.startsWith(prefix)))
    return `does not begin with ${Object.values(KEY_PREFIXES).join(', ')}`;
  if (key.length < KEY_CHARACTERS.min || key.length > KEY_CHARACTERS.max)
    return `has ${key.length} characters; ${KEY_CHARACTERS.min} to ${KEY_CHARACTERS.max} are wanted`;
  return null;
}

/** The environment says structures as JSON. */
function jsonText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
const host = z.string().min(1).max(255);

/**
 * Every setting of the server: what it may be, its default, why it exists. The same name in `config.json`;
 * in the environment `DESKHAND_` and the name in capitals.
 */
export const SETTINGS = {
  host: {
    schema: host,
    fallback: '127.0.0.1',
    why: 'Address to listen on; loopback unless desktops elsewhere dial in.',
  },
  port: { schema: whole(0, 65_535), fallback: 8787, why: 'TCP port; 0 picks a free one.' },
  log_level: {
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    fallback: 'info',
    why: 'Least severe log line that is written.',
  },
  public_url: {
    schema: z.url().max(2048).nullable(),
    fallback: null,
    why: 'Origin that clients use when a proxy stands in front, e.g. https://desk.example.',
  },
  allowed_hosts: {
    schema: list,
    fallback: [],
    why: 'More names this server may be called by (Host header), with port if it is not the server’s own.',
  },
  allowed_origins: {
    schema: list,
    fallback: [],
    why: 'Web origins that may call the API from a browser; none by default.',
  },
  extra_api_keys: {
    schema: list
      .superRefine((keys, context) => {
        keys.forEach((key, index) => {
          const problem = keyProblem(key);
          if (problem !== null)
            context.addIssue({ code: 'custom', message: `key ${index + 1} of ${keys.length} ${problem}` });
        });
      })
      .transform((keys) => keys.map((key) => new Secret(key))),
    fallback: [],
    why: 'Literal keys accepted besides the stored ones, separated by commas; the prefix says live or test.',
  },

  max_body_bytes: {
    schema: whole(1024, 64 * 1024 * 1024),
    fallback: 15 * 1024 * 1024,
    why: 'Largest request body.',
  },
  rate_per_key_per_minute: {
    schema: whole(1, 10_000_000),
    fallback: 120_000,
    why: 'Requests a key may make in a minute.',
  },
  rate_per_account_per_minute: {
    schema: whole(1, 10_000_000),
    fallback: 240_000,
    why: 'Requests of all keys of one account in a minute.',
  },
  max_keys_per_account: { schema: whole(1, 10_000), fallback: 20, why: 'Active keys an account may have.' },

  max_queued_runs_per_machine: {
    schema: whole(1, 1_000_000),
    fallback: 10_000,
    why: 'Open runs one machine may have; more get 429 TOO_MANY_RUNS.',
  },
  task_machine: {
    schema: z.string().min(1).max(128).nullable(),
    fallback: null,
    why: 'Id of the machine that POST /v1/tasks prefers while it is idle; null takes the one registered first.',
  },
  max_steps_ceiling: {
    schema: whole(1, 1000),
    fallback: 1000,
    why: 'A run’s max_steps above this is lowered to it.',
  },
  queue_timeout_seconds: {
    schema: whole(1, 30 * 86_400),
    fallback: 86_400,
    why: 'How long a run may wait for its machine before it times out.',
  },
  awaiting_human_timeout_seconds: {
    schema: whole(1, 30 * 86_400),
    fallback: 86_400,
    why: 'How long a run waits for a person when it does not say so itself.',
  },
  link_grace_ms: {
    schema: whole(0, 3_600_000),
    fallback: 15_000,
    why: 'How long a run survives without its machine’s link.',
  },
  recovery_grace_ms: {
    schema: whole(0, 3_600_000),
    fallback: 30_000,
    why: 'How long a run waits for its machine after the server restarted.',
  },
  max_claims_without_progress: {
    schema: whole(1, 100),
    fallback: 3,
    why: 'A run that took the server down this often without one new event is given up.',
  },
  max_repeats: {
    schema: whole(2, 100),
    fallback: 5,
    why: 'Same action and same picture this often in a row means stalled.',
  },

  run_step_cents: {
    schema: whole(0, 100_000),
    fallback: 5,
    why: 'Price of one completed step (engines v3, v4, v5).',
  },
  run_step_v1_cents: {
    schema: whole(0, 100_000),
    fallback: 8,
    why: 'Price of one completed step of engine v1.',
  },
  run_step_own_model_cents: {
    schema: whole(0, 100_000).nullable(),
    fallback: null,
    why: 'Price of one completed step of a run that brought its own model key; null is the same as any other.',
  },
  snapshot_cents: {
    schema: whole(0, 100_000),
    fallback: 1,
    why: 'Price of a snapshot of a virtual machine.',
  },
  machine_hour_linux_cents: {
    schema: whole(0, 100_000),
    fallback: 0,
    why: 'Price of an hour of a running Linux machine; nothing, since the desktop is the person’s.',
  },
  machine_hour_windows_cents: { schema: whole(0, 100_000), fallback: 0, why: 'The same for Windows.' },
  machine_hour_stopped_cents: {
    schema: whole(0, 100_000),
    fallback: 0,
    why: 'The same for a stopped machine.',
  },
  wallet_cents: {
    schema: whole(0, 1_000_000_000_000).nullable(),
    fallback: null,
    why: 'Credit of the account in cents; null is without limit.',
  },
  unlimited_wallet_shows_cents: {
    schema: whole(0, 1_000_000_000_000),
    fallback: 1_000_000_000,
    why: 'Balance reported while the wallet is without limit.',
  },

  frames_max_age_hours: {
    schema: whole(1, 24 * 3650),
    fallback: 24 * 30,
    why: 'Pictures older than this are removed.',
  },
  frames_max_bytes: {
    schema: whole(0, 1_000_000_000_000_000),
    fallback: 4 * 1024 * 1024 * 1024,
    why: 'Pictures together may take this much; the oldest go first.',
  },

  webhook_private_networks: {
    schema: yesOrNo,
    fallback: false,
    why: 'Whether webhooks may go to private addresses (and by http there).',
  },
  webhook_timeout_ms: {
    schema: whole(100, 120_000),
    fallback: 10_000,
    why: 'Longest wait for a webhook’s receiver.',
  },
  webhook_retry_seconds: {
    schema: seconds(86_400),
    fallback: [1, 5],
    why: 'Waits before the second and third attempt of a round.',
  },
  webhook_round_seconds: {
    schema: seconds(864_000),
    fallback: [120, 300, 900, 3600, 21_600, 43_200],
    why: 'Waits before each further round of attempts, for receivers that are down for long.',
  },

  model: {
    schema: z.string().min(1).max(512).nullable(),
    fallback: null,
    why: '`builtin`, `provider/model`, or null for the first provider whose key is set, else builtin.',
  },
  model_url: {
    schema: z.url().max(2048).nullable(),
    fallback: null,
    why: 'Base URL of an OpenAI-compatible endpoint.',
  },
  model_prices: {
    schema: z.preprocess(jsonText, ModelPrices),
    fallback: {},
    why: 'US dollars per million tokens, such as {"anthropic/claude-*": {"input": 3, "output": 15}}; a model that is not listed has no known cost.',
  },
  virtual_desktop_size: {
    schema: z.string().regex(/^\d{2,5}x\d{2,5}$/),
    fallback: '1280x800',
    why: 'Screen of the virtual desktops that test keys get.',
  },
  max_virtual_desktops: {
    schema: whole(0, 1000),
    fallback: 2,
    why: 'Virtual desktops of test machines that may run at once.',
  },
} as const satisfies Record<string, { schema: z.ZodType; fallback: unknown; why: string }>;

/** Names in the shared `config.json` that daemon and command line read. */
const SETTINGS_OF_OTHERS = [
  ...['stop_hotkey', 'allow_unarmed', 'machine_name', 'border', 'target_ring_ms'],
  ...['base_url', 'api_key', 'anthropic_api_key', 'openai_api_key', 'google_generative_ai_api_key'],
  ...['database_url', 'nats_url'],
];

type SettingName = keyof typeof SETTINGS;
type SettingValues = { -readonly [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']> };

export type SettingSource = 'default' | 'file' | 'environment';

export type Config = Readonly<
  SettingValues & {
    /** Absolute path. */
    dataFolder: string;
    /** Provider keys by their usual variable name; only those that are set. */
    providerKeys: Readonly<Record<string, Secret>>;
    /** What is in `config.json` and means nothing to any part, a sentence each. */
    warnings: readonly string[];
    /** Where each value came from, for doctor. */
    sources: Readonly<Record<SettingName, SettingSource>>;
  }
>;

/**
 * Environment over file over default. All problems are reported together.
 * @throws ProtocolError CONFIG_INVALID with `details: [{key, source, problem}]`
 */
export function readConfig(env: Environment, platform: NodeJS.Platform = process.platform): Config {
  const dataFolder = dataFolderFrom(env, platform);
  const problems: Array<{ key: string; source: string; problem: string }> = [];
  const fromFile = readFile(path.join(dataFolder, 'config.json'), problems);
  const values: Record<string, unknown> = {};
  const sources: Record<string, SettingSource> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const variable = `DESKHAND_${name.toUpperCase()}`;
    const said = env[variable];
    const [source, raw]: [SettingSource, unknown] =
      said !== undefined && said !== ''
        ? ['environment', said]
        : fromFile[name] !== undefined
          ? ['file', fromFile[name]]
          : ['default', setting.fallback];
    sources[name] = source;
    if (source === 'default') {
      values[name] = raw;
      continue;
    }
    const parsed = setting.schema.safeParse(raw);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push({
        key: source === 'environment' ? variable : name,
        source,
        problem: `${parsed.error.issues[0]?.message ?? 'does not fit'}. ${setting.why}`,
      });
  }
  if (problems.length > 0)
    throw new ProtocolError(
      'CONFIG_INVALID',
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${problems.map(({ key, problem }) => `${key}: ${problem}`).join(' ')}`,
      { details: problems },
    );
  const providerKeys: Record<string, Secret> = {};
  for (const [name, value] of Object.entries(env))
    if (isProviderKey(name) && value) providerKeys[name] = new Secret(value);
  return Object.freeze({
    ...(values as SettingValues),
    dataFolder,
    providerKeys: Object.freeze(providerKeys),
    warnings: unknownNames(Object.keys(fromFile)),
    sources: Object.freeze(sources) as Config['sources'],
  });
}

function unknownNames(given: readonly string[]): string[] {
  const known = new Set<string>([...Object.keys(SETTINGS), ...SETTINGS_OF_OTHERS]);
  return given
    .filter((name) => !known.has(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      const meant = nearest === undefined ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
      return `config.json: ${JSON.stringify(inertLine(name, 64))} is no setting and changes nothing.${meant}`;
    });
}

function readFile(
  file: string,
  problems: Array<{ key: string; source: string; problem: string }>,
): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      problems.push({
        key: file,
        source: 'file',
        problem: `cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      });
    return {};
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    problems.push({ key: file, source: 'file', problem: 'is not a JSON object.' });
    return {};
  }
}

/** Keys of model providers stay in this process; no machine ever sees them. */
export function isProviderKey(name: string): boolean {
  return name === 'DESKHAND_MODEL_KEY' || (/^[A-Z0-9_]+_API_KEY$/.test(name) && name !== 'DESKHAND_API_KEY');
}
