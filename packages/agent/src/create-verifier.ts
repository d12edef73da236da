import { type EngineOptions, endpointOf } from './create-engine.ts';
import type { Verifier } from './ports.ts';
import { BuiltinVerifier } from './verifier/builtin-verifier.ts';
import { ModelVerifier } from './verifier/model-verifier.ts';

/** As for the engine; the verifier asks the same model in a conversation of its own. */
export type VerifierOptions = EngineOptions;

/** @throws ProtocolError CONFIG_INVALID, LLM_MODEL_INVALID as `createEngine` does. */
export function createVerifier(options: VerifierOptions): Verifier {
  const endpoint = endpointOf(options);
  if (endpoint === null) return new BuiltinVerifier();
  return new ModelVerifier({
    endpoint,
    log: options.log,
    ...(options.retry === undefined ? {} : { retry: options.retry }),
    ...(options.prices === undefined ? {} : { prices: options.prices }),
  });
}
