import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { cleanEnv, DESKHAND, descendants, isAlive, temporaryFolder } from '../helpers/up-process.ts';

/** `deskhand up --overlay none` on a real pseudo-terminal, with a person's keys. */
describe('the panel on a terminal', () => {
  const dataFolder = temporaryFolder('terminal');
  let terminal: ChildProcess;
  let shown = '';

  beforeAll(async () => {
    const command = `${DESKHAND} up --virtual --overlay none --port 0 --data ${dataFolder}`;
    terminal = spawn('script', ['-qfec', command, '/dev/null'], {
      env: cleanEnv({ TERM: 'xterm', LANG: 'C.UTF-8' }),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    terminal.stdout?.on('data', (chunk: Buffer) => {
      shown += chunk.toString('utf8');
    });
    await eventually(() => shown.includes('Press s to stop'), {
      what: 'the terminal panel',
      timeoutMs: 90_000,
    });
  }, 100_000);
  afterAll(() => {
    terminal.kill('SIGKILL');
    rmSync(dataFolder, { recursive: true, force: true });
  });

  it('says who is in control, and a press of s stops', async () => {
    expect(shown).toContain('Ready');
    const { api_key, base_url } = JSON.parse(readFileSync(join(dataFolder, 'credentials.json'), 'utf8'));
    const { machine_id } = JSON.parse(readFileSync(join(dataFolder, 'machine.json'), 'utf8'));
    const task = 'Wait 20 seconds, then wait 20 seconds.';
    await fetch(`${base_url}/runs`, {
      method: 'POST',
      headers: { 'X-API-Key': api_key, 'Content-Type': 'application/json' },
      body: JSON.stringify({ machine_id, task }),
    });
    await eventually(() => shown.includes('Agent is in control'), {
      what: 'the running state',
      timeoutMs: 30_000,
    });
    expect(shown).toContain(task);
    terminal.stdin?.write('x');
    terminal.stdin?.write('s');
    await eventually(() => existsSync(join(dataFolder, 'latch.json')), { what: 'the latch' });
    expect(JSON.parse(readFileSync(join(dataFolder, 'latch.json'), 'utf8'))).toMatchObject({ by: 'cli' });
    await eventually(() => /Stopped.*from a terminal/.test(shown), { what: 'the stopped state' });
  });

  it('ends everything at Ctrl-C, and leaves nothing', async () => {
    const family = descendants(terminal.pid as number).map(({ pid }) => pid);
    expect(family.length).toBeGreaterThan(3);
    const ended = new Promise((resolve) => terminal.once('exit', resolve));
    terminal.stdin?.write('\u0003');
    await ended;
    await eventually(() => family.every((pid) => !isAlive(pid)), { what: 'the end of all processes' });
  });
});
