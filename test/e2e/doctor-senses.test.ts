import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const DESKHAND = fileURLToPath(new URL('../../bin/deskhand', import.meta.url));
const ROWS = [
  'displays',
  'capture',
  'own windows',
  'input',
  'typing',
  'settle',
  'accessibility',
  'reading text',
] as const;

type Check = { name: string; state: string; detail: string; ms?: number | null; todo?: string };

/** The command as a person runs it. */
async function doctor(env: NodeJS.ProcessEnv, ...args: string[]): Promise<{ checks: Check[]; code: number }> {
  return new Promise((resolve, reject) => {
    execFile(DESKHAND, ['doctor', '--json', ...args], { env, timeout: 110_000 }, (error, stdout, stderr) => {
      try {
        resolve({ ...(JSON.parse(stdout) as { checks: Check[] }), code: Number(error?.code ?? 0) });
      } catch (cause) {
        reject(new Error(`doctor printed no JSON: ${stdout}${stderr}`, { cause }));
      }
    });
  });
}

const row = (checks: Check[], name: string) => {
  const found = checks.find((check) => check.name === name);
  if (found === undefined) throw new Error(`no row ${name}`);
  return found;
};

let desktop: XDesktop;
let folder: string;
beforeAll(async () => {
  desktop = await startXDesktop();
  folder = mkdtempSync(join(tmpdir(), 'deskhand-doctor-'));
  await desktop.mousepad();
});
afterAll(async () => {
  await desktop?.[Symbol.asyncDispose]();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

describe('deskhand doctor', () => {
  it('has the running daemon try each sense: a verdict, what it took, and what to do', async () => {
    await using server = await LinkServer.start();
    await using daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
    const pointer = await desktop.ask('xdotool', 'getmouselocation');
    const active = await desktop.ask('xdotool', 'getactivewindow');
    const { checks } = await doctor(desktop.environment, '--data', daemon.dataFolder);
    for (const name of ROWS) {
      const check = row(checks, name);
      expect(['ok', 'warn'], `${name}: ${check.detail}`).toContain(check.state);
      expect(check.ms, name).toBeGreaterThanOrEqual(0);
      if (check.state === 'warn') expect(check.todo, name).toBeTruthy();
    }
    expect(row(checks, 'capture').detail).toContain('x11-shm');
    expect(row(checks, 'own windows').state).toBe('ok');
    expect(row(checks, 'reading text')).toMatchObject({ state: expect.stringMatching(/ok|warn/) });
    expect(row(checks, 'accessibility').detail).toMatch(/\d+ elements in the active window/);
    // Looking is all it did.
    expect(await desktop.ask('xdotool', 'getmouselocation')).toBe(pointer);
    expect(await desktop.ask('xdotool', 'getactivewindow')).toBe(active);
    expect(daemon.ended).toBe(false);
  });

  it('tries them itself when nothing runs, and says what an X server lacks', async () => {
    const x = spawn(
      'Xvfb',
      [
        ...['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp', '-ac', '-br'],
        ...['-extension', 'Composite', '-extension', 'XTEST', '-extension', 'MIT-SHM'],
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
    );
    const ended = once(x, 'exit');
    try {
      const [line] = (await once(x.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
      const env = {
        ...desktop.environment,
        DISPLAY: `:${line.toString().trim()}`,
        XAUTHORITY: '/dev/null',
        DBUS_SESSION_BUS_ADDRESS: '',
      };
      const { checks, code } = await doctor(env, '--data', folder);
      expect(code).toBe(1);
      expect(row(checks, 'input')).toMatchObject({ state: 'fail', todo: expect.stringContaining('XTEST') });
      expect(row(checks, 'own windows')).toMatchObject({
        state: 'warn',
        detail: expect.stringContaining('Composite'),
      });
      // Nothing is shown on it at all: black.
      expect(row(checks, 'capture')).toMatchObject({
        state: 'warn',
        detail: expect.stringMatching(/x11-getimage.*black/),
        todo: expect.stringContaining('locked'),
      });
      expect(row(checks, 'accessibility').state).toBe('warn');
      for (const check of checks) if (check.state !== 'ok') expect(check.todo, check.name).toBeTruthy();
    } finally {
      x.kill('SIGTERM');
      await ended;
    }
  });

  it('makes a private desktop for it where there is none', async () => {
    const { DISPLAY: _display, ...env } = desktop.environment;
    const { checks } = await doctor(env, '--data', folder);
    for (const name of ROWS)
      expect(row(checks, name), row(checks, name).detail).toMatchObject({
        state: expect.stringMatching(/^(ok|warn)$/),
      });
    expect(row(checks, 'displays').detail).toContain('1280x800');
  });
});
