import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Logger, silentLogger, sleep } from '@deskhand/base';
import type { Run } from '@deskhand/protocol';
import { readConfig } from '../config.ts';
import { type Overrides, type Server, startServer } from '../server.ts';
import { FakeDaemon, type FakeDaemonOptions } from './fake-daemon.ts';
import { ScriptedMinds } from './scripted-minds.ts';
import { SseClient } from './sse-client.ts';

export type Answer<Body = Record<string, unknown>> = { status: number; headers: Headers; body: Body };

/** A real server on a free port and a folder of its own, with an engine that obeys its task. */
export class TestServer implements AsyncDisposable {
  readonly folder: string;
  readonly minds = new ScriptedMinds();
  server: Server;
  key: string;
  testKey: string;
  readonly #settings: Record<string, string>;
  readonly #overrides: Overrides;
  readonly #log: Logger;
  readonly #daemons: FakeDaemon[] = [];

  private constructor(parts: {
    folder: string;
    settings: Record<string, string>;
    overrides: Overrides;
    log: Logger;
  }) {
    this.folder = parts.folder;
    this.#settings = parts.settings;
    this.#overrides = parts.overrides;
    this.#log = parts.log;
    this.server = undefined as never;
    this.key = '';
    this.testKey = '';
  }

  /** @param settings as in the environment, without the prefix, e.g. `{ link_grace_ms: '500' }`. */
  static async start(
    settings: Record<string, string> = {},
    options: { folder?: string; overrides?: Overrides; log?: Logger } = {},
  ): Promise<TestServer> {
    const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'deskhand-server-')));
    const test = new TestServer({
      folder,
      settings,
      overrides: options.overrides ?? {},
      log: options.log ?? silentLogger,
    });
    await test.boot();
    return test;
  }

  /** Starts (again) on the same folder, on the same port when it had one. */
  async boot(): Promise<void> {
    const port = this.server === undefined ? '0' : String(this.server.port);
    const env: Record<string, string> = { DESKHAND_DATA: this.folder, DESKHAND_PORT: port };
    for (const [name, value] of Object.entries(this.#settings)) env[`DESKHAND_${name.toUpperCase()}`] = value;
    this.server = await startServer(readConfig(env), this.#log, { minds: this.minds, ...this.#overrides });
    const credentials = JSON.parse(await readFile(path.join(this.folder, 'credentials.json'), 'utf8')) as {
      api_key: string;
      test_api_key: string;
    };
    this.key = credentials.api_key;
    this.testKey = credentials.test_api_key;
  }

  async stop(): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  get origin(): string {
    return this.server.baseUrl.replace(/\/v1$/, '');
  }

  async call<Body = Record<string, unknown>>(
    method: string,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(
      `${route.startsWith('/api') || route.startsWith('/open') || route.startsWith('/docs') ? this.origin : this.server.baseUrl}${route}`,
      {
        method,
        headers: {
          'x-api-key': this.key,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      },
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text.startsWith('{') ? JSON.parse(text) : text) as Body,
    };
  }

  /** Registers a machine and connects a desktop to it. */
  async desktop(options: Partial<FakeDaemonOptions> = {}): Promise<FakeDaemon> {
    const created = await this.call<{ enrollment: { token: string } }>('POST', '/machines', {
      display_name: 'a desktop',
    });
    const daemon = await FakeDaemon.connect({
      auth: { code: created.body.enrollment.token },
      ...options,
      origin: this.origin,
    });
    this.#daemons.push(daemon);
    return daemon;
  }

  async createRun(machineId: string, task: string, extra: Record<string, unknown> = {}): Promise<Run> {
    const { status, body } = await this.call<Run>('POST', '/runs', { machine_id: machineId, task, ...extra });
    if (status !== 200) throw new Error(`POST /runs answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  async run(runId: string): Promise<Run> {
    return (await this.call<Run>('GET', `/runs/${runId}`)).body;
  }

  follow(runId: string, headers: Record<string, string> = {}, query = ''): SseClient {
    return new SseClient(`${this.server.baseUrl}/runs/${runId}/events${query}`, {
      'x-api-key': this.key,
      ...headers,
    });
  }

  /** Waits until the run has one of these states. */
  untilStatus(runId: string, ...statuses: string[]): Promise<Run> {
    return eventually(async () => {
      const run = await this.run(runId);
      if (!statuses.includes(run.status))
        throw new Error(
          `the run is ${run.status}, not ${statuses.join(' or ')}: ${JSON.stringify(run.error)}`,
        );
      return run;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons) await daemon[Symbol.asyncDispose]();
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Tries until it no longer throws; the last error after the ceiling. */
export async function eventually<T>(check: () => Promise<T> | T, ceilingMs = 10_000): Promise<T> {
  const untilMs = Date.now() + ceilingMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
    }
    await sleep(10);
  }
}
