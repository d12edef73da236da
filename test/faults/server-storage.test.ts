import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { databaseAsOf, eventually, FakeDaemon, ServerProcess, TestServer } from '@deskhand/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'deskhand-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const soundness = (file: string) => {
  const database = new DatabaseSync(file);
  try {
    return (database.prepare('pragma integrity_check').get() as { integrity_check: string }).integrity_check;
  } finally {
    database.close();
  }
};

describe('the data folder', { timeout: 60_000 }, () => {
  it('belongs to its owner alone, and says where the server is', async () => {
    await using server = new ServerProcess(folder, {}, 'main');
    await server.start();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const file of ['credentials.json', 'server.json', 'secret.key', 'deskhand.sqlite'])
      expect([file, (await stat(path.join(folder, file))).mode & 0o777]).toEqual([file, 0o600]);
    expect(JSON.parse(await readFile(path.join(folder, 'server.json'), 'utf8'))).toEqual({
      port: server.port,
      host: '127.0.0.1',
      pid: server.pid,
    });
    expect(JSON.parse(await readFile(path.join(folder, 'credentials.json'), 'utf8'))).toEqual({
      api_key: expect.stringMatching(/^sk-coasty-live-[0-9a-f]{48}$/),
      test_api_key: expect.stringMatching(/^sk-coasty-test-[0-9a-f]{48}$/),
      base_url: `${server.origin}/v1`,
    });
    await server.kill('SIGTERM');
    expect(await readdir(folder)).not.toContain('server.json');
  });

  it('no key, token, code or typed text is in it in plain words but where it must be', async () => {
    await using server = await TestServer.start({}, { folder });
    const daemon = await server.desktop();
    const run = await server.createRun(daemon.machineId, 'type:correct-horse-battery done', {
      webhook_url: 'http://127.0.0.1:9/',
      action_policy: null,
    });
    await server.untilStatus(run.id, 'succeeded');
    const stored = Buffer.concat(
      await Promise.all(
        (await readdir(folder))
          .filter((name) => name.startsWith('deskhand.sqlite'))
          .map((name) => readFile(path.join(folder, name))),
      ),
    ).toString('latin1');
    for (const secret of [
      server.key,
      server.testKey,
      String(daemon.machineToken),
      String(run.webhook_secret),
    ])
      expect(stored).not.toContain(secret);
    // The task is the person's own words and is stored; what was typed is in no event, journal or history.
    const words = stored.split('correct-horse-battery').length - 1;
    const inTask = stored.split('type:correct-horse-battery').length - 1;
    expect(words).toBe(inTask);
  });

  it('a second server on the same folder is refused with exit status 2 and one line', async () => {
    await using server = new ServerProcess(folder, {}, 'main');
    await server.start();
    const second = new ServerProcess(folder, { port: '0' }, 'main');
    expect(await second.spawn().exited).toBe(2);
    expect(second.stderr.trim().split('\n').at(-1)).toMatch(
      /^DATA_FOLDER_IN_USE: .*Stop it, or choose another folder/,
    );
    expect((await fetch(`${server.origin}/v1/health`)).status).toBe(200);
  });

  it('a port in use is refused with exit status 2 and one line', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const server = new ServerProcess(folder, { port: String(port) }, 'main');
    expect(await server.spawn().exited).toBe(2);
    expect(server.stderr.trim().split('\n').at(-1)).toMatch(
      new RegExp(`^PORT_IN_USE: .*127.0.0.1:${port}.*--port`),
    );
    other.close();
  });

  it('all problems of the configuration come together, with exit status 2', async () => {
    await writeFile(path.join(folder, 'config.json'), '{"log_level":"loud","run_step_cents":-1}');
    const server = new ServerProcess(folder, { port: 'eighty', host: '127.0.0.1' }, 'main');
    // ServerProcess sets a log level of its own.
    expect(await server.spawn().exited).toBe(2);
    expect(server.stderr).toMatch(/CONFIG_INVALID: .*DESKHAND_PORT.*run_step_cents/);
  });

  it('a database that is none is refused and left alone', async () => {
    const file = path.join(folder, 'deskhand.sqlite');
    await writeFile(file, 'this is no database, but somebody may want it back');
    const server = new ServerProcess(folder, {}, 'main');
    expect(await server.spawn().exited).toBe(2);
    expect(server.stderr).toContain('DB_UNAVAILABLE');
    expect(await readFile(file, 'utf8')).toContain('somebody may want it back');
  });

  it('a database of a newer Deskhand is refused', async () => {
    await (await TestServer.start({}, { folder })).stop();
    const database = new DatabaseSync(path.join(folder, 'deskhand.sqlite'));
    database
      .prepare("insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '')")
      .run();
    database.close();
    const server = new ServerProcess(folder, {}, 'main');
    expect(await server.spawn().exited).toBe(2);
    expect(server.stderr).toMatch(/newer Deskhand \(9999-from-the-future\)/);
  });

  it('SIGTERM ends it within two seconds, with desktop, stream and run open', async () => {
    await using server = new ServerProcess(folder, {});
    await server.start();
    const key = await server.key();
    const post = async (route: string, body: unknown) =>
      (await (
        await fetch(`${server.origin}/v1${route}`, {
          method: 'POST',
          headers: { 'x-api-key': key },
          body: JSON.stringify(body),
        })
      ).json()) as Record<string, Record<string, string>> & { id: string };
    const machine = await post('/machines', { display_name: 'desk' });
    await using daemon = await FakeDaemon.connect({
      origin: server.origin,
      auth: { code: String(machine.enrollment?.token) },
    });
    const run = await post('/runs', { machine_id: daemon.machineId, task: 'forever', max_steps: 1000 });
    const stream = await fetch(`${server.origin}/v1/runs/${run.id}/events`, {
      headers: { 'x-api-key': key },
    });
    await eventually(() => expect(daemon.performed.length).toBeGreaterThan(1));
    const startedMs = performance.now();
    await server.kill('SIGTERM');
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await stream.text().catch(() => '');
    expect(daemon.released).toContain('shutdown');
  });
});

