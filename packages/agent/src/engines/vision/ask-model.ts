import { isAbort, type Logger, StopError, sleep } from '@deskhand/base';
import {
  type AssistantModelMessage,
  type LanguageModel,
  type ModelMessage,
  streamText,
  type ToolSet,
} from 'ai';
import type { Endpoint } from '../../model-choice.ts';
import type { ModelUsage, Say } from '../../ports.ts';
import { providerOptionsFor } from './language-model.ts';
import { asProtocolError, type ModelTrouble, Silent, troubleOf } from './model-errors.ts';
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
  maxOutputTokens: number;
  retry: RetryPlan;
  log: Logger;
  /** Told the model's words as they come; a repeated request tells them again. */
  say?: Say | undefined;
}>;

/** Pauses before asking again after a provider's fault, and the patience with one that says nothing. Milliseconds. */
export type RetryPlan = Readonly<{
  firstDelayMs: number;
  maxDelayMs: number;
  attempts: number;
  /** Longest silence before and within an answer; a local model may read a picture for minutes. */
  silenceMs?: number;
}>;
export const DEFAULT_RETRY: RetryPlan = {
  firstDelayMs: 1000,
  maxDelayMs: 30_000,
  attempts: 5,
  silenceMs: 300_000,
};

/** One more try for an answer that was no answer: broken off, silent or not in the provider's form. */
const GARBAGE_ATTEMPTS = 2;
/** A provider that wants a longer pause than this gets none: the run says so instead of sitting there. */
const LONGEST_PAUSE_MS = 120_000;
const DEFAULT_SILENCE_MS = 300_000;

/** Finish reasons of a stream that ended without the provider's own last word. */
const BROKEN_OFF: ReadonlySet<string> = new Set(['interrupted', 'error', 'other', 'unknown']);

/** The conversation no longer fits; the caller shows less of it. */
export class TooLong extends Error {}
/** The server cannot carry tool calls, or not the provider's own computer tool; the caller asks in another way. */
export class ToolsRefused extends Error {
  readonly what: 'functions' | 'computer';
  constructor(what: 'functions' | 'computer', message: string) {
    super(message);
    this.what = what;
  }
}

/**
 * One question to the model. Repeats only the request to the provider (never an action), only on the
 * provider's own faults, and ends at once on abort, in flight too.
 * @throws ProtocolError UPSTREAM_ERROR, UPSTREAM_UNAVAILABLE; TooLong; ToolsRefused
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
    if (trouble.kind === 'no_tools') throw new ToolsRefused('functions', trouble.message);
    if (trouble.kind === 'no_computer_tool') throw new ToolsRefused('computer', trouble.message);
    const allowed = trouble.kind === 'garbage' ? GARBAGE_ATTEMPTS : options.retry.attempts;
    const pauseMs = trouble.retryAfterMs ?? 0;
    if (!trouble.retryable || attempt >= allowed || pauseMs > LONGEST_PAUSE_MS)
      throw asProtocolError(trouble);
    const backOffMs = Math.min(options.retry.maxDelayMs, options.retry.firstDelayMs * 2 ** (attempt - 1));
    const delayMs = trouble.retryAfterMs ?? backOffMs;
    options.log.warn('model did not answer, asking again', { attempt, delayMs, trouble: trouble.kind });
    await sleep(delayMs, { signal });
  }
}

async function generate(options: AskOptions, signal: AbortSignal): Promise<ModelReply> {
  const { request, instructions } = providerOptionsFor(options.endpoint.provider);
  const silenceMs = options.retry.silenceMs ?? DEFAULT_SILENCE_MS;
  const silent = new AbortController();
  const watch = setTimeout(() => silent.abort(new StopError('silent')), silenceMs);
  try {
    const result = streamText({
      model: options.model,
      instructions: {
        role: 'system',
        content: options.instructions,
        ...(Object.keys(instructions).length === 0 ? {} : { providerOptions: instructions }),
      },
      messages: [...options.messages],
      ...(options.tools === undefined ? {} : { tools: options.tools }),
      ...(Object.keys(request).length === 0 ? {} : { providerOptions: request }),
      maxOutputTokens: options.maxOutputTokens,
      maxRetries: 0,
      abortSignal: AbortSignal.any([signal, silent.signal]),
      // Errors come as parts of the stream.
      onError: () => {},
    });
    const reply = await collect(result.stream, options.say, watch);
    const messages = await result.responseMessages;
    const usage = { ...reply.usage, requests: 1, imageBytes: imageBytesOf(options.messages) };
    return { ...reply, usage, assistant: assistantOf(messages, reply.text) };
  } catch (error) {
    if (silent.signal.aborted && !signal.aborted) throw new Silent(silenceMs);
    throw error;
  } finally {
    clearTimeout(watch);
  }
}

type Parts = ReturnType<typeof streamText>['stream'];

/** Reads the stream to its end. @throws what the provider or the connection said, and on an end that is none. */
async function collect(
  stream: Parts,
  say: Say | undefined,
  watch: NodeJS.Timeout,
): Promise<Omit<ModelReply, 'assistant'>> {
  let text = '';
  const calls: ModelCall[] = [];
  let finish: { finishReason: string; usage: ModelUsage } | null = null;
  for await (const part of stream) {
    watch.refresh();
    switch (part.type) {
      case 'text-delta':
        text += part.text;
        say?.(part.text, 'text');
        break;
      case 'reasoning-delta':
        say?.(part.text, 'reasoning');
        break;
      case 'tool-call':
        calls.push({
          id: part.toolCallId,
          name: part.toolName,
          input: part.input,
          malformed: part.invalid === true && !isRecord(part.input),
        });
        break;
      case 'finish-step':
        finish = { finishReason: part.finishReason, usage: usageOf(part.usage) };
        break;
      case 'error':
        throw part.error;
      case 'abort':
        throw new Error('the request was ended');
      default:
        break;
    }
  }
  // A stream that just stops has not said its last word: half an answer is none.
  if (finish === null || BROKEN_OFF.has(finish.finishReason)) throw new Error('the answer broke off');
  return { text, calls, ...finish };
}

function usageOf(usage: {
  inputTokens: number | undefined;
  outputTokens: number | undefined;
  inputTokenDetails: { cacheReadTokens: number | undefined; cacheWriteTokens: number | undefined };
}): ModelUsage {
  return {
    inputTokens: usage.inputTokens ?? 0,
    outputTokens: usage.outputTokens ?? 0,
    cachedInputTokens: usage.inputTokenDetails.cacheReadTokens ?? 0,
    cacheWriteTokens: usage.inputTokenDetails.cacheWriteTokens ?? 0,
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

/** Pictures in the conversation as it is sent, bytes as encoded. */
export function imageBytesOf(messages: readonly ModelMessage[]): number {
  let bytes = 0;
  const walk = (value: unknown): void => {
    if (value instanceof Uint8Array) bytes += value.byteLength;
    else if (typeof value === 'string' && value.startsWith('data:image/'))
      bytes += Buffer.byteLength(value.slice(value.indexOf(',') + 1), 'base64');
    else if (Array.isArray(value)) for (const part of value) walk(part);
    else if (isRecord(value)) for (const part of Object.values(value as object)) walk(part);
  };
  for (const { role, content } of messages) if (role !== 'assistant') walk(content);
  return bytes;
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
