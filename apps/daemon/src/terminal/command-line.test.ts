import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive } from '@deskhand/base/process-lock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine } from './command-line.ts';

let folder: string;
let line: CommandLine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deskhand-command-'));
  line = new CommandLine({
    inheritedEnv: { PATH: process.env.PATH, HOME: folder, OPENAI_API_KEY: 'secret' },
    env: { DISPLAY: ':42' },
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (command: string, timeoutMs = 10_000, cwd: string | null = null) =>
  line.run({ command, cwd, timeoutMs }, { signal: AbortSignal.timeout(20_000) });

describe('a command line', () => {
  it('answers with what it wrote and how it ended', async () => {
    expect(await run(`printf '\\033[31mred\\033[0m\\n'; echo bad >&2; exit 3`)).toMatchObject({
      exit_code: 3,
      output: 'red\n',
      stderr: 'bad\n',
      truncated: false,
      timed_out: false,
    });
  });

  it('runs in the folder asked for, with the desktop’s variables and without our secrets', async () => {
    const result = await run('pwd; echo "$DISPLAY"; echo "key:$OPENAI_API_KEY"', 10_000, '/');
    expect(result.output).toBe('/\n:42\nkey:\n');
    expect((await run('pwd')).output).toBe(`${folder}\n`);
    await expect(run('true', 10_000, '/no/such/folder')).rejects.toMatchObject({ code: 'INVALID_PATH' });
    await expect(run('true', 10_000, 'relative')).rejects.toMatchObject({ code: 'INVALID_PATH' });
  });

  it('cuts long output without cutting a character, and lets the writer finish', async () => {
    const result = await run(`for i in $(seq 1 40000); do printf 'é€'; done; touch ${folder}/finished`);
    expect(result.exit_code).toBe(0);
    expect(result.truncated).toBe(true);
    expect(result.output.length).toBeLessThanOrEqual(65_536);
    expect(result.output).not.toContain('\uFFFD');
    expect(existsSync(join(folder, 'finished'))).toBe(true);
  });

  it('ends everything it started when its time is up', async () => {
    const result = await run(`sleep 60 & echo $! > ${folder}/pid; echo started; wait`, 1000);
    expect(result).toMatchObject({ exit_code: null, timed_out: true, output: 'started\n' });
    const started = await pidIn('pid');
    await expect.poll(() => isProcessAlive(started)).toBe(false);
  });

  it('ends what a finished command left in the background', async () => {
    const result = await run(`sleep 60 & echo $! > ${folder}/left; echo done`);
    expect(result).toMatchObject({ exit_code: 0, output: 'done\n' });
    const left = await pidIn('left');
    await expect.poll(() => isProcessAlive(left)).toBe(false);
  });

  it('rejects with the reason of whoever stopped it, and kills it', async () => {
    const stop = new AbortController();
    const running = line.run(
      { command: `echo $$ > ${folder}/own; sleep 60`, cwd: null, timeoutMs: 60_000 },
      { signal: stop.signal },
    );
    const pid = await pidIn('own');
    stop.abort(new Error('kill switch'));
    await expect(running).rejects.toThrow('kill switch');
    await expect.poll(() => isProcessAlive(pid)).toBe(false);
  });
});

async function pidIn(name: string): Promise<number> {
  for (;;) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (text.endsWith('\n')) return Number(text);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A zombie that nobody has reaped yet is not alive. */
