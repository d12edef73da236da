import type { Engine, EngineOptions, ModelPrices, Verifier } from '@deskhand/agent';
import type { Logger, Secret } from '@deskhand/base';
import type { Minds, RunModel } from './minds.ts';

type Options = {
  /** What the operator chose; a run may name another. */
  model: string | null;
  /** Address of the provider in `model`; no other provider's model is asked there. */
  modelUrl: string | null;
  modelPrices: ModelPrices;
  providerKeys: Readonly<Record<string, Secret>>;
  log: Logger;
};

/**
 * Engines and verifiers of the agent package, by the operator's configuration. Loaded with the first run: the model
 * providers' packages weigh more than the rest of an idle server.
 */
export class ConfiguredMinds implements Minds {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  async engineFor(run: RunModel): Promise<Engine> {
    const { createEngine } = await import('@deskhand/agent');
    return createEngine(this.#optionsFor(run));
  }

  async verifierFor(run: RunModel): Promise<Verifier> {
    const { createVerifier } = await import('@deskhand/agent');
    return createVerifier(this.#optionsFor(run));
  }

  #optionsFor({ model, ownKey }: RunModel): EngineOptions {
    const { providerKeys, modelUrl, modelPrices, log } = this.#options;
    if (ownKey !== null) return { ownKey, prices: modelPrices, log };
    // `default` is what /v1/models calls the operator's choice.
    const chosen = (model === 'default' ? null : model) ?? this.#options.model;
    return {
      ...(chosen === null ? {} : { model: chosen }),
      env: providerKeys,
      ...(modelUrl === null || !this.#isAskedThere(chosen) ? {} : { baseUrl: modelUrl }),
      prices: modelPrices,
      log,
    };
  }

  /** The operator's address belongs to the operator's provider: a run may name a model of another one. */
  #isAskedThere(chosen: string | null): boolean {
    const provider = chosen?.split('/')[0]?.toLowerCase();
    return provider === 'openai-compatible' || provider === this.#options.model?.split('/')[0]?.toLowerCase();
  }
}
