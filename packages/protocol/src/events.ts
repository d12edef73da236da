import { z } from 'zod';
import { RunError, RunResult, RunStatus } from './run.ts';

/**
 * One fact in a run's log, with a durable sequence number. SSE and /log serve the same rows
 * (v1-api.md 3). Payload fields sit flat beside `seq`, `type`, `run_id`, `created_at`.
 */
export const RUN_EVENT_TYPES = [
  'status',
  'text',
  'reasoning',
  'tool_call',
  'tool_result',
  'awaiting_human',
  'resumed',
  'step',
  'billing',
  'error',
  'done',
] as const;
export const RunEventType = z.enum(RUN_EVENT_TYPES);
export type RunEventType = z.infer<typeof RunEventType>;

const text = z.string().max(64_000);

/** What asking models took; cost is null where nobody wrote down the price. */
export const ModelUsageReport = z.looseObject({
  requests: z.int().min(0),
  input_tokens: z.int().min(0),
  output_tokens: z.int().min(0),
  cached_input_tokens: z.int().min(0),
  /** Pictures in the requests, as encoded. */
  image_bytes: z.int().min(0),
  cost_usd: z.number().min(0).nullable(),
});
export type ModelUsageReport = z.infer<typeof ModelUsageReport>;

export const RunEventPayload = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('status'),
    status: RunStatus,
    state: RunStatus,
    machine_id: z.string().optional(),
  }),
  z.looseObject({ type: z.literal('text'), text, model_usage: ModelUsageReport.optional() }),
  z.looseObject({ type: z.literal('reasoning'), text, model_usage: ModelUsageReport.optional() }),
  z.looseObject({
    type: z.literal('tool_call'),
    step: z.int().min(1),
    tool: z.string(),
    action_type: z.string(),
    params: z.record(z.string(), z.unknown()),
    /** In words, from facts: what it acts on by its name on the screen. Absent in logs of other servers. */
    description: z.string().optional(),
  }),
  z.looseObject({
    type: z.literal('tool_result'),
    step: z.int().min(1),
    tool: z.string(),
    success: z.boolean(),
    outcome: z.string().optional(),
    error: z.string().optional(),
    duration_ms: z.number().optional(),
  }),
  z.looseObject({ type: z.literal('awaiting_human'), reason: z.string() }),
  z.looseObject({ type: z.literal('resumed'), note: z.string().nullable() }),
  z.looseObject({
    type: z.literal('step'),
    steps_completed: z.int().min(0),
    /** Where the step's time went, in milliseconds per part. */
    timings_ms: z.record(z.string(), z.number()).optional(),
    /** What the step's decision took; absent without a model. */
    model_usage: ModelUsageReport.optional(),
  }),
  z.looseObject({ type: z.literal('billing'), credits_charged: z.int().min(0), cost_cents: z.int().min(0) }),
  z.looseObject({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    rule: z.string().optional(),
  }),
  z.looseObject({
    type: z.literal('done'),
    status: RunStatus,
    state: RunStatus,
    result: RunResult.nullable(),
    error: RunError.nullable(),
  }),
]);
export type RunEventPayload = z.infer<typeof RunEventPayload>;

/** An event as stored and as sent: the payload plus its place in the log. */
export const RunEvent = z.intersection(
  RunEventPayload,
  z.looseObject({ seq: z.int().min(1), run_id: z.string(), created_at: z.iso.datetime() }),
);
export type RunEvent = z.infer<typeof RunEvent>;

/**
 * One SSE frame, exactly `id:`, `event:`, `data:`, blank line, LF, `data` a single line of JSON (v1-api.md 3.1).
 * @param json one line as JSON.stringify makes it, without white space between tokens.
 */
export function encodeSse(event: { seq: number; type: string }, json: string): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${json.replace(MORE_LINE_ENDS, escapeOne)}\n\n`;
}

/**
 * Line ends to some readers but not to JSON.stringify: Python's splitlines cuts there, and a JavaScript regular
 * expression's dot stops there. They can only occur inside strings, where an escape means the same.
 */
const MORE_LINE_ENDS = /[\u0085\u2028\u2029]/g;

function escapeOne(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

export const SSE_KEEPALIVE = ': keepalive\n\n';
export const SSE_KEEPALIVE_MS = 15_000;
