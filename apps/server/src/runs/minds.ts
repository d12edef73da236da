import {
  createEngine,
  createVerifier,
  type Engine,
  type EngineOptions,
  type Verifier,
} from '@deskhand/agent';
import type { Logger, Secret } from '@deskhand/base';
import type { Minds } from './run-worker.ts';

type Options = {
  /** What the operator chose; a run may name another. */
  model: string | null;
  modelUrl: string | null;
  providerKeys: Readonly<Record<string, Secret>>;
  log: Logger;
};

/** Engines and verifiers of the agent package, by the operator's configuration. */
export class ConfiguredMinds implements Minds {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  engineFor(run: { model: string | null }): Engine {
    return createEngine(this.#optionsFor(run.model));
  }

  verifierFor(run: { model: string | null }): Verifier {
    return createVerifier(this.#optionsFor(run.model));
  }

  #optionsFor(model: string | null): EngineOptions {
    const { providerKeys, modelUrl, log } = this.#options;
    // `default` is what /v1/models calls the operator's choice.
    const chosen = (model === 'default' ? null : model) ?? this.#options.model;
    return {
      ...(chosen === null ? {} : { model: chosen }),
      env: providerKeys,
      ...(modelUrl === null ? {} : { baseUrl: modelUrl }),
      log,
    };
  }
}
