import { request } from 'node:http';

export type SseClientEvent = { id: number; event: string; data: Record<string, unknown> };

/**
 * A follower that reads the stream byte by byte as it is, over a real socket. Reconnecting is the caller's business,
 * so that a test can cut wherever it likes.
 */
export class SseClient {
  readonly events: SseClientEvent[] = [];
  raw = '';
  status = 0;
  headers: Record<string, unknown> = {};
  /** Settles when the response ended or broke. */
  readonly ended: Promise<void>;
  readonly #request;

  constructor(url: string, headers: Record<string, string>) {
    let end: () => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    let pending = '';
    this.#request = request(
      url,
      { headers: { accept: 'text/event-stream', ...headers }, agent: false },
      (response) => {
        this.status = response.statusCode ?? 0;
        this.headers = response.headers;
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          this.raw += chunk;
          pending += chunk;
          for (let at = pending.indexOf('\n\n'); at !== -1; at = pending.indexOf('\n\n')) {
            const frame = pending.slice(0, at);
            pending = pending.slice(at + 2);
            const match = /^id: (\d+)\nevent: (.+)\ndata: (.+)$/.exec(frame);
            if (match !== null)
              this.events.push({
                id: Number(match[1]),
                event: match[2] ?? '',
                data: JSON.parse(match[3] ?? '{}'),
              });
          }
        });
        response.on('close', end);
        response.on('error', end);
      },
    );
    this.#request.on('error', end);
    this.#request.end();
  }

  get lastId(): number {
    return this.events.at(-1)?.id ?? 0;
  }

  get types(): string[] {
    return this.events.map((event) => event.event);
  }

  close(): void {
    this.#request.destroy();
  }
}
