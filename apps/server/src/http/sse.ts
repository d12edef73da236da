import type { ServerResponse } from 'node:http';
import { errorAttributes, type Logger } from '@deskhand/base';
import { encodeSse, SSE_KEEPALIVE, SSE_KEEPALIVE_MS } from '@deskhand/protocol';
import type { FeedChunk, RunFeed } from '../runs/run-feed.ts';
import type { Database } from '../storage/database.ts';
import { cursorFrom } from './routes/shared.ts';

/** Events read from the store at once. */
const PAGE = 500;
/** A reader that lets this much pile up is dropped; it comes back with its cursor. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** A reader that takes nothing of what waits for it for this long is dropped too. */
const PATIENCE_MS = 60_000;

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  connection: 'keep-alive',
} as const;

/** `Last-Event-ID` wins over `?after=`; anything that is no whole number counts as 0 (v1-api.md 3.2). */
export function eventCursorFrom(lastEventId: string | undefined, after: unknown): number {
  return cursorFrom(lastEventId !== undefined && lastEventId !== '' ? lastEventId : after, 0);
}

/** All open event streams of this server. */
export class EventStreams implements AsyncDisposable {
  readonly #database: Database;
  readonly #feed: RunFeed;
  readonly #log: Logger;
  readonly #patienceMs: number;
  readonly #open = new Set<EventStream>();
  #keepalive: NodeJS.Timeout | undefined;

  constructor(parts: { database: Database; feed: RunFeed; log: Logger; patienceMs?: number | undefined }) {
    this.#patienceMs = parts.patienceMs ?? PATIENCE_MS;
    this.#database = parts.database;
    this.#feed = parts.feed;
    this.#log = parts.log;
  }

  start(): void {
    // One timer for all: a thousand streams need no thousand timers.
    this.#keepalive = setInterval(() => {
      for (const stream of [...this.#open]) stream.keepalive();
    }, SSE_KEEPALIVE_MS);
    this.#keepalive.unref();
  }

  get count(): number {
    return this.#open.size;
  }

  /** Serves one response to its end; the head was not written yet. */
  serve(
    response: ServerResponse,
    runId: string,
    cursor: number,
    headers: Readonly<Record<string, string>>,
    keyId: string,
  ): void {
    if (response.req.method === 'HEAD') {
      // There is nothing to follow in a head, and its connection is wanted for the next request.
      response.writeHead(200, { ...headers, ...SSE_HEADERS }).end();
      return;
    }
    const stream = new EventStream({
      response,
      runId,
      keyId,
      cursor,
      database: this.#database,
      feed: this.#feed,
      log: this.#log,
      patienceMs: this.#patienceMs,
      closed: () => this.#open.delete(stream),
    });
    this.#open.add(stream);
    response.writeHead(200, { ...headers, ...SSE_HEADERS });
    stream.start();
  }

