import { MODIFIER_KEYS, parseChord, TARGET_SHOW_MAX_MS } from '@deskhand/protocol';

/** One setting that cannot be used: which, where it came from, what it should be. Never the value of a secret. */
export type SettingProblem = Readonly<{ name: string; source: string; problem: string }>;

/** A promised setting as it is in force. `text` is undefined when nobody set it. */
export type GivenSetting = Readonly<{ name: string; source: string; value: unknown }>;

const PROVIDER_KEYS: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['ANTHROPIC_API_KEY'],
  openai: ['OPENAI_API_KEY'],
  google: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  'openai-compatible': [],
};

/**
 * Everything about the promised settings (surface.md 3) that would stop or mislead a part of the house,
 * all at once and before any part is started. The parts still check their own.
 */
export function settingProblems(
  given: readonly GivenSetting[],
  env: Readonly<Record<string, string | undefined>>,
): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const of = (name: string) => given.find((setting) => setting.name === name);
  for (const setting of given) {
    const text = typeof setting.value === 'boolean' ? String(Number(setting.value)) : setting.value;
    const mayBeFlag = typeof setting.value !== 'boolean' || setting.name === 'DESKHAND_ALLOW_UNARMED';
    if (typeof text !== 'string' || !mayBeFlag) problems.push({ ...place(setting), problem: 'must be text' });
    else {
      const problem = CHECKS[setting.name]?.(text);
      if (problem !== undefined) problems.push({ ...place(setting), problem });
    }
  }
  const model = of('DESKHAND_MODEL');
  if (typeof model?.value === 'string' && !problems.some(({ name }) => name === 'DESKHAND_MODEL')) {
    const provider = model.value.split('/')[0]?.toLowerCase() ?? '';
    const keys = PROVIDER_KEYS[provider] ?? [];
    if (keys.length > 0 && !keys.some((key) => env[key] || of(key)?.value))
      problems.push({ ...place(model), problem: `needs ${keys.join(' or ')}, which is not set` });
    if (provider === 'openai-compatible' && of('DESKHAND_MODEL_URL') === undefined)
      problems.push({
        ...place(model),
        problem: 'needs DESKHAND_MODEL_URL, for example http://127.0.0.1:11434/v1',
      });
  }
  return problems;
}

const place = ({ name, source }: GivenSetting) => ({ name, source });

const CHECKS: Readonly<Record<string, (text: string) => string | undefined>> = {
  DESKHAND_BASE_URL: webAddress,
  DESKHAND_MODEL_URL: webAddress,
  DESKHAND_MODEL: (text) => {
    if (text.toLowerCase() === 'builtin') return undefined;
    const provider = text.split('/')[0]?.toLowerCase() ?? '';
    return Object.hasOwn(PROVIDER_KEYS, provider)
      ? undefined
      : `must be builtin, or ${Object.keys(PROVIDER_KEYS).join('/…, ')}/… with a model’s name`;
  },
  DESKHAND_STOP_HOTKEY: (text) => {
    const keys = parseChord(text);
    const modifiers = new Set(keys?.filter((key) => MODIFIER_KEYS.has(key)));
    const others = keys?.filter((key) => !MODIFIER_KEYS.has(key)) ?? [];
    return keys !== undefined && modifiers.size >= 2 && others.length === 1
      ? undefined
      : 'must be two or more of ctrl, alt, shift, super and one other key, such as ctrl+alt+shift+escape';
  },
  DESKHAND_BORDER: (text) => (['auto', 'on', 'off'].includes(text) ? undefined : 'must be auto, on or off'),
  DESKHAND_TARGET_RING_MS: (text) =>
    /^\d{1,4}$/.test(text) && Number(text) <= TARGET_SHOW_MAX_MS
      ? undefined
      : `must be a whole number of milliseconds from 0 to ${TARGET_SHOW_MAX_MS}`,
  DESKHAND_ALLOW_UNARMED: (text) =>
    /^[01]$/.test(text) ? undefined : 'must be 1 or 0 (true or false in config.json)',
  DATABASE_URL: () => 'is for the fleet mode, which this version does not have; remove it',
  NATS_URL: () => 'is for the fleet mode, which this version does not have; remove it',
};

function webAddress(text: string): string | undefined {
  try {
    if (/^https?:$/.test(new URL(text).protocol)) return undefined;
  } catch {
    // Said below.
  }
  return 'must be an http or https address';
}
