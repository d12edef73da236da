import type { Logger } from '@deskhand/base';
import type { RetryPlan } from './engines/vision/ask-model.ts';
import { chooseModel, type ProviderKeys } from './model-choice.ts';
import type { Verifier } from './ports.ts';
import { BuiltinVerifier } from './verifier/builtin-verifier.ts';
import { ModelVerifier } from './verifier/model-verifier.ts';

export type VerifierOptions = Readonly<{
  /** As for the engine; the verifier asks the same model in a conversation of its own. */
  model?: string | undefined;
  env?: ProviderKeys;
  baseUrl?: string | undefined;
  retry?: RetryPlan;
  log: Logger;
}>;

/** @throws ProtocolError CONFIG_INVALID as `createEngine` does. */
export function createVerifier(options: VerifierOptions): Verifier {
  const choice = chooseModel(options.model, options.env ?? {}, options.baseUrl);
  if (choice.engine === 'builtin') return new BuiltinVerifier();
  const { provider, model, key, baseUrl } = choice;
  return new ModelVerifier({
    endpoint: { provider, model, key, baseUrl },
    log: options.log,
    ...(options.retry === undefined ? {} : { retry: options.retry }),
  });
}
