import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type SeenRequest = Readonly<{
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}>;

export type Script = (
  request: SeenRequest,
  response: ServerResponse,
  /** Position of this request, from 0. */
  index: number,
) => void | Promise<void>;

/** A real HTTP server on a free loopback port that answers as the test says and remembers what it was asked. */
export class ScriptedServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly port: number;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(script: Script, port = 0): Promise<ScriptedServer> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const scripted = new ScriptedServer(server, (server.address() as AddressInfo).port);
    server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      request.setEncoding('utf8');
      for await (const chunk of request) body += chunk;
      const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      const index = scripted.requests.push(seen) - 1;
      await script(seen, response, index);
    });
    return scripted;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function errorBody(code: string, extra: Record<string, unknown> = {}): unknown {
  return {
    error: {
      code,
      message: `${code} happened`,
      type: 'server_error',
      request_id: 'req_0123456789ab',
      retryable: true,
      retry_with_same_idempotency_key: false,
      ...extra,
    },
  };
}

export function runBody(id: string, status = 'running'): Record<string, unknown> {
  return {
    id,
    run_id: id,
    object: 'agent.run',
    status,
    state: status,
    machine_id: 'machine-1',
    machine: null,
    task: 'Open the editor',
    cua_version: 'v3',
    instructions: null,
    max_steps: 50,
    deadline_seconds: null,
    on_awaiting_human: 'pause',
    steps_completed: 0,
    credits_charged: 0,
    cost_cents: 0,
    result: null,
    error: null,
    awaiting_human_reason: null,
    awaiting_human_since: null,
    metadata: null,
    llm: null,
    webhook_url: null,
    webhook_secret: null,
    created_at: '2026-01-01T00:00:00Z',
    started_at: null,
    finished_at: null,
    request_id: null,
  };
}
