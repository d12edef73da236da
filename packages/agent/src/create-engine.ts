import type { Logger } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { BuiltinEngine } from './engines/builtin/builtin-engine.ts';
import { chooseModel, type ProviderKeys } from './model-choice.ts';
import type { Engine } from './ports.ts';

export type EngineOptions = Readonly<{
  /** `builtin`, `provider/model`, or undefined: the first provider whose key is set, else builtin. */
  model?: string | undefined;
  /** Provider keys by variable name (`ANTHROPIC_API_KEY`, …). */
  env?: ProviderKeys;
  /** Base URL of an OpenAI-compatible endpoint. */
  baseUrl?: string | undefined;
  log: Logger;
}>;

/** @throws ProtocolError CONFIG_INVALID with the variable's name and what it should be. */
export function createEngine(options: EngineOptions): Engine {
  const choice = chooseModel(options.model, options.env ?? {}, options.baseUrl);
  if (choice.engine === 'builtin') return new BuiltinEngine({ log: options.log });
  throw new ProtocolError('CONFIG_INVALID', 'Only DESKHAND_MODEL=builtin is supported.');
}
