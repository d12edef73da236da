import { sleep } from '@deskhand/base';
import { decodeValue, isTerminal, parseJson, Run, RunEvent, RunEventType } from '@deskhand/protocol';
import { z } from 'zod';
import { ConnectionError, UnexpectedResponseError } from './errors.ts';
import { EventStreamError, EventStreamParser } from './event-stream.ts';
import { type Http, isWorthRetrying, segment } from './http.ts';
import { Watchdog } from './watchdog.ts';

/** Reconnects in a row that bring nothing (no event, no keepalive) before the follower gives up: about two minutes. */
const MAX_FRUITLESS_RECONNECTS = 20;

export type FollowOptions = Readonly<{
  /** Only events after this sequence number. @default 0, all of them */
  after?: number;
  signal?: AbortSignal | undefined;
}>;

/** What one connection brought: events not seen before, and comments (keepalives). */
type Connection = { events: number; comments: number };

const EventPlace = z.looseObject({ seq: z.int().min(1), type: z.string() });

/**
 * The events of a run from `after` on: what is stored, then what happens, each once and in order, across any number
 * of broken connections. Ends after `done`. Event types this build does not know are skipped.
 *
 * @throws ApiError (404 …), UnexpectedResponseError, ConnectionError when the server stays away, the signal's reason
 */
export async function* followRun(
  http: Http,
  runId: string,
  options: FollowOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  const { signal } = options;
  const path = `/runs/${segment(runId)}`;
  const place = { cursor: Math.max(0, Math.trunc(options.after ?? 0)) };
  let fruitless = 0;
  let finishedBefore = false;
  for (;;) {
    const connection: Connection = { events: 0, comments: 0 };
    let failure: unknown;
    try {
      for await (const event of readConnection(http, `${path}/events`, place, connection, signal)) {
        yield event;
        if (event.type === 'done') return;
      }
    } catch (error) {
      if (!(error instanceof ConnectionError) && !isWorthRetrying(error)) throw error;
      failure = error;
    }
    fruitless = connection.events + connection.comments > 0 ? 0 : fruitless + 1;
    if (failure === undefined && connection.events === 0) {
      // A finished run replays up to `done`. If it was finished before we asked and still brought nothing, then
      // everything lies before the cursor; if it was not, the next connection has the rest.
      if (finishedBefore) return;
      const run = await http.json(Run, { method: 'GET', path, signal });
      finishedBefore = isTerminal(run.status);
      if (finishedBefore) continue;
    }
    if (fruitless >= MAX_FRUITLESS_RECONNECTS) {
      const url = http.url({ path: `${path}/events` });
      throw failure ?? new ConnectionError('cut', url, `${url} keeps closing without sending anything.`);
    }
    const pauseMs = http.pauseMs(fruitless + 1, failure);
    if (pauseMs === undefined) throw failure;
    await sleep(pauseMs, { signal });
  }
}

/** One connection, until it closes. Moves `place.cursor` past every event it has seen, unknown ones included. */
async function* readConnection(
  http: Http,
  path: string,
  place: { cursor: number },
  connection: Connection,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunEvent, void, undefined> {
  const url = http.url({ path });
  const watchdog = new Watchdog(
    signal,
    http.idleTimeoutMs,
    () =>
      new ConnectionError(
        'cut',
        url,
        `${url} sent nothing for ${http.idleTimeoutMs} ms, not even a keepalive.`,
      ),
  );
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (place.cursor > 0) headers['last-event-id'] = String(place.cursor);
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    const response = await http.open({ method: 'GET', path, headers, signal: watchdog.signal });
    reader = response.body?.getReader();
    const contentType = response.headers.get('content-type') ?? 'no content type';
    if (reader === undefined || !/^text\/event-stream\s*(;|$)/i.test(contentType))
      throw new UnexpectedResponseError(
        url,
        `an event stream was expected, but the answer is ${contentType}; is this the API's address?`,
      );
    const parser = new EventStreamParser();
    for (;;) {
      watchdog.touch();
      const { done, value } = await readChunk(reader, url, watchdog.signal);
      if (done) return;
      // A consumer that takes its time must not look like a silent server.
      watchdog.pause();
      const events = push(parser, value, url);
      connection.comments = parser.comments;
      for (const { data } of events) {
        const event = decodeEvent(data, url);
        if (event.seq <= place.cursor) continue;
        place.cursor = event.seq;
        connection.events += 1;
        if (event.known !== undefined) yield event.known;
      }
    }
  } finally {
    watchdog.stop();
    // Also the consumer's `break`: the socket goes with it.
    reader?.cancel().catch(() => {});
  }
}

async function readChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  url: string,
  signal: AbortSignal,
): Promise<{ done: false; value: Uint8Array } | { done: true; value?: undefined }> {
  try {
    const chunk = await reader.read();
    if (signal.aborted) throw signal.reason;
    return chunk.done ? { done: true } : { done: false, value: chunk.value };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new ConnectionError('cut', url, `The event stream of ${url} broke off.`, { cause });
  }
}

function push(parser: EventStreamParser, chunk: Uint8Array, url: string) {
  try {
    return parser.push(chunk);
  } catch (cause) {
    if (!(cause instanceof EventStreamError)) throw cause;
    throw new UnexpectedResponseError(url, cause.message, { cause });
  }
}

/** @returns the place in the log, and the event itself when its type is one we know. */
function decodeEvent(data: string, url: string): { seq: number; known: RunEvent | undefined } {
  try {
    const value = parseJson(data);
    const { seq, type } = decodeValue(EventPlace, value);
    const isKnown = RunEventType.safeParse(type).success;
    return { seq, known: isKnown ? decodeValue(RunEvent, value) : undefined };
  } catch (cause) {
    throw new UnexpectedResponseError(url, `an event does not fit its schema: ${(cause as Error).message}`, {
      cause,
    });
  }
}
