import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CommandProblem } from '../output/problem.ts';
import { type GivenSetting, type SettingProblem, settingProblems } from './check-settings.ts';

export type Setting = Readonly<{
  name: string;
  value: string;
  source: 'command line' | 'environment' | 'config.json' | 'default';
  secret: boolean;
}>;

/** The promised settings (surface.md 3). `key` is the name in config.json. */
const SETTINGS: ReadonlyArray<{ name: string; key: string; fallback: string; secret?: true }> = [
  { name: 'DESKHAND_BASE_URL', key: 'base_url', fallback: 'this computer’s own server' },
  { name: 'DESKHAND_API_KEY', key: 'api_key', fallback: 'from credentials.json', secret: true },
  { name: 'DESKHAND_MODEL', key: 'model', fallback: 'the first provider whose key is set, else builtin' },
  { name: 'DESKHAND_MODEL_URL', key: 'model_url', fallback: '–' },
  { name: 'ANTHROPIC_API_KEY', key: 'anthropic_api_key', fallback: '–', secret: true },
  { name: 'OPENAI_API_KEY', key: 'openai_api_key', fallback: '–', secret: true },
  { name: 'GOOGLE_GENERATIVE_AI_API_KEY', key: 'google_generative_ai_api_key', fallback: '–', secret: true },
  { name: 'DESKHAND_STOP_HOTKEY', key: 'stop_hotkey', fallback: 'ctrl+alt+shift+escape' },
  { name: 'DESKHAND_BORDER', key: 'border', fallback: 'auto: on your own desktop' },
  {
    name: 'DESKHAND_TARGET_RING_MS',
    key: 'target_ring_ms',
    fallback: '250 on your own desktop, 0 on a virtual one',
  },
  {
    name: 'DESKHAND_ALLOW_UNARMED',
    key: 'allow_unarmed',
    fallback: 'no run starts without a proven stop hotkey',
  },
  { name: 'DATABASE_URL', key: 'database_url', fallback: 'SQLite in the data folder', secret: true },
  { name: 'NATS_URL', key: 'nats_url', fallback: 'in-process bus' },
];

/** What is in force and where it comes from, secrets only as "set"; and every problem, all together. */
export function effectiveConfig(
  dataFolder: string,
  dataFolderSource: Setting['source'],
  env: Readonly<Record<string, string | undefined>>,
): { settings: Setting[]; problems: SettingProblem[] } {
  const { values, problem } = readConfigFile(path.join(dataFolder, 'config.json'));
  const given: GivenSetting[] = [];
  const settings: Setting[] = [
    { name: 'DESKHAND_DATA', value: dataFolder, source: dataFolderSource, secret: false },
  ];
  for (const { name, key, fallback, secret = false } of SETTINGS) {
    const fromEnv = env[name];
    const fromFile = values[key];
    if (fromEnv !== undefined && fromEnv !== '') {
      given.push({ name, source: 'environment', value: fromEnv });
      settings.push({ name, value: secret ? 'set' : fromEnv, source: 'environment', secret });
    } else if (fromFile !== undefined) {
      given.push({ name, source: 'config.json', value: fromFile });
      settings.push({ name, value: secret ? 'set' : String(fromFile), source: 'config.json', secret });
    } else settings.push({ name, value: fallback, source: 'default', secret });
  }
  const problems = settingProblems(given, env);
  if (problem !== undefined) problems.unshift({ name: 'config.json', source: 'config.json', problem });
  return { settings, problems };
}

function readConfigFile(file: string): { values: Record<string, unknown>; problem: string | undefined } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      values: {},
      problem: missing ? undefined : `${file} cannot be read: ${(error as Error).message}`,
    };
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      return { values: {}, problem: `${file} must hold one JSON object.` };
    return { values: parsed as Record<string, unknown>, problem: undefined };
  } catch {
    return { values: {}, problem: `${file} is not valid JSON.` };
  }
}

/** @throws CommandProblem CONFIG_INVALID naming every setting that cannot be used. */
export function requireUsableConfig(
  dataFolder: string,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const { problems } = effectiveConfig(dataFolder, 'default', env);
  if (problems.length === 0) return;
  throw new CommandProblem(
    'CONFIG_INVALID',
    problems.map(({ name, source, problem }) => `${name} (${source}) ${problem}.`).join('\n  '),
    { todo: 'Mend these; `deskhand doctor` shows every setting and where it comes from.' },
  );
}
