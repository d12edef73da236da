import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../browser/main.ts', import.meta.url));

/** The browser host as the command line starts it: a child with an IPC channel. */
export class PanelProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.child = child;
    this.url = url;
  }

  /** @param env added to this process's own. */
  static async start(
    dataDir: string,
    options: { env: Record<string, string>; args?: readonly string[] },
  ): Promise<PanelProcess> {
    const child = spawn(process.execPath, [entry, '--data', dataDir, ...(options.args ?? [])], {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) =>
        reject(new Error(`the panel ended with ${code} before it was ready:\n${stderr}`)),
      );
      child.once('error', reject);
      child.on('message', (message) => {
        const { type, url } = message as { type: string; url: string };
        if (type === 'ready') resolve(url);
      });
    });
    return new PanelProcess(child, url);
  }

  /** A fresh one-time link, asked for as the command line does. */
  async issueLink(): Promise<string> {
    const link = new Promise<string>((resolve) => {
      const listen = (message: unknown) => {
        const { type, url } = message as { type: string; url: string };
        if (type !== 'link') return;
        this.child.off('message', listen);
        resolve(url);
      };
      this.child.on('message', listen);
    });
    this.child.send({ type: 'issue_link' });
    return link;
  }

  /** @returns how the process ended and after how long. */
  async end(how: NodeJS.Signals | 'disconnect' = 'SIGTERM'): Promise<{ code: number | null; ms: number }> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode, ms: 0 };
    const startedMs = performance.now();
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    if (how === 'disconnect') child.disconnect();
    else child.kill(how);
    return { code: await gone, ms: performance.now() - startedMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Asked first, so that it takes its window with it.
    const last = setTimeout(() => this.child.kill('SIGKILL'), 3000);
    await this.end('SIGTERM');
    clearTimeout(last);
  }
}
