import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { runtimePaths } from '@deskhand/base/runtime-paths';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import {
  cleanEnv,
  DESKHAND,
  descendants,
  deskhand,
  isAlive,
  temporaryFolder,
  UpProcess,
} from '../helpers/up-process.ts';

/** The house as a person and a program meet it: `bin/deskhand up`, curl, signals. */

describe('up', () => {
  let up: UpProcess;
  beforeAll(async () => {
    up = await UpProcess.start();
  });
  afterAll(() => up?.[Symbol.asyncDispose]());

  it('prints one ready line with everything a program needs', async () => {
    expect(up.ready).toEqual({
      event: 'ready',
      base_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1$/),
      api_key: expect.stringMatching(/^sk-coasty-live-[0-9a-f]{48}$/),
      test_api_key: expect.stringMatching(/^sk-coasty-test-[0-9a-f]{48}$/),
      machine_id: expect.stringMatching(/^[0-9a-f-]{8,64}$/),
      display: expect.stringMatching(/^:\d+$/),
      stop_hotkey: expect.stringMatching(/ctrl/i),
      overlay_url: null,
      pid: up.child.pid,
    });
    const machine = (await (await up.request(`/machines/${up.ready.machine_id}`)).json()) as {
      status: string;
    };
    expect(machine.status).toBe('running');
  });

  it('keeps its data folder and secrets to the person', () => {
    expect(statSync(up.dataFolder).mode & 0o777).toBe(0o700);
    for (const name of ['credentials.json', 'secret.key', 'machine.json'])
      expect(statSync(path.join(up.dataFolder, name)).mode & 0o077, name).toBe(0);
  });

  it('a run made with curl streams to done, each data line one JSON object', async () => {
    const body = JSON.stringify({
      machine_id: up.ready.machine_id,
      task: 'Take a screenshot.',
      model: 'builtin',
    });
    const created = JSON.parse(
      execFileSync(
        'curl',
        [
          '-sS',
          '-X',
          'POST',
          `${up.ready.base_url}/runs`,
          '-H',
          `X-API-Key: ${up.ready.api_key}`,
          '-H',
          'Content-Type: application/json',
          '-d',
          body,
        ],
        { encoding: 'utf8' },
      ),
    );
    // What the founding document's client reads.
    expect(created.run_id).toMatch(/^run_[0-9a-f]{24}$/);
    expect(created.state).toBe('queued');
    const stream = execFileSync(
      'curl',
      [
        '-sS',
        '-N',
        '--max-time',
        '50',
        `${up.ready.base_url}/runs/${created.run_id}/events`,
        '-H',
        `Authorization: Bearer ${up.ready.api_key}`,
      ],
      { encoding: 'utf8' },
    );
    const events = stream
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice(6)));
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events[0]).toMatchObject({ type: 'status', status: 'queued' });
    expect(events.at(-1)).toMatchObject({ type: 'done', status: 'succeeded', state: 'succeeded' });
  });

  it('a run whose action its own policy forbids ends with that rule, and the action is not done', async () => {
    const made = path.join(up.dataFolder, 'work', 'forbidden.txt');
    const answer = await up.request('/runs', {
      method: 'POST',
      body: JSON.stringify({
        machine_id: up.ready.machine_id,
        task: `Open the text editor, type "not this" and save it as ${made}`,
        action_policy: { blocked_actions: ['type'] },
      }),
    });
    const created = (await answer.json()) as { id: string };
    const ended = await eventually(
      async () => {
        const run = (await (await up.request(`/runs/${created.id}`)).json()) as {
          status: string;
          error: { code: string; rule?: string } | null;
        };
        return run.status === 'failed' || run.status === 'succeeded' ? run : undefined;
      },
      { timeoutMs: 60_000, what: 'the end of the run' },
    );
    expect(ended).toMatchObject({
      status: 'failed',
      error: { code: 'ACTION_POLICY_VIOLATION', rule: 'blocked_actions' },
    });
    expect(existsSync(made)).toBe(false);
  });

  it('status tells machine, run, displays and backends', async () => {
    const { code, stdout } = await deskhand(['status', '--json', '--data', up.dataFolder]);
    expect(code).toBe(0);
    const status = JSON.parse(stdout);
    expect(status).toMatchObject({
      machine_id: up.ready.machine_id,
      state: 'armed',
      run: null,
      stop_hotkey: up.ready.stop_hotkey,
      server: { connected: true },
      displays: [{ x: 0, y: 0, width: 1280, height: 800, scale: 1, primary: true }],
    });
    expect(Object.keys(status.backends).sort()).toEqual(['accessibility', 'capture', 'input']);
  });

  it('a second up on the same data folder is refused and disturbs nothing', async () => {
    const second = await deskhand([
      'up',
      '--virtual',
      '--json',
      '--overlay',
      'none',
      '--port',
      '0',
      '--data',
      up.dataFolder,
    ]);
    expect(second.code).toBe(2);
    expect(second.stdout).toBe('');
    expect(second.stderr).toContain('DATA_FOLDER_IN_USE');
    expect((await up.request(`/machines/${up.ready.machine_id}`)).status).toBe(200);
  });

  it.each([
    ['up', ['--virtual', '--overlay', 'none'], 'the flag'],
    ['up', ['--virtual', '--overlay', 'none'], 'config.json'],
    ['serve', [], 'config.json'],
  ])(
    '%s %j on a port in use, named by %3$s, is refused with its number and what to do',
    async (command, more, by) => {
      const folder = temporaryFolder('port');
      const { port } = new URL(up.ready.base_url);
      if (by === 'config.json')
        writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ port: Number(port) }));
      const flags = by === 'the flag' ? ['--port', port] : [];
      const other = await deskhand([command, '--json', ...more, ...flags, '--data', folder]);
      expect(other.code).toBe(2);
      expect(other.stderr).toContain('PORT_IN_USE');
      expect(other.stderr).toContain(port);
      rmSync(folder, { recursive: true, force: true });
    },
  );

  it('`run` opens Chrome on a local page, exactly as the founding document says it', async () => {
    let visits = 0;
    const site = createServer((request, response) => {
      if (request.url === '/docs') visits += 1;
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(
        '<!doctype html><title>Docs</title><h1>Documentation</h1><p>Welcome to the local docs.</p>',
      );
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const { port } = site.address() as AddressInfo;
    try {
      const task = `Open Chrome, navigate to http://127.0.0.1:${port}/docs, and take a screenshot of the page`;
      const result = await deskhand(['run', task, '--machine', up.ready.machine_id, '--data', up.dataFolder]);
      expect(result.stdout + result.stderr).toContain('succeeded');
      // As it must be typed here, where the program is in no PATH.
      expect(result.stdout).toContain(`Replay: ${DESKHAND} replay run_`);
      expect(result.code).toBe(0);
      expect(visits).toBeGreaterThan(0);
    } finally {
      site.close();
      site.closeAllConnections();
    }
  });

  it('a sentence nobody understands fails the run, names it and says how to set a model', async () => {
    const result = await deskhand([
      'run',
      'Frobnicate the quux widget sideways.',
      '--machine',
      up.ready.machine_id,
      '--data',
      up.dataFolder,
    ]);
    expect(result.code).toBe(1);
    expect(result.stdout).toContain('TASK_FAILED');
    // The reason once, beside the task's own echo in it.
    expect(result.stdout.match(/does not understand/g)).toHaveLength(1);
    expect(result.stdout).toContain('Frobnicate');
    expect(result.stdout).toContain('DESKHAND_MODEL');
  });

  it('stop trips the switch, new runs get 409, reset permits and starts nothing', async () => {
    const stopped = await deskhand(['stop', '--json', '--data', up.dataFolder]);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ stopped: true, confirmed: true });
    await eventually(
      async () =>
        JSON.parse((await deskhand(['status', '--json', '--data', up.dataFolder])).stdout).state ===
        'stopped',
    );
    await eventually(async () => {
      const refused = await up.request('/runs', {
        method: 'POST',
        body: JSON.stringify({ machine_id: up.ready.machine_id, task: 'Take a screenshot.' }),
      });
      return (
        refused.status === 409 &&
        ((await refused.json()) as { error: { code: string } }).error.code === 'INVALID_STATE'
      );
    });
    const told = (await deskhand(['status', '--data', up.dataFolder])).stdout;
    expect(told).toMatch(/Stopped by `deskhand stop` at \d{4}-.* UTC; deskhand reset permits runs again/);
    const unasked = await deskhand(['reset', '--data', up.dataFolder]);
    expect(unasked.code).toBe(2);
    expect(JSON.parse((await deskhand(['status', '--json', '--data', up.dataFolder])).stdout).state).toBe(
      'stopped',
    );
    expect((await deskhand(['reset', '--yes', '--data', up.dataFolder])).code).toBe(0);
    await eventually(
      async () =>
        JSON.parse((await deskhand(['status', '--json', '--data', up.dataFolder])).stdout).state === 'armed',
    );
    expect((await deskhand(['resume', '--data', up.dataFolder])).stdout).toBe('Nothing was paused.\n');
    const run = await deskhand(['run', 'Take a screenshot.', '--data', up.dataFolder]);
    expect(run.code).toBe(0);
  });
});

