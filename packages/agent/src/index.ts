export { type PolicyViolation, violationOf } from './action-policy.ts';
export { createEngine, type EngineOptions } from './create-engine.ts';
export { createVerifier, type VerifierOptions } from './create-verifier.ts';
export { describeOperation } from './describe-operation.ts';
export {
  chooseModel,
  type Endpoint,
  endpointFor,
  type ModelChoice,
  type OwnKey,
  PROVIDER_KEYS,
  type Provider,
  type ProviderKeys,
} from './model-choice.ts';
export { type ModelPrices, readModelPrices } from './model-prices.ts';
export type * from './ports.ts';
export { type ModelProbe, probeModel, probeProblem } from './probe-model.ts';
export { type RunTaskOptions, runTask } from './run-loop.ts';
