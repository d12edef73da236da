import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';

/** Between daemon and server, so that "the server is frozen" can be had. */
const RELAY = `
const net = require('node:net');
const server = net.createServer((a) => {
  const b = net.connect(Number(process.argv[1]), '127.0.0.1');
  a.pipe(b).pipe(a);
  a.on('error', () => b.destroy());
  b.on('error', () => a.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/** A panel as guard sees one; frozen, it reads nothing any more. */
const PANEL = `
const socket = require('node:net').connect(process.argv[1]);
socket.write(JSON.stringify({ type: 'attach', protocolVersion: 1, role: 'panel', token: process.argv[2], pid: process.pid }) + '\\n');
socket.once('data', () => console.log('attached'));
socket.on('data', () => {});
`;

/** A part of the house that can be frozen by SIGSTOP without freezing whoever watches. */
export class FrozenPart implements AsyncDisposable {
  readonly pid: number;
  readonly said: string;
  private constructor(pid: number, said: string) {
    this.pid = pid;
    this.said = said;
  }
  /** Passes a daemon's link on to a server. `said` is its port. */
  static relay(serverPort: number): Promise<FrozenPart> {
    return FrozenPart.#start(RELAY, String(serverPort));
  }
  /** Attaches to guard as a panel does, and reads what it says. */
  static panel(runtime: RuntimePaths): Promise<FrozenPart> {
    return FrozenPart.#start(PANEL, runtime.guardSocket, readFileSync(runtime.tokenFile, 'utf8').trim());
  }
  static async #start(program: string, ...args: string[]): Promise<FrozenPart> {
    const child = spawn(process.execPath, ['--eval', program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    return new FrozenPart(child.pid as number, said.toString().trim());
  }
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(this.pid, 'SIGKILL');
    } catch {
      // Killed by the test already.
    }
  }
}
