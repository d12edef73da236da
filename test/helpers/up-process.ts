import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** `bin/deskhand`, run as a person runs it. */
export const DESKHAND = fileURLToPath(new URL('../../bin/deskhand', import.meta.url));

export type Ready = Readonly<{
  event: 'ready';
  base_url: string;
  api_key: string;
  test_api_key: string;
  machine_id: string;
  display: string | null;
  stop_hotkey: string;
  overlay_url: string | null;
  pid: number;
}>;

/** An environment without this machine's display or settings. */
export function cleanEnv(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, DESKHAND_MODEL: 'builtin', ...extra };
  for (const name of [
    'DISPLAY',
    'WAYLAND_DISPLAY',
    'DESKHAND_DATA',
    'DESKHAND_BASE_URL',
    'DESKHAND_API_KEY',
    'NODE_OPTIONS',
    'VITEST',
  ])
    if (extra[name] === undefined) delete env[name];
  return env;
}

export function temporaryFolder(name: string): string {
  return mkdtempSync(path.join(tmpdir(), `deskhand-${name}-`));
}

/** `deskhand up --virtual --json` on its own data folder. */
export class UpProcess implements AsyncDisposable {
  readonly dataFolder: string;
  readonly ready: Ready;
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly #ownsFolder: boolean;

  private constructor(
    child: ChildProcess,
    ready: Ready,
    dataFolder: string,
    ownsFolder: boolean,
    stderr: () => string,
  ) {
    this.child = child;
    this.ready = ready;
    this.dataFolder = dataFolder;
    this.#ownsFolder = ownsFolder;
    this.stderr = stderr;
  }

  static async start(
    options: {
      dataFolder?: string;
      args?: readonly string[];
      env?: Record<string, string>;
      /** False: the display of `env` is lent. */
      virtual?: boolean;
    } = {},
  ): Promise<UpProcess> {
    const dataFolder = options.dataFolder ?? temporaryFolder('up');
    const child = spawn(
      DESKHAND,
      [
        'up',
        ...(options.virtual === false ? [] : ['--virtual']),
        '--json',
        '--no-demo',
        '--overlay',
        'none',
        '--port',
        '0',
        '--data',
        dataFolder,
        ...(options.args ?? []),
      ],
      { env: cleanEnv(options.env), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    const line = await new Promise<string>((resolve, reject) => {
      const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
      lines.once('line', resolve);
      child.once('exit', (code, signal) =>
        reject(
          new Error(`up ended before it was ready (${signal ?? code}):\n${stderr}${logTails(dataFolder)}`),
        ),
      );
    });
    return new UpProcess(
      child,
      JSON.parse(line) as Ready,
      dataFolder,
      options.dataFolder === undefined,
      () => stderr,
    );
  }

  /** Sends SIGTERM and waits for the end. @returns milliseconds it took. */
  async terminate(): Promise<number> {
    const started = performance.now();
    await this.#end('SIGTERM');
    return performance.now() - started;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM');
    if (this.#ownsFolder) rmSync(this.dataFolder, { recursive: true, force: true });
  }

  request(pathname: string, init: RequestInit & { key?: string } = {}): Promise<Response> {
    const { key = this.ready.api_key, ...rest } = init;
    return fetch(`${this.ready.base_url}${pathname}`, {
      ...rest,
      headers: {
        'x-api-key': key,
        ...(rest.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(rest.headers as Record<string, string>),
      },
    });
  }
}

/** Last lines of every log, for a failure a person can read. */
export function logTails(dataFolder: string): string {
  try {
    const folder = path.join(dataFolder, 'logs');
    return readdirSync(folder)
      .map(
        (name) =>
          `\n--- ${name}\n${readFileSync(path.join(folder, name), 'utf8').split('\n').slice(-15).join('\n')}`,
      )
      .join('');
  } catch {
    return '';
  }
}

/** Every process below this one, as the kernel tells it. */
export function descendants(pid: number): Array<{ pid: number; command: string }> {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), parent, command }];
      } catch {
        return [];
      }
    });
  const found: Array<{ pid: number; command: string }> = [];
  const frontier = [pid];
  for (let next = frontier.pop(); next !== undefined; next = frontier.pop()) {
    for (const entry of processes.filter((candidate) => candidate.parent === next)) {
      found.push({ pid: entry.pid, command: entry.command });
      frontier.push(entry.pid);
    }
  }
  return found;
}

/** Every process that was started with this variable, whoever is its parent by now; none but on Linux. */
export function findProcesses(name: string, value: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(`${name}=${value}`);
      } catch {
        // It ended while we looked.
        return false;
      }
    })
    .map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // A zombie is dead: its parent just has not asked yet.
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}

/** Runs one command to its end. */
export function deskhand(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(DESKHAND, [...args], { env: cleanEnv(options.env), stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