describe('the end of up', () => {
  it('SIGTERM ends everything within two seconds and leaves no process, socket or lock', async () => {
    const up = await UpProcess.start();
    const family = descendants(up.child.pid as number);
    // server, daemon, guard, hands, X server, window manager, buses
    expect(family.length).toBeGreaterThanOrEqual(6);
    const paths = runtimePaths(up.dataFolder);
    expect(existsSync(paths.guardSocket)).toBe(true);
    const tookMs = await up.terminate();
    expect(up.child.exitCode).toBe(0);
    await eventually(() => family.every(({ pid }) => !isAlive(pid)), {
      timeoutMs: 1000,
      what: `gone: ${family
        .filter(({ pid }) => isAlive(pid))
        .map(({ command }) => command)
        .join('; ')}`,
    });
    expect(tookMs).toBeLessThan(2000);
    expect(existsSync(paths.guardSocket)).toBe(false);
    expect(existsSync(paths.daemonSocket)).toBe(false);
    expect(readdirSync(up.dataFolder).filter((name) => /lock|server\.json/.test(name))).toEqual([]);
    rmSync(up.dataFolder, { recursive: true, force: true });
  });

  it('kill -9 of everything in the middle of a run loses no event, and the run goes on or ends as written', async () => {
    const dataFolder = temporaryFolder('kill');
    const first = await UpProcess.start({ dataFolder });
    const created = (await (
      await first.request('/runs', {
        method: 'POST',
        body: JSON.stringify({
          machine_id: first.ready.machine_id,
          task: 'Wait 2 seconds, wait 2 seconds, wait 2 seconds, then take a screenshot.',
          model: 'builtin',
        }),
      })
    ).json()) as { id: string };
    const log = async (up: UpProcess) =>
      (
        (await (await up.request(`/runs/${created.id}/log`)).json()) as {
          data: Array<Record<string, unknown>>;
        }
      ).data;
    await eventually(async () => (await log(first)).some((event) => event.type === 'tool_call'), {
      what: 'a first action',
    });
    const before = await log(first);
    const family = [{ pid: first.child.pid as number }, ...descendants(first.child.pid as number)];
    for (const { pid } of family) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It died with its parent.
      }
    }
    await eventually(() => family.every(({ pid }) => !isAlive(pid)), { what: 'everything dead' });

    const second = await UpProcess.start({ dataFolder });
    expect(second.ready.machine_id).toBe(first.ready.machine_id);
    expect(second.ready.api_key).toBe(first.ready.api_key);
    const run = await eventually(
      async () => {
        const current = (await (await second.request(`/runs/${created.id}`)).json()) as {
          status: string;
          error: { code: string } | null;
        };
        return ['succeeded', 'failed', 'cancelled', 'timed_out'].includes(current.status) && current;
      },
      { timeoutMs: 45_000, what: 'the run to end' },
    );
    if (run.status !== 'succeeded')
      expect(run).toMatchObject({ status: 'failed', error: { code: 'INTERRUPTED' } });
    const after = await log(second);
    expect(after.map((event) => event.seq)).toEqual(after.map((_, index) => index + 1));
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.filter((event) => event.type === 'done')).toHaveLength(1);
    await second[Symbol.asyncDispose]();
    rmSync(dataFolder, { recursive: true, force: true });
  });
});

