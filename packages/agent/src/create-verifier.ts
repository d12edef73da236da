import type { Logger } from '@deskhand/base';
import type { ProviderKeys } from './model-choice.ts';
import type { Verifier } from './ports.ts';
import { BuiltinVerifier } from './verifier/builtin-verifier.ts';

export type VerifierOptions = Readonly<{
  /** As for the engine; the verifier uses the same model in a conversation of its own. */
  model?: string | undefined;
  env?: ProviderKeys;
  baseUrl?: string | undefined;
  log: Logger;
}>;

/** @throws ProtocolError CONFIG_INVALID as `createEngine` does. */
export function createVerifier(_options: VerifierOptions): Verifier {
  return new BuiltinVerifier();
}
