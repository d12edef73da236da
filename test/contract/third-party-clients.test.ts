import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logTails, UpProcess } from '../helpers/up-process.ts';

/**
 * Programs written for this API by others, as v1-api.md section 10 and the founding article tell of them, pointed at
 * `bin/deskhand up` with its real desktop and its built-in engine. They bring their own parsers and their own
 * assertions; the files a task leaves on disk are the judge of what was done.
 */

const CLIENTS = path.resolve(import.meta.dirname, 'third-party');
const PROGRAMS = {
  py: ['python3'],
  ts: [process.execPath, '--no-warnings'],
  sh: ['bash'],
} as const;

let up: UpProcess;
beforeAll(async () => {
  up = await UpProcess.start({ env: { DESKHAND_EXTRA_API_KEYS: 'sk-coasty-test-offline' } });
});
afterAll(() => up?.[Symbol.asyncDispose]());

/** Runs one client to its end. @returns what it printed; throws with everything it said when it did not end well. */
async function client(name: string, ...args: string[]): Promise<string> {
  const [program, ...options] = PROGRAMS[path.extname(name).slice(1) as keyof typeof PROGRAMS];
  const child = spawn(program, [...options, path.join(CLIENTS, name), ...args], {
    env: {
      ...process.env,
      COASTY_BASE_URL: up.ready.base_url,
      COASTY_API_KEY: up.ready.api_key,
      COASTY_TEST_KEY: up.ready.test_api_key,
      COASTY_MACHINE_ID: up.ready.machine_id,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 80_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) {
    await cancelOpenRuns();
    throw new Error(`${name} ended with ${code}:\n${stdout}${stderr}${logTails(up.dataFolder)}`);
  }
  return stdout;
}

/** A client that failed in the middle must not keep the desktop from the next one. */
async function cancelOpenRuns(): Promise<void> {
  const { data } = (await (await up.request('/runs?limit=50')).json()) as {
    data: { id: string; finished_at: string | null }[];
  };
  for (const run of data)
    if (run.finished_at === null) await up.request(`/runs/${run.id}/cancel`, { method: 'POST' });
}

const file = (name: string) => path.join(up.dataFolder, name);

describe('programs written for this API by others', { timeout: 90_000 }, () => {
  it('the script of the founding article', async () => {
    const task = `Open the text editor, type "from the article", save it as ${file('article.txt')}`;
    const [first, ...lines] = (await client('founding_document.py', up.ready.machine_id, task))
      .trim()
      .split('\n');
    expect(first).toMatch(/^run_id: run_[0-9a-f]{24} state: queued$/);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'done', state: 'succeeded' });
    expect(readFileSync(file('article.txt'), 'utf8')).toBe('from the article');
  });

  it('clients over fetch: flat machines, action policies, a base URL without /v1, POSTs without a body', async () => {
    const allowed = `Open the text editor, type "under a policy", save it as ${file('under-a-policy.txt')}`;
    const forbidden = `Open the text editor, type "forbidden", save it as ${file('forbidden.txt')}`;
    await client('cowork.ts', allowed, forbidden);
    // The editor of the article's run is still open, with its text.
    expect(readFileSync(file('under-a-policy.txt'), 'utf8')).toContain('under a policy');
    expect(() => readFileSync(file('forbidden.txt'))).toThrow(/ENOENT/);
  });

  it('curl, sed and nothing that knows JSON', async () => {
    await client('by_hand.sh', 'Open the text editor', up.dataFolder);
  });

  it('a client with a literal key, strict expressions and paged pixels', async () => {
    const task = `Open the text editor, type "triaged", save it as ${file('triage.txt')}`;
    await client('order_triage.py', task);
    expect(readFileSync(file('triage.txt'), 'utf8')).toBe('triaged');
  });

  it('a Python client: retries, a pause answered with a note, cancel, lists, modes, webhooks', async () => {
    // Last: what it cancels stays on the screen as it was, a dialog with a question.
    writeFileSync(file('order.txt'), 'old');
    await client('cookbook.py', `Create a file called ${file('order.txt')} with the text "new words"`, 'yes');
    expect(readFileSync(file('order.txt'), 'utf8')).toBe('new words');
  });
});
