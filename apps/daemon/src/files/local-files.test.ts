import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalFiles } from './local-files.ts';

let folder: string;
let files: LocalFiles;
const stop = () => ({ signal: AbortSignal.timeout(5000) });

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'deskhand-files-')));
  await mkdir(join(folder, 'allowed'));
  await mkdir(join(folder, 'private'));
  await writeFile(join(folder, 'allowed', 'note.txt'), 'Grüße ✓\n');
  await writeFile(join(folder, 'private', 'key.txt'), 'secret');
  await writeFile(join(folder, 'allowed', 'picture.bin'), Buffer.from([1, 0, 2]));
  await writeFile(join(folder, 'allowed', 'latin1.txt'), Buffer.from([0x47, 0xfc]));
  await symlink(join(folder, 'private', 'key.txt'), join(folder, 'allowed', 'sly.txt'));
  await symlink(join(folder, 'private'), join(folder, 'allowed', 'door'));
  await symlink(join(folder, 'allowed', 'note.txt'), join(folder, 'allowed', 'alias.txt'));
  execFileSync('mkfifo', [join(folder, 'allowed', 'pipe')]);
  files = new LocalFiles(() => [join(folder, 'allowed')]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, ...parts);

describe('reading', () => {
  it('gives text, size and time', async () => {
    const found = await files.read(at('allowed', 'note.txt'), { maxBytes: 1000 }, stop());
    expect(found).toMatchObject({ text: 'Grüße ✓\n', size_bytes: 12, truncated: false });
    expect(Math.abs(Date.parse(found.modified_at) - Date.now())).toBeLessThan(60_000);
  });

  it('cuts between characters', async () => {
    const found = await files.read(at('allowed', 'note.txt'), { maxBytes: 3 }, stop());
    expect(found).toMatchObject({ text: 'Gr', truncated: true });
  });

  it('follows a link that stays inside, and none that leads out', async () => {
    expect((await files.read(at('allowed', 'alias.txt'), { maxBytes: 99 }, stop())).text).toBe('Grüße ✓\n');
    for (const path of [at('allowed', 'sly.txt'), at('allowed', 'door', 'key.txt')]) {
      await expect(files.read(path, { maxBytes: 99 }, stop())).rejects.toMatchObject({
        code: 'INVALID_PATH',
      });
      await expect(files.stat(path, stop())).rejects.toMatchObject({ code: 'INVALID_PATH' });
    }
  });

  it.each([
    ['a folder', ['allowed'], 'INVALID_PATH'],
    ['a pipe', ['allowed', 'pipe'], 'INVALID_PATH'],
    ['bytes that are no text', ['allowed', 'picture.bin'], 'INVALID_PATH'],
    ['text of another encoding', ['allowed', 'latin1.txt'], 'INVALID_PATH'],
    ['nothing', ['allowed', 'gone.txt'], 'NOT_FOUND'],
  ])('refuses %s', async (_, parts, code) => {
    await expect(files.read(at(...parts), { maxBytes: 99 }, stop())).rejects.toMatchObject({ code });
  });

  it.each(['relative.txt', '', '/a\0b'])('refuses the path %j', async (path) => {
    await expect(files.read(path, { maxBytes: 99 }, stop())).rejects.toMatchObject({ code: 'INVALID_PATH' });
  });
});

describe('looking', () => {
  it('tells files, folders and absence apart', async () => {
    expect(await files.stat(at('allowed', 'note.txt'), stop())).toMatchObject({
      exists: true,
      kind: 'file',
      size_bytes: 12,
    });
    expect(await files.stat(at('allowed'), stop())).toMatchObject({ exists: true, kind: 'folder' });
    expect(await files.stat(at('allowed', 'gone.txt'), stop())).toEqual({
      path: at('allowed', 'gone.txt'),
      exists: false,
    });
    expect(await files.stat(at('allowed', 'note.txt', 'x'), stop())).toMatchObject({ exists: false });
  });
});
