import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pinnedNode } from './set-up/find-node.mjs';
import { root } from './set-up/repository.mjs';
import { makeScratch } from './set-up/scratch.mjs';

const script = readFileSync(join(root, 'bin/deskhand'), 'utf8');
const main =
  'console.log(JSON.stringify({ args: process.argv.slice(2), node: process.execPath, pid: process.pid }));\n';

/** A clone whose command line program reports how it was started. */
function clone(files = {}) {
  const made = makeScratch({
    'a b/bin/deskhand': script,
    'a b/apps/cli/src/main.ts': main,
    'a b/apps/cli/node_modules/x': '',
    ...files,
  });
  return { ...made, [Symbol.dispose]: made[Symbol.dispose], root: join(made.folder, 'a b') };
}

function withPinnedNode(made) {
  made.write(`a b/${pinnedNode()}`, '');
  spawnSync('ln', ['-sf', process.execPath, join(made.root, pinnedNode())]);
  return made;
}

describe.skipIf(process.platform === 'win32')('bin/deskhand', () => {
  it('hands every word on unchanged, through symbolic links, found on PATH, from any folder', () => {
    using made = withPinnedNode(clone({ 'elsewhere/x': '' }));
    symlinkSync('../a b/bin/deskhand', join(made.folder, 'elsewhere/middle'));
    symlinkSync(join(made.folder, 'elsewhere/middle'), join(made.folder, 'elsewhere/dh'));
    const words = ['run', 'type "é" & $HOME', '', '--json'];
    const env = { ...process.env, PATH: `${join(made.folder, 'elsewhere')}:/usr/bin:/bin` };
    const { stdout, stderr, status } = spawnSync('dh', words, { cwd: '/', env, encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(JSON.parse(stdout).args).toEqual(words);
  });

  it('says what to run first when packages are not installed, and exits with 2', () => {
    using made = makeScratch({ 'bin/deskhand': script });
    const { stderr, status } = spawnSync(join(made.folder, 'bin/deskhand'), ['status'], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('run this first: npm start (or npm run setup)');
  });

  it('says so too when no Node is new enough', () => {
    using made = clone({ 'old/node': '#!/bin/sh\nexit 1\n' });
    const env = { PATH: `${join(made.folder, 'old')}:/usr/bin:/bin` };
    const { stderr, status } = spawnSync(join(made.root, 'bin/deskhand'), [], { env, encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('no Node 24.15 or newer here');
  });

  it('uses a new enough Node of the machine, and the substitute set-up wrote down', () => {
    using made = clone();
    symlinkSync(process.execPath, join(made.folder, 'node'));
    const env = { PATH: `${made.folder}:/usr/bin:/bin` };
    const run = () =>
      JSON.parse(spawnSync(join(made.root, 'bin/deskhand'), [], { env, encoding: 'utf8' }).stdout);
    expect(run().node).toBe(process.execPath);
    made.write('a b/node_modules/.deskhand-node', `${join(made.folder, 'node')}\n`);
    env.PATH = '/usr/bin:/bin';
    expect(run().node).toBe(process.execPath);
  });

  it('becomes the program: its pid, its signals, its exit code', async () => {
    using made = withPinnedNode(clone());
    made.write(
      'a b/apps/cli/src/main.ts',
      `process.once('SIGTERM', () => process.exit(7)); setTimeout(() => {}, 60_000);
${main}`,
    );
    const child = spawn(join(made.root, 'bin/deskhand'), [], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(child.stdout, 'data');
    expect(JSON.parse(line).pid).toBe(child.pid);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});

function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...values) => resolve(values)));
}
