import type { RunEventPayload } from '@deskhand/protocol';

/** An event as stored: its place and its whole public JSON on one line. */
export type EventLine = Readonly<{ seq: number; type: string; json: string }>;

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