describe('bad beginnings', () => {
  it('a data folder that cannot be written says so', async () => {
    const folder = temporaryFolder('ro');
    const file = path.join(folder, 'file');
    execFileSync('touch', [file]);
    const result = await deskhand(['up', '--virtual', '--json', '--data', path.join(file, 'inside')]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('DATA_FOLDER_UNWRITABLE');
    rmSync(folder, { recursive: true, force: true });
  });

  it('a missing system package is named with the command that installs it, and nothing is left running', async () => {
    const folder = temporaryFolder('missing');
    // A PATH with everything but Xvfb.
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    for (const program of ['sh', 'dirname', 'readlink', 'setpriv', 'dbus-daemon', 'openbox', 'node', 'env'])
      try {
        execFileSync('ln', [
          '-s',
          execFileSync('which', [program], { encoding: 'utf8' }).trim(),
          path.join(bin, program),
        ]);
      } catch {
        // Not on this machine: then it is missing anyway.
      }
    const result = await deskhand(
      ['up', '--virtual', '--json', '--overlay', 'none', '--port', '0', '--data', path.join(folder, 'data')],
      { env: { PATH: bin } },
    );
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('MISSING_SYSTEM_PACKAGE');
    expect(result.stderr).toMatch(/apt-get install .*xvfb/);
    rmSync(folder, { recursive: true, force: true });
  });

  it('a daemon with no display to lend says how to get a virtual one', async () => {
    const folder = temporaryFolder('nodisplay');
    const result = await deskhand(['daemon', '--server', 'http://127.0.0.1:9', '--data', folder]);
    expect(result.code).toBe(2);
    expect(result.stderr.match(/NO_DISPLAY/g)).toHaveLength(1);
    expect(result.stderr).toContain('--virtual');
    const nowhere = await deskhand(['reset', '--yes', '--data', path.join(folder, 'nowhere')]);
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('NOT_RUNNING');
    rmSync(folder, { recursive: true, force: true });
  });

  it('flags that make no sense are usage errors', async () => {
    for (const args of [
      ['up', '--port', '99999'],
      ['up', '--virtual=1x1'],
      ['up', '--overlay', 'nonsense'],
      ['run'],
      ['nonsense'],
    ]) {
      const result = await deskhand(args);
      expect(result.code, args.join(' ')).toBe(2);
      expect(result.stderr, args.join(' ')).not.toBe('');
    }
  });
});

describe('Ctrl-C', () => {
  it('during `run` cancels the run and exits with 3', async () => {
    await using up = await UpProcess.start();
    const child = spawn(DESKHAND, ['run', 'Wait 30 seconds.', '--data', up.dataFolder], {
      env: cleanEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await eventually(() => /wait/i.test(output), { what: 'the run to be under way' });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(3);
    const list = (await (await up.request('/runs')).json()) as { data: Array<{ status: string }> };
    expect(list.data[0]?.status).toBe('cancelled');
    expect(readFileSync(path.join(up.dataFolder, 'credentials.json'), 'utf8')).toContain('sk-coasty-live-');
  });
});
