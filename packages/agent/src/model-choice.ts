import type { Secret } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';

/** Providers a model can come from, with the variable that holds the key. Order = preference when nothing is chosen. */
export const PROVIDER_KEYS = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
  'openai-compatible': 'DESKHAND_MODEL_KEY',
} as const satisfies Record<string, string>;
export type Provider = keyof typeof PROVIDER_KEYS;

/** Other names for the same key that people already have set. */
const KEY_ALIASES: Partial<Record<Provider, readonly string[]>> = {
  google: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  'openai-compatible': ['OPENAI_API_KEY'],
};

/** Model used for a provider when only its key is set. */
const DEFAULT_MODELS: Partial<Record<Provider, string>> = {
  anthropic: 'claude-sonnet-4-5',
  openai: 'gpt-5',
  google: 'gemini-2.5-pro',
};

/** Keys by variable name; only what is set. */
export type ProviderKeys = Readonly<Record<string, Secret | undefined>>;

/** Where a model is asked and with which key. */
export type Endpoint = Readonly<{
  provider: Provider;
  model: string;
  /** Null: the provider's own address. */
  baseUrl: string | null;
  key: Secret | null;
  /** Where the key came from, in words a person can follow when it is refused. */
  keyName: string;
}>;

export type ModelChoice = Readonly<{ engine: 'builtin' } | { engine: 'vision'; endpoint: Endpoint }>;

/** A key that came with the run instead of the operator's configuration (v1-api.md 8.7). */
export type OwnKey = Readonly<{
  provider: Provider;
  /** Null: the provider's default model. */
  model: string | null;
  baseUrl?: string | null;
  apiKey: Secret;
  source: 'header' | 'stored';
}>;

/**
 * Reads `DESKHAND_MODEL`: `builtin`, `provider/model`, or nothing (the first provider whose key is set, else builtin).
 * @throws ProtocolError CONFIG_INVALID naming the variable and what it should be.
 */
export function chooseModel(model: string | undefined, keys: ProviderKeys, baseUrl?: string): ModelChoice {
  const wanted = model?.trim() ?? '';
  if (wanted === '') return firstWithKey(keys);
  if (wanted.toLowerCase() === 'builtin') return { engine: 'builtin' };
  const slash = wanted.indexOf('/');
  const provider = slash < 0 ? wanted : wanted.slice(0, slash).toLowerCase();
  const name = slash < 0 ? '' : wanted.slice(slash + 1);
  if (!isProvider(provider))
    throw invalid(
      `DESKHAND_MODEL is “${shown(wanted)}”; it should be “builtin” or one of ${providersWords()} followed by “/” and a model name.`,
    );
  const chosen = name === '' ? DEFAULT_MODELS[provider] : name;
  if (chosen === undefined || chosen === '')
    throw invalid(
      `DESKHAND_MODEL names no model: write ${provider}/<model>, the name your server knows it by.`,
    );
  if (looksLikeKey(chosen))
    throw invalid(
      'DESKHAND_MODEL looks like an API key; it should be a model name. Keys go into the provider’s own variable.',
    );
  const url = readUrl(baseUrl);
  if (provider === 'openai-compatible' && url === null)
    throw invalid(
      'DESKHAND_MODEL asks for an OpenAI-compatible endpoint but DESKHAND_MODEL_URL is not set, for example http://127.0.0.1:11434/v1 for Ollama.',
    );
  const key = keyFor(provider, keys);
  if (key === null && provider !== 'openai-compatible')
    throw invalid(
      `DESKHAND_MODEL is ${provider}/${shown(chosen)}, which needs ${PROVIDER_KEYS[provider]} to be set.`,
    );
  const keyName = PROVIDER_KEYS[provider];
  return { engine: 'vision', endpoint: { provider, model: chosen, key, baseUrl: url, keyName } };
}

/**
 * The endpoint of a run that brought its own key. The operator's address is never used with it: a key goes to
 * the provider it belongs to, or to the address its owner named.
 * @throws ProtocolError LLM_MODEL_INVALID when the model looks like a credential or is missing.
 */
export function endpointFor(own: OwnKey): Endpoint {
  const model = own.model?.trim() || DEFAULT_MODELS[own.provider];
  if (model === undefined)
    throw new ProtocolError('LLM_MODEL_INVALID', `Name a model: ${own.provider} has no default one.`);
  if (looksLikeKey(model))
    throw new ProtocolError(
      'LLM_MODEL_INVALID',
      'The model looks like an API key; it should be a model name. Keys go into X-LLM-Api-Key or the key store.',
    );
  return {
    provider: own.provider,
    model,
    baseUrl: readUrl(own.baseUrl ?? undefined),
    key: own.apiKey,
    keyName: own.source === 'header' ? 'the X-LLM-Api-Key header' : `the stored ${own.provider} key`,
  };
}

function firstWithKey(keys: ProviderKeys): ModelChoice {
  for (const provider of ['anthropic', 'openai', 'google'] as const) {
    const key = keyFor(provider, keys);
    const model = DEFAULT_MODELS[provider];
    if (key !== null && model !== undefined)
      return {
        engine: 'vision',
        endpoint: { provider, model, key, baseUrl: null, keyName: PROVIDER_KEYS[provider] },
      };
  }
  return { engine: 'builtin' };
}

function keyFor(provider: Provider, keys: ProviderKeys): Secret | null {
  for (const name of [PROVIDER_KEYS[provider], ...(KEY_ALIASES[provider] ?? [])]) {
    const key = keys[name];
    if (key !== undefined && key.reveal().trim() !== '') return key;
  }
  return null;
}

function isProvider(name: string): name is Provider {
  return Object.hasOwn(PROVIDER_KEYS, name);
}

function readUrl(baseUrl: string | undefined): string | null {
  const text = baseUrl?.trim() ?? '';
  if (text === '') return null;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw invalid('DESKHAND_MODEL_URL should be an http or https address such as http://127.0.0.1:11434/v1.');
  return text.replace(/\/+$/, '');
}

/** True for text that is more likely a credential than the name of a model. */
export function looksLikeKey(model: string): boolean {
  return /^(?:sk-|AIza|key-|Bearer )/i.test(model) || /^[A-Za-z0-9_-]{60,}$/.test(model);
}

function providersWords(): string {
  return Object.keys(PROVIDER_KEYS)
    .map((name) => `“${name}”`)
    .join(', ');
}

/** A mistyped variable may hold a key: never quote much of it. */
function shown(text: string): string {
  return looksLikeKey(text) ? '[hidden]' : text.slice(0, 60);
}

function invalid(message: string): ProtocolError {
  return new ProtocolError('CONFIG_INVALID', message);
}
