import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const overlay = fileURLToPath(new URL('../../apps/overlay', import.meta.url));
const bin = (name: string) => join(overlay, 'node_modules', '.bin', name);
/** Modules of electron-builder, which brings its own. */
const builderRequire = createRequire(
  createRequire(join(overlay, 'package.json')).resolve('electron-builder'),
);

/** Where Electron keeps its fuses: this text, a version byte, a length byte, then one digit per fuse. */
const FUSE_SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
const FUSES = [
  'runAsNode',
  'cookieEncryption',
  'nodeOptions',
  'nodeCliInspect',
  'asarIntegrity',
  'onlyLoadAppFromAsar',
  'browserSnapshot',
  'fileProtocolPrivileges',
  'wasmTrapHandlers',
];

/** A folder that looks like an unpacked Electron and runs nothing. */
function standInElectron(dir: string): void {
  mkdirSync(join(dir, 'resources'), { recursive: true });
  mkdirSync(join(dir, 'locales'));
  for (const locale of ['en-US', 'de', 'ko']) writeFileSync(join(dir, 'locales', `${locale}.pak`), '');
  writeFileSync(join(dir, 'version'), '45.4.1');
  writeFileSync(
    join(dir, 'electron'),
    Buffer.concat([
      Buffer.from(`#!/bin/sh\n${FUSE_SENTINEL}`),
      Buffer.from([1, FUSES.length]),
      Buffer.from('101100110'),
    ]),
  );
  chmodSync(join(dir, 'electron'), 0o755);
}

describe('packaging', () => {
  let work: string;
  let unpacked: string;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'deskhand-packaging-'));
    standInElectron(join(work, 'electron'));
    // `npm test` has built it already; another test may be reading that build.
    const { isBuilt } = (await import(join(overlay, 'overlay-build.ts'))) as { isBuilt(): boolean };
    if (!isBuilt()) await run(bin('electron-vite'), ['build'], { cwd: overlay });
    await run(
      bin('electron-builder'),
      [
        '--linux',
        '--dir',
        '--publish',
        'never',
        `-c.electronDist=${join(work, 'electron')}`,
        '-c.electronVersion=45.4.1',
        `-c.directories.output=${join(work, 'out')}`,
      ],
      { cwd: overlay },
    );
    unpacked = join(work, 'out', 'linux-unpacked');
  }, 120_000);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it('has a configuration that electron-builder accepts, and would refuse with a typing error in it', async () => {
    const { getConfig, validateConfiguration } = builderRequire('app-builder-lib/out/util/config/config') as {
      getConfig(dir: string, path: string | null, overrides: null): Promise<Record<string, unknown>>;
      validateConfiguration(config: object, logger: object): Promise<void>;
    };
    const { DebugLogger } = builderRequire('builder-util') as { DebugLogger: new (on: boolean) => object };
    const config = await getConfig(overlay, null, null);
    expect(config.appId).toBe('dev.deskhand.overlay');
    await expect(validateConfiguration(config, new DebugLogger(false))).resolves.not.toThrow();
    await expect(
      validateConfiguration({ ...config, electronFuses: { runAsNod: false } }, new DebugLogger(false)),
    ).rejects.toThrow(/electronFuses/);
  });

  it('packs the bundles and nothing else into the archive', () => {
    const { listPackage } = builderRequire('@electron/asar') as {
      listPackage(path: string, options: { isPack: boolean }): string[];
    };
    const files = listPackage(join(unpacked, 'resources', 'app.asar'), { isPack: false });
    expect(files).toEqual(
      expect.arrayContaining([
        '/package.json',
        '/out/main/main.mjs',
        '/out/main/tray.png',
        '/out/preload/preload.cjs',
        '/out/renderer/electron.html',
      ]),
    );
    expect(files.filter((file) => /node_modules|\.map$|\.tsx?$|build-id|\/src/.test(file))).toEqual([]);
  });

  it('has no address of another computer in anything the page loads', () => {
    for (const entry of readdirSync(join(overlay, 'out', 'renderer'), {
      recursive: true,
      withFileTypes: true,
    })) {
      if (!entry.isFile()) continue;
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
      const addresses = [...text.matchAll(/(?:https?|wss?):\/\/[^\s"'`)]+/g)].map(([address]) => address);
      // Names of XML vocabularies are never fetched; the page's own socket is on its own host.
      expect(addresses.filter((address) => !/^http:\/\/www\.w3\.org\/|^ws:\/\/\$\{/.test(address))).toEqual(
        [],
      );
    }
  });

  it('switches the fuses that would turn the panel into a Node', () => {
    const executable = readdirSync(unpacked)
      .map((name) => join(unpacked, name))
      .find((path) => existsSync(path) && readFileSafely(path).includes(FUSE_SENTINEL));
    const bytes = readFileSync(executable as string);
    const at = bytes.indexOf(FUSE_SENTINEL) + FUSE_SENTINEL.length + 2;
    const on = Object.fromEntries(
      FUSES.map((name, index) => [name, bytes[at + index] === '1'.charCodeAt(0)]),
    );
    expect(on).toMatchObject({
      runAsNode: false,
      nodeOptions: false,
      nodeCliInspect: false,
      asarIntegrity: true,
      onlyLoadAppFromAsar: true,
      fileProtocolPrivileges: false,
    });
  });

  it('keeps only the languages that are offered', () => {
    const locales = readdirSync(join(unpacked, 'locales'));
    expect(locales).toContain('de.pak');
    expect(locales).not.toContain('ko.pak');
  });
});

function readFileSafely(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
