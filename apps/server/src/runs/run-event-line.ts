import type { RunEventPayload } from '@deskhand/protocol';

/** An event as stored: its place and its whole public JSON on one line. */
export type EventLine = Readonly<{ seq: number; type: string; json: string }>;

/** An entry of `/log`: the stored event, flat, and beside it as `{seq, type, data}` for clients of the older shape. */
export function logEntry(json: string): Record<string, unknown> {
  const event = JSON.parse(json) as Record<string, unknown>;
  const { seq: _seq, type: _type, run_id: _run, created_at: _at, ...data } = event;
  return { ...event, data };
}

/** The payload flat, then its place in the log (v1-api.md 3.1). */
export function eventLine(
  place: { runId: string; seq: number; at: string },
  payload: RunEventPayload,
): EventLine {
  const { type, ...fields } = payload;
  // JSON.stringify escapes line ends, so this is always a single line.
  const json = JSON.stringify({ ...fields, type, seq: place.seq, run_id: place.runId, created_at: place.at });
  return { seq: place.seq, type, json };
}
