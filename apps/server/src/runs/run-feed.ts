import { errorAttributes, type Logger } from '@deskhand/base';
import { encodeSse } from '@deskhand/protocol';
import type { Bus } from '../seams/bus.ts';
import type { Database } from '../storage/database.ts';
import type { EventLine } from './run-event-line.ts';

/** How often the truth is asked whether a hint was lost. */
const POLL_MS = 2000;
const HEADER_BYTES = 9;

/** New events of one run, encoded once for all its followers. */
export type FeedChunk = Readonly<{
  /** First and last seq inside. */
  from: number;
  to: number;
  /** `done` is among them. */
  done: boolean;
  /** Ready SSE frames. */
  frames: Buffer;
  /** The same as one chunk of HTTP/1.1's chunked coding. */
  http: Buffer;
}>;

export interface FeedListener {
  /** Some events, perhaps not the next ones. */
  chunk(chunk: FeedChunk): void;
  /** The store holds events up to `lastSeq`; this listener may have missed some. */
  behind(lastSeq: number): void;
}

type Followed = { listeners: Set<FeedListener>; unsubscribe: () => void; lastSeq: number };

const subject = (runId: string) => `run.${runId}`;

/**
 * Wakes whoever follows runs: one bus subscription per followed run and process, one poll of the store for
 * all of them together. Only a hint; readers check the sequence and fill gaps from the store.
 */
export class RunFeed implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #database: Database;
  readonly #log: Logger;
  readonly #followed = new Map<string, Followed>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: { bus: Bus; database: Database; log: Logger }) {
    this.#bus = parts.bus;
    this.#database = parts.database;
    this.#log = parts.log;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#poll(), POLL_MS);
    this.#timer.unref();
  }

  publish(runId: string, lines: readonly EventLine[]): void {
    const first = lines[0];
    const last = lines.at(-1);
    if (first === undefined || last === undefined) return;
    const frames = Buffer.from(lines.map((line) => encodeSse(line, line.json)).join(''));
    const message = Buffer.allocUnsafe(HEADER_BYTES + frames.length);
    message.writeUInt32BE(first.seq, 0);
    message.writeUInt32BE(last.seq, 4);
    message.writeUInt8(lines.some((line) => line.type === 'done') ? 1 : 0, 8);
    frames.copy(message, HEADER_BYTES);
    this.#bus.publish(subject(runId), message);
  }

  /** @returns its own unsubscribe. */
  follow(runId: string, listener: FeedListener): () => void {
    const existing = this.#followed.get(runId);
    const followed = existing ?? this.#open(runId);
    followed.listeners.add(listener);
    return () => {
      followed.listeners.delete(listener);
      if (followed.listeners.size > 0 || this.#followed.get(runId) !== followed) return;
      followed.unsubscribe();
      this.#followed.delete(runId);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const { unsubscribe } of this.#followed.values()) unsubscribe();
    this.#followed.clear();
  }

  #open(runId: string): Followed {
    const followed: Followed = { listeners: new Set(), unsubscribe: () => {}, lastSeq: 0 };
    followed.unsubscribe = this.#bus.subscribe(subject(runId), (bytes) => {
      const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const frames = message.subarray(HEADER_BYTES);
      const chunk: FeedChunk = {
        from: message.readUInt32BE(0),
        to: message.readUInt32BE(4),
        done: message.readUInt8(8) === 1,
        frames,
        http: Buffer.concat([Buffer.from(`${frames.length.toString(16)}\r\n`), frames, Buffer.from('\r\n')]),
      };
      followed.lastSeq = Math.max(followed.lastSeq, chunk.to);
      for (const listener of [...followed.listeners]) listener.chunk(chunk);
    });
    this.#followed.set(runId, followed);
    return followed;
  }

  async #poll(): Promise<void> {
    const ids = [...this.#followed.keys()];
    try {
      for (let start = 0; start < ids.length; start += 500) {
        const rows = await this.#database.read
          .selectFrom('runs')
          .select(['id', 'last_seq'])
          .where('id', 'in', ids.slice(start, start + 500))
          .execute();
        for (const row of rows) {
          const followed = this.#followed.get(row.id);
          if (followed === undefined || row.last_seq <= followed.lastSeq) continue;
          followed.lastSeq = row.last_seq;
          for (const listener of [...followed.listeners]) listener.behind(row.last_seq);
        }
      }
    } catch (error) {
      this.#log.warn('followed runs could not be polled', errorAttributes(error));
    }
  }
}
