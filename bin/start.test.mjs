import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pinnedNode } from './set-up/find-node.mjs';
import { root } from './set-up/repository.mjs';
import { gone, makeScratch } from './set-up/scratch.mjs';
import { writeStamp } from './set-up/stamp.mjs';

/** A clone with our own bin/, everything "installed", and a program that says how it was started. */
function clone(program) {
  const made = makeScratch({
    'package.json': '{"packageManager":"pnpm@0.0.0"}',
    'pnpm-workspace.yaml': 'packages:\n  - apps/*\n',
    'pnpm-lock.yaml': '',
    'apps/cli/package.json': '{}',
    'apps/cli/node_modules/x': '',
    'apps/cli/src/main.ts': program,
    'node_modules/node/bin/x': '',
    'tools/dpkg-query': '#!/bin/sh\nwhile [ $# -gt 0 ]; do echo "$1 installed"; shift; done\n',
  });
  cpSync(join(root, 'bin'), join(made.folder, 'bin'), { recursive: true });
  symlinkSync(process.execPath, join(made.folder, pinnedNode()));
  writeStamp(made.folder);
  return made;
}

function start(made, words, options = {}) {
  const child = spawn(process.execPath, [join(made.folder, 'bin/start.mjs'), ...words], {
    env: { ...process.env, PATH: `${join(made.folder, 'tools')}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  const firstLine = new Promise((resolve) =>
    child.stdout.once('data', (text) => resolve(String(text).trim())),
  );
  const exit = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  return { child, firstLine, exit, stderr: () => stderr };
}

// Whole programs are started: a busy machine takes its time.
describe.skipIf(process.platform === 'win32')('npm start', { timeout: 60_000 }, () => {
  it('becomes `up --demo` with the words it was given, and ends with its exit code', async () => {
    using made = clone('console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 5;');
    const started = start(made, ['--once', '--port', '0']);
    expect(JSON.parse(await started.firstLine)).toEqual(['up', '--demo', '--once', '--port', '0']);
    expect(await started.exit).toEqual({ code: 5, signal: null });
    expect(started.stderr()).toMatch(/^set-up: ready \(\d\.\d s\)\n$/);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('hands %s on once and waits for the end', async (signal) => {
    using made = clone(`
      let count = 0;
      process.on('${signal}', () => { count += 1; setTimeout(() => process.exit(40 + count), 200); });
      setTimeout(() => {}, 60_000);
      console.log('up');
    `);
    const started = start(made, []);
    expect(await started.firstLine).toBe('up');
    started.child.kill(signal);
    expect(await started.exit).toEqual({ code: 41, signal: null });
  });

  it('ends when npm is ended, which tells only the shell between them', async () => {
    using made = clone(`
      process.on('SIGTERM', () => process.exit(0));
      setTimeout(() => {}, 60_000);
      console.log(process.pid);
    `);
    // As npm does: a shell in between that gets the signal and dies of it, without becoming the script.
    const line = `'${process.execPath}' '${join(made.folder, 'bin/start.mjs')}'; exit $?`;
    const shell = spawn('sh', ['-c', line], {
      env: {
        ...process.env,
        PATH: `${join(made.folder, 'tools')}:${process.env.PATH}`,
        npm_lifecycle_event: 'start',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const pid = await new Promise((resolve) => shell.stdout.once('data', (text) => resolve(Number(text))));
    shell.kill('SIGTERM');
    await gone(pid);
  });

  it('reports a program killed by a signal as a shell does', async () => {
    using made = clone(
      `console.log('up'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 10); setTimeout(() => {}, 60_000);`,
    );
    expect(await start(made, []).exit).toEqual({ code: 137, signal: null });
  });

  it('stops with 2 and starts nothing when set-up cannot be done', async () => {
    using made = clone(`console.log('must not run');`);
    made.write('package.json', '{"packageManager":"pnpm@0.0.0","changed":true}');
    made.write('tools/npx', '#!/bin/sh\necho "npm error code ENOTFOUND"; exit 1\n');
    const started = start(made, []);
    expect(await started.exit).toEqual({ code: 2, signal: null });
    expect(started.stderr()).toContain('  | npm error code ENOTFOUND');
    expect(started.stderr()).toMatch(
      /command: npx --yes --package pnpm@0\.0\.0 pnpm install --frozen-lockfile/,
    );
    expect(started.stderr().trim().split('\n').at(-1)).toMatch(
      /^set-up stopped: .*registry can't be reached/,
    );
  });

  it('ends set-up at once when interrupted, together with what it runs', async () => {
    using made = clone('');
    made.write('package.json', '{"packageManager":"pnpm@0.0.0","changed":true}');
    const pidFile = join(made.folder, 'npx.pid');
    made.write(
      'tools/npx',
      `#!/bin/sh\necho $$ >${pidFile}.part; mv ${pidFile}.part ${pidFile}; exec sleep 60\n`,
    );
    const started = start(made, []);
    while (!existsSync(pidFile)) await new Promise((resolve) => setTimeout(resolve, 20));
    started.child.kill('SIGINT');
    expect(await started.exit).toEqual({ code: 130, signal: null });
    await gone(Number(readFileSync(pidFile, 'utf8')));
    expect(started.stderr()).toContain('set-up stopped: interrupted (SIGINT)');
  });
});
