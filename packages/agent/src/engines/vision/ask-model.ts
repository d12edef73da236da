import { isAbort, type Logger, sleep } from '@deskhand/base';
import {
  type AssistantModelMessage,
  generateText,
  type LanguageModel,
  type ModelMessage,
  type ToolSet,
} from 'ai';
import type { Endpoint } from '../../model-choice.ts';
import type { ModelUsage } from '../../ports.ts';
import { asProtocolError, type ModelTrouble, troubleOf } from './model-errors.ts';
import type { ModelCall } from './proposal.ts';

export type ModelReply = Readonly<{
  text: string;
  calls: readonly ModelCall[];
  /** The reply as it goes back into the conversation. */
  assistant: AssistantModelMessage;
  finishReason: string;
  usage: ModelUsage;
}>;

export type AskOptions = Readonly<{
  model: LanguageModel;
  endpoint: Endpoint;
  instructions: string;
  messages: readonly ModelMessage[];
  tools?: ToolSet;
  retry: RetryPlan;
  log: Logger;
}>;

/** Pauses before asking again after a provider's fault, milliseconds. */
export type RetryPlan = Readonly<{ firstDelayMs: number; maxDelayMs: number; attempts: number }>;
export const DEFAULT_RETRY: RetryPlan = { firstDelayMs: 1000, maxDelayMs: 30_000, attempts: 5 };

/** One more try for an answer that was no answer: broken off or not JSON. */
const GARBAGE_ATTEMPTS = 2;
const MAX_OUTPUT_TOKENS = 4096;

/** The conversation no longer fits; the caller shows less of it. */
export class TooLong extends Error {}

/**
 * One question to the model. Repeats only the request to the provider (never an action), only on the
 * provider's own faults, and ends at once on abort, in flight too.
 * @throws ProtocolError UPSTREAM_ERROR, UPSTREAM_UNAVAILABLE; TooLong
 */
export async function askModel(
  options: AskOptions,
  { signal }: { signal: AbortSignal },
): Promise<ModelReply> {
  for (let attempt = 1; ; attempt += 1) {
    let trouble: ModelTrouble;
    try {
      return await generate(options, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (isAbort(error)) throw error;
      trouble = troubleOf(error, options.endpoint);
    }
    if (trouble.kind === 'too_long') throw new TooLong(trouble.message);
    const allowed = trouble.kind === 'garbage' ? GARBAGE_ATTEMPTS : options.retry.attempts;
    if (!trouble.retryable || attempt >= allowed) throw asProtocolError(trouble);
    const delayMs = Math.min(
      options.retry.maxDelayMs,
      trouble.retryAfterMs ?? options.retry.firstDelayMs * 2 ** (attempt - 1),
    );
    options.log.warn('model did not answer, asking again', { attempt, delayMs, trouble: trouble.kind });
    await sleep(delayMs, { signal });
  }
}

async function generate(options: AskOptions, signal: AbortSignal): Promise<ModelReply> {
  const result = await generateText({
    model: options.model,
    instructions: options.instructions,
    messages: [...options.messages],
    ...(options.tools === undefined ? {} : { tools: options.tools }),
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    maxRetries: 0,
    abortSignal: signal,
  });
  return {
    text: result.text,
    calls: result.toolCalls.map((call) => ({
      id: call.toolCallId,
      name: call.toolName,
      input: call.input,
      malformed: call.invalid === true && !isRecord(call.input),
    })),
    assistant: assistantOf(result.responseMessages, result.text),
    finishReason: result.finishReason,
    usage: {
      inputTokens: result.usage.inputTokens ?? 0,
      outputTokens: result.usage.outputTokens ?? 0,
    },
  };
}

/** What goes back into the conversation: the model's own words and calls, with inputs every provider takes. */
function assistantOf(messages: readonly ModelMessage[], text: string): AssistantModelMessage {
  const message = messages.find((candidate) => candidate.role === 'assistant');
  if (message === undefined) return { role: 'assistant', content: text === '' ? '(nothing)' : text };
  if (typeof message.content === 'string') return message;
  const content = message.content
    .filter((part) => part.type !== 'text' || part.text !== '')
    .map((part) => (part.type === 'tool-call' && !isRecord(part.input) ? { ...part, input: {} } : part));
  return { ...message, content: content.length === 0 ? '(nothing)' : content };
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
