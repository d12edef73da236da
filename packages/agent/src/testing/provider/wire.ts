import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';

/** One answer of the scripted model. A call named `computer` is sent as the provider's own computer tool sends it. */
export type ScriptedAnswer = Readonly<{
  text?: string;
  calls?: ReadonlyArray<{ name: string; input: unknown; rawInput?: string }>;
  finish?: 'tool' | 'stop' | 'length';
  usage?: { input: number; output: number; cached?: number };
  /** Pause before each piece of the stream, milliseconds. */
  pieceMs?: number;
}>;

/** One server-sent event. */
export type Piece = Readonly<{ event?: string; data: unknown }>;

/** A provider's wire format, from its public API reference: what it takes and how it answers. */
export type Wire = Readonly<{
  name: 'anthropic' | 'openai' | 'responses' | 'google';
  path: RegExp;
  key(request: IncomingMessage): string | undefined;
  /** What is wrong with the headers, given the checked body; null when nothing. */
  headerProblem?(request: IncomingMessage, body: Record<string, unknown>): string | null;
  /** Strict: an unknown or missing field is a complaint. */
  body: z.ZodType<Record<string, unknown>>;
  /** What is wrong with the order of the conversation; null when nothing. */
  orderProblem(body: Record<string, unknown>): string | null;
  pieces(answer: ScriptedAnswer, body: Record<string, unknown>, newId: (prefix: string) => string): Piece[];
  /** Ends every stream, as raw text; empty where the format has none. */
  ending: string;
  error(status: number, kind: 'key' | 'busy' | 'fault'): unknown;
  /** An error in the middle of a stream. */
  streamError(): Piece;
}>;

export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A text in a few pieces, as a model says it. */
export function inPieces(text: string): string[] {
  return text.match(/[\s\S]{1,24}/g) ?? [];
}

/** What providers say with a status. */
export function wordsFor(status: number): string {
  return status === 404 ? 'The model does not exist or you do not have access to it.' : `scripted ${status}`;
}
