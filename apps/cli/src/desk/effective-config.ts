import { readFileSync } from 'node:fs';
import path from 'node:path';

export type Setting = Readonly<{
  name: string;
  value: string;
  source: 'environment' | 'config.json' | 'default';
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
  { name: 'DATABASE_URL', key: 'database_url', fallback: 'SQLite in the data folder', secret: true },
  { name: 'NATS_URL', key: 'nats_url', fallback: 'in-process bus' },
];

/** What is in force and where it comes from; secrets only as "set". */
export function effectiveConfig(
  dataFolder: string,
  dataFolderSource: Setting['source'],
  env: Readonly<Record<string, string | undefined>>,
): { settings: Setting[]; problem: string | undefined } {
  const { values, problem } = readConfigFile(path.join(dataFolder, 'config.json'));
  const settings: Setting[] = [
    { name: 'DESKHAND_DATA', value: dataFolder, source: dataFolderSource, secret: false },
  ];
  for (const { name, key, fallback, secret = false } of SETTINGS) {
    const fromEnv = env[name];
    const fromFile = values[key];
    if (fromEnv !== undefined && fromEnv !== '')
      settings.push({ name, value: secret ? 'set' : fromEnv, source: 'environment', secret });
    else if (fromFile !== undefined)
      settings.push({ name, value: secret ? 'set' : String(fromFile), source: 'config.json', secret });
    else settings.push({ name, value: fallback, source: 'default', secret });
  }
  return { settings, problem };
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
