import type { Logger } from '@deskhand/base';
import { BuiltinEngine } from './engines/builtin/builtin-engine.ts';
import type { RetryPlan } from './engines/vision/ask-model.ts';
import { VisionEngine } from './engines/vision/vision-engine.ts';
import { chooseModel, type Endpoint, endpointFor, type OwnKey, type ProviderKeys } from './model-choice.ts';
import type { ModelPrices } from './model-prices.ts';
import type { Engine } from './ports.ts';

export type EngineOptions = Readonly<{
  /** `builtin`, `provider/model`, or undefined: the first provider whose key is set, else builtin. */
  model?: string | undefined;
  /** Provider keys by variable name (`ANTHROPIC_API_KEY`, …). */
  env?: ProviderKeys;
  /** Base URL of an OpenAI-compatible endpoint; for other providers, another address of the same API. */
  baseUrl?: string | undefined;
  /** A key the run brought along; takes the place of `model`, `env` and `baseUrl`. */
  ownKey?: OwnKey | undefined;
  /** How to go on after a provider's own fault; default: five attempts, one second doubling to thirty. */
  retry?: RetryPlan;
  /** What models cost, for the accounts; a model that is not in it has no known cost. */
  prices?: ModelPrices | undefined;
  log: Logger;
}>;

/** @throws ProtocolError CONFIG_INVALID with the variable's name and what it should be. */
export function createEngine(options: EngineOptions): Engine {
  const endpoint = endpointOf(options);
  if (endpoint === null) return new BuiltinEngine({ log: options.log });
  return new VisionEngine({
    endpoint,
    log: options.log,
    ...(options.retry === undefined ? {} : { retry: options.retry }),
    ...(options.prices === undefined ? {} : { prices: options.prices }),
  });
}

/** @returns the model to ask, or null for the built-in engine. */
export function endpointOf(
  options: Pick<EngineOptions, 'model' | 'env' | 'baseUrl' | 'ownKey'>,
): Endpoint | null {
  if (options.ownKey !== undefined) return endpointFor(options.ownKey);
  const choice = chooseModel(options.model, options.env ?? {}, options.baseUrl);
  return choice.engine === 'builtin' ? null : choice.endpoint;
}
