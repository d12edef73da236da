import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@deskhand/base';
import { startVirtualDesktop } from '@deskhand/daemon/virtual-desktop';
import { describe, expect, it } from 'vitest';
import { eventually } from '../helpers/x-desktop.ts';

const run = promisify(execFile);
const inherited = process.env as Record<string, string>;

describe('the virtual desktop', () => {
  it('has a server, a window manager, a session bus and accessibility that other programs can use', async () => {
    await using desktop = await startVirtualDesktop({ width: 1024, height: 700, log: silentLogger });
    const env = { ...inherited, ...desktop.env };
    const info = await run('xdpyinfo', [], { env });
    expect(info.stdout).toContain('dimensions:    1024x700 pixels');
    const manager = await run('xprop', ['-root', '_NET_SUPPORTING_WM_CHECK'], { env });
    const window = /0x[0-9a-f]+/.exec(manager.stdout)?.[0];
    const name = await run('xprop', ['-id', String(window), '_NET_WM_NAME'], { env });
    expect(name.stdout).toContain('Openbox');
    const bus = await run(
      'dbus-send',
      [
        ...['--session', '--print-reply', '--dest=org.a11y.Bus', '/org/a11y/bus'],
        ...['org.freedesktop.DBus.Properties.Get', 'string:org.a11y.Status', 'string:IsEnabled'],
      ],
      { env },
    );
    expect(bus.stdout).toMatch(/boolean true/);
    // Without it most Qt applications never register; see start-virtual-desktop.ts.
    const announced = await run('xprop', ['-root', 'AT_SPI_BUS'], { env });
    expect(announced.stdout).toContain(`unix:path=${desktop.env.XDG_RUNTIME_DIR}/at-spi/`);
  });

  it('admits nobody without its cookie, and keeps the cookie and its folders to itself', async () => {
    await using desktop = await startVirtualDesktop({ log: silentLogger });
    const env = { ...inherited, ...desktop.env };
    await expect(run('xdpyinfo', [], { env: { ...env, XAUTHORITY: '/dev/null' } })).rejects.toThrow(
      /Authorization required/,
    );
    expect(statSync(env.XAUTHORITY as string).mode & 0o777).toBe(0o600);
    expect(statSync(env.XDG_RUNTIME_DIR as string).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(env.XAUTHORITY as string)).mode & 0o777).toBe(0o700);
    const arguments_ = readFileSync(`/proc/${desktop.pids.server}/cmdline`, 'utf8').split('\0');
    expect(arguments_).not.toContain('-ac');
  });

  it('leaves no process, socket, lock or folder behind', async () => {
    const desktop = await startVirtualDesktop({ log: silentLogger });
    const number = desktop.display.slice(1);
    const folder = dirname(desktop.env.XAUTHORITY as string);
    expect(existsSync(`/tmp/.X11-unix/X${number}`)).toBe(true);
    const members = await membersOf(Object.values(desktop.pids));
    expect(members.length).toBeGreaterThanOrEqual(5);
    await desktop[Symbol.asyncDispose]();
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(`/tmp/.X11-unix/X${number}`)).toBe(false);
    expect(existsSync(`/tmp/.X${number}-lock`)).toBe(false);
    await eventually(async () => expect(await membersOf(Object.values(desktop.pids))).toEqual([]));
  });

  it('ends with an owner that is killed, and the next one removes its folder', async () => {
    const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: join(import.meta.dirname, '..'),
    });
    const line = await new Promise<string>((resolve) =>
      owner.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    const { pids, folder } = JSON.parse(line) as { pids: number[]; folder: string };
    expect((await membersOf(pids)).length).toBeGreaterThanOrEqual(5);
    owner.kill('SIGKILL');
    await eventually(async () => expect(await membersOf(pids)).toEqual([]));
    expect(existsSync(folder)).toBe(true);
    await using _next = await startVirtualDesktop({ log: silentLogger });
    expect(existsSync(folder)).toBe(false);
  });

  it('names every missing package and the command that installs them', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      await expect(startVirtualDesktop({ log: silentLogger })).rejects.toMatchObject({
        code: 'MISSING_SYSTEM_PACKAGE',
        message: expect.stringMatching(
          /Xvfb, openbox, dbus-daemon.*apt-get install -y xvfb openbox dbus/,
        ) as string,
      });
    } finally {
      process.env.PATH = path;
    }
  });

  it('tidies up when it is aborted while starting', async () => {
    const before = desktopFolders();
    const stop = new AbortController();
    const starting = startVirtualDesktop({ log: silentLogger, signal: stop.signal });
    stop.abort(new Error('changed my mind'));
    await expect(starting).rejects.toThrow('changed my mind');
    expect(desktopFolders()).toEqual(before);
  });
});

const OWNER = `
import { startVirtualDesktop } from '@deskhand/daemon/virtual-desktop';
import { silentLogger } from '@deskhand/base';
import { dirname } from 'node:path';
const desktop = await startVirtualDesktop({ log: silentLogger });
console.log(JSON.stringify({ pids: Object.values(desktop.pids), folder: dirname(desktop.env.XAUTHORITY) }));
setInterval(() => {}, 1000);
`;

/** Live processes of these process groups; a zombie nobody reaps does not count. */
async function membersOf(groups: readonly number[]): Promise<string[]> {
  const { stdout } = await run('ps', ['-eo', 'pgid=,stat=,comm=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([group, state]) => groups.includes(Number(group)) && !state?.startsWith('Z'))
    .map(([, , command]) => command ?? '');
}

function desktopFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`deskhand-desktop-${process.pid}-`));
}
