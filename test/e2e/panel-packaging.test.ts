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
import { gzipSync } from 'node:zlib';
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
        '/out/renderer/index.html',
      ]),
    );
    expect(files.filter((file) => /node_modules|\.map$|\.tsx?$|build-id|\/src/.test(file))).toEqual([]);
  });

  it('gives the page six named functions, each with its own channel, and nothing of Electron', () => {
    const exposed = new Map<string, Record<string, (...all: unknown[]) => unknown>>();
    const sent: unknown[][] = [];
    let listener: (...all: unknown[]) => void = () => {};
    const electron = {
      contextBridge: {
        exposeInMainWorld: (name: string, functions: Record<string, (...all: unknown[]) => unknown>) =>
          exposed.set(name, functions),
      },
      ipcRenderer: {
        on: (_channel: string, heard: typeof listener) => {
          listener = heard;
        },
        send: (...all: unknown[]) => sent.push(all),
      },
    };
    const source = readFileSync(join(overlay, 'out', 'preload', 'preload.cjs'), 'utf8');
    // As a sandboxed preload runs: nothing can be required but electron.
    new Function('require', source)((name: string) => {
      if (name !== 'electron') throw new Error(`the preload asks for ${name}`);
      return electron;
    });
    expect([...exposed.keys()]).toEqual(['deskhand']);
    const functions = exposed.get('deskhand') ?? {};
    expect(Object.keys(functions).sort()).toEqual(
      ['control', 'decide', 'ready', 'setCollapsed', 'stop', 'subscribe'].sort(),
    );
    const heard: unknown[][] = [];
    functions.subscribe?.((...all: unknown[]) => heard.push(all));
    listener({ sender: 'an event object' }, { type: 'beat' });
    expect(heard).toEqual([[{ type: 'beat' }]]);
    functions.stop?.('id-1', 'ignored');
    functions.ready?.();
    functions.control?.('id-2', 'pause');
    functions.decide?.('id-3', 'deny', {});
    functions.setCollapsed?.(true);
    expect(new Set(sent.map(([channel]) => channel))).toHaveLength(5);
    expect(sent[0]).toHaveLength(2);
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

  it('carries at most 11 kB of script in one file, gzipped, beside words and icons', () => {
    const assets = join(overlay, 'out', 'renderer', 'assets');
    const bytes = (fits: RegExp) =>
      readdirSync(assets)
        .filter((name) => fits.test(name))
        .map((name) => gzipSync(readFileSync(join(assets, name)), { level: 9 }).length);
    expect(bytes(/\.js$/)).toHaveLength(1);
    expect(bytes(/^index-.*\.js$/)[0]).toBeLessThanOrEqual(11_000);
    expect(bytes(/^words-..\.json$/)).toHaveLength(6);
    expect(Math.max(...bytes(/^words-..\.json$/))).toBeLessThanOrEqual(3000);
  });

  it('becomes a .deb with nothing but dpkg-deb: program, sandbox helper, desktop entry, AppArmor profile', async () => {
    const { makeDeb } = (await import(join(overlay, 'make-deb.ts'))) as {
      makeDeb(unpacked: string, outDir: string): string;
    };
    const deb = makeDeb(unpacked, join(work, 'deb'));
    const { stdout: facts } = await run('dpkg-deb', ['--info', deb]);
    expect(facts).toMatch(/Package: deskhand-overlay[\s\S]*Depends: libgtk-3-0/);
    const { stdout: list } = await run('dpkg-deb', ['--contents', deb]);
    for (const path of [
      './opt/Deskhand/deskhand-overlay',
      './opt/Deskhand/resources/app.asar',
      './usr/share/applications/dev.deskhand.overlay.desktop',
      './usr/share/icons/hicolor/512x512/apps/dev.deskhand.overlay.png',
      './etc/apparmor.d/deskhand-overlay',
    ])
      expect(list).toContain(` ${path}\n`);
    expect(list.split('\n').filter((line) => line !== '' && !/root\/root/.test(line))).toEqual([]);
    const installed = join(work, 'installed');
    await run('dpkg-deb', ['--raw-extract', deb, installed]);
    const entry = readFileSync(
      join(installed, 'usr/share/applications/dev.deskhand.overlay.desktop'),
      'utf8',
    );
    const program = /^Exec=(\S+)/m.exec(entry)?.[1] ?? '';
    expect(existsSync(join(installed, program))).toBe(true);
    // The name Wayland's portals look for is the one the program says of itself.
    const { desktopName } = JSON.parse(readFileSync(join(overlay, 'package.json'), 'utf8'));
    expect(existsSync(join(installed, 'usr/share/applications', desktopName))).toBe(true);
    expect(readFileSync(join(installed, 'DEBIAN/postinst'), 'utf8')).not.toContain('--no-sandbox');
    await run('sh', ['-n', join(installed, 'DEBIAN/postinst')]);
  });

  it('says what the Mac’s panel may do, and no more', () => {
    const text = readFileSync(join(overlay, 'build', 'entitlements.mac.plist'), 'utf8');
    const granted = [...text.matchAll(/<key>([^<]+)<\/key>\s*<true\/>/g)].map(([, key]) => key);
    expect(granted).toEqual(['com.apple.security.cs.allow-jit']);
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
