import { ErrorBody, ProtocolError } from '@deskhand/protocol';
import { z } from 'zod';

/** An id in a path: opaque, 1 to 128 characters. */
export const IdParams = z.object({ id: z.string().min(1).max(128) });

type QueryField = Readonly<{ description: string; type: 'integer' | 'string' | 'boolean' }>;

/** Query strings are read loosely: what is not known is ignored, what is known is checked by the handler. */
export function queryOf(fields: Readonly<Record<string, QueryField>>): z.ZodType {
  return z.looseObject(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, z.unknown().optional().meta(field)]),
    ),
  );
}

export const LIMIT: QueryField = { description: 'How many at most, 1 to 200.', type: 'integer' };

/** Headers of operations that may be repeated without harm. */
export const REPEATABLE = {
  'Idempotency-Key':
    '1 to 128 characters of A-Z a-z 0-9 _ : -; the same key and body give the first answer again for 24 hours.',
} as const;

/** Headers of operations that start a run. */
export const OWN_MODEL = {
  'X-LLM-Provider': 'anthropic or openai: the run uses a model key of your own.',
  'X-LLM-Api-Key': 'That key, for this run alone; without it the stored one is used.',
  'X-LLM-Model': 'The model, as its provider calls it.',
} as const;

/** Bodies that carry nothing, written in any of the ways clients do. */
export const EmptyBody = z.strictObject({});

/** @throws ProtocolError INVALID_LIMIT */
export function limitFrom(raw: unknown, fallback: number): number {
  if (raw === undefined || raw === '') return fallback;
  const text = typeof raw === 'string' ? raw.trim() : '';
  const value = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 1 && value <= 200))
    throw new ProtocolError('INVALID_LIMIT', '`limit` must be a whole number from 1 to 200.', {
      actual: Number.isNaN(value) ? text.slice(0, 64) || null : value,
      min: 1,
      max: 200,
    });
  return value;
}

/** "All after this": what is no whole number counts as `start`, one beyond all that is counted lies past every end. */
export function cursorFrom(raw: unknown, start: number): number {
  const text = typeof raw === 'string' ? raw.trim() : '';
  return /^\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : start;
}

/** What a route answers, for the description of the API; every refusal has the one envelope. */
export function answers(body: z.ZodType): Record<string, z.ZodType> {
  return { 200: body, '4xx': ErrorBody, '5xx': ErrorBody };
}