describe('a disk that cannot be written', { timeout: 60_000 }, () => {
  const mounted: string[] = [];
  afterEach(() => {
    for (const mount of mounted.splice(0)) spawnSync('umount', ['-l', mount]);
  });
  const smallDisk = (megabytes: number): boolean => {
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
    if (status === 0) mounted.push(folder);
    return status === 0;
  };

  it('full: 503 with what to do, nothing half stored, works again when there is room; a cancel still stops the hands', async ({
    skip,
  }) => {
    if (!smallDisk(3)) skip('a small file system cannot be mounted here');
    const server = await TestServer.start({}, { folder });
    try {
      const daemon = await server.desktop();
      const run = await server.createRun(daemon.machineId, 'wait:300000 done');
      await server.untilStatus(run.id, 'running');
      // The engine has its first picture and thinks.
      await eventually(() => expect(server.minds.turns).toHaveLength(1));
      await writeFile(path.join(folder, 'ballast'), Buffer.alloc(16 * 1024 * 1024)).catch(() => {});
      const task = `done ${'x'.repeat(15_000)}`;
      let refused = await server.call('POST', '/runs', { machine_id: daemon.machineId, task });
      let stored = 0;
      while (refused.status === 200 && stored < 400) {
        stored += 1;
        refused = await server.call('POST', '/runs', { machine_id: daemon.machineId, task });
      }
      expect(refused.status).toBe(503);
      expect(refused.body).toMatchObject({ error: { code: 'DB_UNAVAILABLE', retryable: true } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      const health = () => fetch(`${server.origin}/v1/health`);
      expect((await health()).status).toBe(503);
      // Reading goes on.
      expect((await server.run(run.id)).status).toBe('running');
      expect((await server.call('POST', `/runs/${run.id}/cancel`)).status).toBe(503);
      await eventually(() => expect(daemon.released).toContain('cancelled'));
      await rm(path.join(folder, 'ballast'));
      // It does not come back to life: the cancel is stored as soon as it can be.
      await server.untilStatus(run.id, 'cancelled');
      const list = await server.call<{ data: unknown[] }>('GET', '/runs?limit=200');
      expect(list.body.data).toHaveLength(Math.min(200, stored + 1));
      await eventually(async () =>
        expect(
          (await server.call('POST', '/runs', { machine_id: daemon.machineId, task: 'done' })).status,
        ).toBe(200),
      );
      expect((await health()).status).toBe(200);
    } finally {
      await server.stop();
    }
    expect(soundness(path.join(folder, 'deskhand.sqlite'))).toBe('ok');
  });

  it('read-only: a clear refusal at start', async ({ skip }) => {
    if (!smallDisk(4)) skip('a small file system cannot be mounted here');
    await (await TestServer.start({}, { folder })).stop();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const server = new ServerProcess(folder, {}, 'main');
    expect(await server.spawn().exited).toBe(2);
    expect(server.stderr).toMatch(/DATA_FOLDER_UNWRITABLE|DB_UNAVAILABLE/);
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    expect(soundness(path.join(folder, 'deskhand.sqlite'))).toBe('ok');
  });
});

describe('backup', { timeout: 60_000 }, () => {
  const BACKUP = path.resolve(import.meta.dirname, '../../apps/server/src/storage/backup.ts');
  const backup = (file: string) =>
    spawnSync(process.execPath, [BACKUP, file], {
      env: { ...process.env, DESKHAND_DATA: folder },
      encoding: 'utf8',
    });

  it('copies a running server and a stopped one; a new folder starts from the copy with all its secrets', async () => {
    const server = new ServerProcess(folder, {});
    await server.start();
    const key = await server.key();
    const post = (origin: string, route: string, body: string) =>
      fetch(`${origin}/v1${route}`, {
        method: 'POST',
        headers: { 'x-api-key': key, 'idempotency-key': 'before-the-backup' },
        body,
      });
    const machine = (await (await post(server.origin, '/machines', '{"display_name":"kept"}')).json()) as {
      enrollment: { token: string };
    };
    const target = path.join(folder, 'copy.sqlite');
    expect(backup(target)).toMatchObject({ status: 0, stdout: `${target}\n${target}.key\n` });
    expect(backup(target)).toMatchObject({ status: 2, stderr: expect.stringContaining('never overwrites') });
    expect(backup(folder)).toMatchObject({ status: 2 });
    expect(backup('')).toMatchObject({ status: 2 });
    await server.kill();
    const second = path.join(folder, 'copy-2.sqlite');
    expect(backup(second)).toMatchObject({ status: 0 });
    for (const copy of [target, second]) {
      expect(soundness(copy)).toBe('ok');
      for (const file of [copy, `${copy}.key`]) expect(statSync(file).mode & 0o777).toBe(0o600);
      await using restored = new ServerProcess(
        path.join(folder, `restored-${path.basename(copy)}`),
        {},
        'main',
      );
      await mkdir(restored.folder);
      await copyFile(copy, path.join(restored.folder, 'deskhand.sqlite'));
      // Without its key the copy is refused and left alone, not given a new key that opens nothing.
      const keyless = restored.spawn();
      expect(await keyless.exited).toBe(2);
      expect(restored.stderr).toMatch(/CONFIG_INVALID: .*FILE\.key/);
      expect(existsSync(path.join(restored.folder, 'secret.key'))).toBe(false);
      await copyFile(`${copy}.key`, path.join(restored.folder, 'secret.key'));
      await restored.start();
      // The sealed answer opens: the repeat gets the same one-time code.
      const again = await post(restored.origin, '/machines', '{"display_name":"kept"}');
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
      expect(await again.json()).toMatchObject({ enrollment: machine.enrollment });
    }
  });

  it('two at the same instant for one name: one is made whole, the other is told, and nothing else is left', async () => {
    const many = (file: string) =>
      Promise.all(
        [1, 2, 3, 4].map(async () => {
          const child = spawn(process.execPath, [BACKUP, file], {
            env: { ...process.env, DESKHAND_DATA: folder },
            stdio: ['ignore', 'ignore', 'pipe'],
          });
          const told = text(child.stderr);
          const [code] = await once(child, 'exit');
          return { code, told: await told };
        }),
      );
    const server = new ServerProcess(folder, {});
    await server.start();
    for (const name of ['served.sqlite', 'stopped.sqlite']) {
      const target = path.join(folder, name);
      const ended = await many(target);
      expect(ended.map(({ code }) => code).sort()).toEqual([0, 2, 2, 2]);
      for (const { code, told } of ended) if (code === 2) expect(told).toContain('never overwrites');
      expect(soundness(target)).toBe('ok');
      expect(
        readdirSync(folder)
          .filter((file) => file.startsWith(name))
          .sort(),
      ).toEqual([name, `${name}.key`]);
      if (name === 'served.sqlite') await server.kill();
    }
  });

  it('a migration leaves the database as it was beside the new one', async () => {
    await databaseAsOf(path.join(folder, 'deskhand.sqlite'), '0003-machine-hours');
    const server = new ServerProcess(folder, {});
    await server.start();
    const [copy] = readdirSync(folder).filter((name) => name.endsWith('.bak'));
    expect(copy).toBe('deskhand.sqlite.before-0004-tasks.bak');
    const before = new DatabaseSync(path.join(folder, copy ?? ''), { readOnly: true });
    const names = before.prepare('select name from kysely_migration order by name').all();
    expect(names.map((row) => row.name).at(-1)).toBe('0003-machine-hours');
    before.close();
    await server.kill();
  });
});
