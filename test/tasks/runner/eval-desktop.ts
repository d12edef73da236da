import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@deskhand/client';
import { descendants, temporaryFolder, UpProcess } from '../../helpers/up-process.ts';

const run = promisify(execFile);
const CLOSE_WINDOWS = fileURLToPath(new URL('./close-windows.ts', import.meta.url));
const CLOSE_CEILING_MS = 15_000;

/** What a person who lends a desktop for these tasks has agreed to: commands, and files below one folder. */
const POLICY = {
  version: 1,
  runs: { local_server: 'allow', other_servers: 'deny' },
  applications: { default: 'allow', rules: [] },
  urls: { default: 'allow', rules: [] },
  terminal: { allow: true },
  files: { roots: [] },
};

/** One virtual desktop with its own server and daemon, brought up by the real command. */
export class EvalDesktop implements AsyncDisposable {
  readonly client: Client;
  readonly machineId: string;
  /** Where tasks keep their files: always readable by the desktop's file tools. */
  readonly workFolder: string;
  readonly #up: UpProcess;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(up: UpProcess) {
    this.#up = up;
    this.client = new Client({ baseUrl: up.ready.base_url, apiKey: up.ready.api_key });
    this.machineId = up.ready.machine_id;
    this.workFolder = path.join(up.dataFolder, 'work');
    this.#environment = environmentOf(up);
  }

  static async start(): Promise<EvalDesktop> {
    const dataFolder = temporaryFolder('eval');
    writeFileSync(path.join(dataFolder, 'policy.json'), JSON.stringify(POLICY), { mode: 0o600 });
    return new EvalDesktop(await UpProcess.start({ dataFolder }));
  }

  /** Closes every window, as a person would before the next piece of work. @returns false when one stayed. */
  async clear(): Promise<boolean> {
    try {
      await run(process.execPath, ['--disable-warning=ExperimentalWarning', CLOSE_WINDOWS], {
        env: this.#environment,
        timeout: CLOSE_CEILING_MS,
      });
      return true;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#up[Symbol.asyncDispose]();
    rmSync(this.#up.dataFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** The private X server's cookie is only known to its own command line. */
function environmentOf(up: UpProcess): NodeJS.ProcessEnv {
  const pid = up.child.pid as number;
  const server = descendants(pid).find(({ command }) => /(^|\/)Xvfb /.test(command));
  if (server === undefined) throw new Error('the virtual desktop shows no X server');
  const args = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').split('\0');
  return {
    ...process.env,
    DISPLAY: up.ready.display ?? '',
    XAUTHORITY: args[args.indexOf('-auth') + 1] ?? '',
  };
}
