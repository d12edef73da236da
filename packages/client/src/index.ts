export type { CallOptions } from './call-options.ts';
export { Client, newIdempotencyKey } from './client.ts';
export {
  ApiError,
  type ApiErrorFields,
  ConnectionError,
  type ConnectionFault,
  UnexpectedResponseError,
} from './errors.ts';
export { EventStreamError, EventStreamParser, type ServerSentEvent } from './event-stream.ts';
export type { FollowOptions } from './follow-run.ts';
export type { ClientOptions } from './http.ts';
export type { Keys } from './keys.ts';
export type { LlmKeys, RunLlmKey } from './llm-keys.ts';
export type { CreateMachineInput, Machines } from './machines.ts';
export type { Runs, ScreenshotsOptions, WaitOptions } from './runs.ts';
export {
  signWebhook,
  type VerifyWebhookInput,
  verifyWebhook,
  type WebhookVerification,
} from './webhook-signature.ts';
