import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRIES = {
  scripted: fileURLToPath(new URL('./scripted-server.ts', import.meta.url)),
  main: fileURLToPath(new URL('../main.ts', import.meta.url)),
};

/** A server in its own process, which a test may kill at any moment and start again on the same folder and port. */
export class ServerProcess implements AsyncDisposable {
  readonly folder: string;
  readonly #entry: string;
  readonly #settings: Record<string, string>;
  port = 0;
  /** What it wrote, and the problem it told its parent: as a person at a terminal reads it. */
  stderr = '';
  readonly #env: Readonly<Record<string, string>>;
  readonly #nodeFlags: readonly string[];
  #child: ChildProcess | undefined;

  constructor(
    folder: string,
    settings: Record<string, string> = {},
    entry: keyof typeof ENTRIES = 'scripted',
    options: { nodeFlags?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
  ) {
    this.#nodeFlags = options.nodeFlags ?? [];
    this.#env = options.env ?? {};
    this.folder = folder;
    this.#settings = settings;
    this.#entry = ENTRIES[entry];
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** @returns milliseconds until it was ready. */
  async start(): Promise<number> {
    const startedMs = performance.now();
    const { child, exited } = this.spawn();
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: { port?: number }) => {
        if (message.port === undefined) return;
        this.port = message.port;
        resolve();
      });
      void exited.then((code) =>
        reject(new Error(`the server ended with ${code}: ${this.stderr.slice(-2000)}`)),
      );
    });
    return performance.now() - startedMs;
  }

  /** Starts it without waiting for it to be ready. */
  spawn(): { child: ChildProcess; exited: Promise<number | string | null> } {
    const env: Record<string, string | undefined> = {
      ...process.env,
      ...this.#env,
      DESKHAND_DATA: this.folder,
      DESKHAND_PORT: String(this.port),
      DESKHAND_LOG_LEVEL: 'warn',
    };
    for (const [name, value] of Object.entries(this.#settings)) env[`DESKHAND_${name.toUpperCase()}`] = value;
    const child = spawn(process.execPath, [...this.#nodeFlags, this.#entry], {
      env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString('utf8');
    });
    child.on('message', (message: { type?: string; code?: string; message?: string }) => {
      if (message.type === 'problem') this.stderr += `${message.code}: ${message.message}\n`;
    });
    const exited = new Promise<number | string | null>((resolve) => {
      child.once('exit', (code, signal) => {
        const done = () => resolve(signal ?? code);
        // What it told last may still be on its way.
        if (child.connected) child.once('disconnect', done);
        else done();
      });
    });
    return { child, exited };
  }

  /** No goodbye. Settles when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async key(name: 'api_key' | 'test_api_key' = 'api_key'): Promise<string> {
    const text = await readFile(path.join(this.folder, 'credentials.json'), 'utf8');
    return (JSON.parse(text) as Record<string, string>)[name] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
