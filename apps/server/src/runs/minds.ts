import type { Engine, Verifier } from '@deskhand/agent';
import * as agent from '@deskhand/agent';
import type { Logger, Secret } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { Minds } from './run-worker.ts';

type Options = {
  /** What the operator chose; a run may name another. */
  model: string | null;
  modelUrl: string | null;
  providerKeys: Readonly<Record<string, Secret>>;
  log: Logger;
};

type MakeVerifier = (options: Parameters<typeof agent.createEngine>[0]) => Verifier;

/** Engines and verifiers of the agent package, by the operator's configuration. */
export class ConfiguredMinds implements Minds {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  engineFor(run: { model: string | null }): Engine {
    return agent.createEngine(this.#engineOptions(run.model));
  }

  verifierFor(run: { model: string | null }): Verifier {
    const make = (agent as unknown as { createVerifier?: MakeVerifier }).createVerifier;
    if (make === undefined)
      throw new ProtocolError('FEATURE_NOT_AVAILABLE', 'This build has no verifier; use cua_version v3.');
    return make(this.#engineOptions(run.model));
  }

  #engineOptions(model: string | null): Parameters<typeof agent.createEngine>[0] {
    const { providerKeys, modelUrl, log } = this.#options;
    const chosen = (model === 'default' ? null : model) ?? this.#options.model;
    return {
      ...(chosen === null ? {} : { model: chosen }),
      env: providerKeys,
      ...(modelUrl === null ? {} : { baseUrl: modelUrl }),
      log,
    };
  }
}