  /** A key that was revoked reads nothing more. */
  endOf(keyId: string): void {
    for (const stream of [...this.#open]) if (stream.keyId === keyId) stream.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#keepalive);
    for (const stream of [...this.#open]) stream.end();
  }
}

/**
 * Subscribe, then replay from the store, then follow: the next event is delivered, an earlier one dropped, a later
 * one makes it read the store again. So nothing is lost or doubled, whatever happens in between.
 */
class EventStream {
  readonly keyId: string;
  readonly #response: ServerResponse;
  readonly #runId: string;
  readonly #database: Database;
  readonly #feed: RunFeed;
  readonly #log: Logger;
  readonly #closed: () => void;
  readonly #patienceMs: number;
  #last: number;
  #target = 0;
  #reading = false;
  #ended = false;
  #unfollow: () => void = () => {};

  constructor(parts: {
    response: ServerResponse;
    runId: string;
    keyId: string;
    cursor: number;
    database: Database;
    feed: RunFeed;
    log: Logger;
    patienceMs: number;
    closed: () => void;
  }) {
    this.#patienceMs = parts.patienceMs;
    this.#response = parts.response;
    this.#runId = parts.runId;
    this.keyId = parts.keyId;
    this.#last = parts.cursor;
    this.#database = parts.database;
    this.#feed = parts.feed;
    this.#log = parts.log;
    this.#closed = parts.closed;
  }

  start(): void {
    this.#response.on('close', () => {
      this.#forget();
      this.#closed();
    });
    this.#response.on('error', () => this.#forget());
    // Also once all is written: what nobody takes would stay in memory.
    this.#response.setTimeout(this.#patienceMs, () => {
      if (this.#response.writableLength > 0) this.#drop();
    });
    this.#response.flushHeaders();
    this.#unfollow = this.#feed.follow(this.#runId, {
      chunk: (chunk) => {
        if (this.#ended) return;
        if (chunk.to <= this.#last) {
          // Its cursor lies past the end: nothing of what comes is for it, and now nothing will come any more.
          if (chunk.done) this.end();
          return;
        }
        if (this.#reading || chunk.from !== this.#last + 1) {
          this.#target = Math.max(this.#target, chunk.to);
          void this.#read();
          return;
        }
        this.#last = chunk.to;
        this.#push(chunk);
        if (chunk.done) this.end();
      },
      behind: (lastSeq) => {
        if (this.#ended || lastSeq <= this.#last) return;
        this.#target = Math.max(this.#target, lastSeq);
        void this.#read();
      },
    });
    void this.#read();
  }

  keepalive(): void {
    if (!this.#ended) this.#write(SSE_KEEPALIVE);
  }

  end(): void {
    if (this.#ended) return;
    this.#response.end();
    this.#forget();
  }

  /** From the store up to its end; again while something newer was announced meanwhile. */
  async #read(): Promise<void> {
    if (this.#reading || this.#ended) return;
    this.#reading = true;
    try {
      do {
        for (;;) {
          const rows = await this.#database.read
            .selectFrom('run_events')
            .select(['seq', 'type', 'event'])
            .where('run_id', '=', this.#runId)
            .where('seq', '>', this.#last)
            .orderBy('seq')
            .limit(PAGE)
            .execute();
          if (this.#ended) return;
          if (rows.length === 0) break;
          let frames = '';
          let done = false;
          for (const row of rows) {
            frames += encodeSse(row, row.event);
            this.#last = row.seq;
            done = row.type === 'done';
          }
          // A replay goes at its reader's pace, a page at a time; only live events are pushed at it.
          this.#response.write(frames);
          if (done) this.end();
          if (this.#ended) return;
          if (this.#response.writableNeedDrain) await this.#drained();
          if (rows.length < PAGE) break;
        }
      } while (this.#target > this.#last && !this.#ended);
      if (!this.#ended && (await this.#isOver())) this.end();
    } catch (error) {
      this.#log.warn('an event stream broke off', { runId: this.#runId, ...errorAttributes(error) });
      this.#response.destroy();
      this.#forget();
    } finally {
      this.#reading = false;
      // Announced between the last page and now.
      if (!this.#ended && this.#target > this.#last) void this.#read();
    }
  }

  /** A cursor at or past the end of a finished run: nothing will ever come. */
  async #isOver(): Promise<boolean> {
    const run = await this.#database.read
      .selectFrom('runs')
      .select(['finished_at', 'last_seq'])
      .where('id', '=', this.#runId)
      .executeTakeFirst();
    return run === undefined || (run.finished_at !== null && this.#last >= run.last_seq);
  }

  /**
   * A live event. The same bytes go to every follower, framed for HTTP once by the feed: through the response each
   * of a thousand followers would frame them again, in four pieces. Only when nothing waits in the response itself,
   * so that the order holds.
   */
  #push(chunk: FeedChunk): void {
    const { socket } = this.#response;
    const direct =
      socket !== null &&
      this.#response.chunkedEncoding &&
      this.#response.writableLength === socket.writableLength;
    if (direct) socket.write(chunk.http);
    else this.#response.write(chunk.frames);
    this.#dropIfSlow();
  }

  #write(frames: string | Buffer): void {
    this.#response.write(frames);
    this.#dropIfSlow();
  }

  #dropIfSlow(): void {
    if (this.#response.writableLength > MAX_UNREAD_BYTES) this.#drop();
  }

  #drop(): void {
    this.#log.info('a slow event reader was dropped', { runId: this.#runId, lastSeq: this.#last });
    this.#response.destroy();
    this.#forget();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#response.off('drain', done);
        this.#response.off('close', done);
        resolve();
      };
      this.#response.once('drain', done);
      this.#response.once('close', done);
    });
  }

  #forget(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unfollow();
  }
}
