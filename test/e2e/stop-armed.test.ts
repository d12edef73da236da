import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { silentLogger } from '@deskhand/base';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { verifyAuditLog } from '@deskhand/protocol/audit-chain';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

/** Keycode of Esc on a PC keyboard, and Ctrl+Alt+Shift in the state mask. */
const ESCAPE = 9;
const CHORD_MASK = 1 | 4 | 8;
const CLI = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url));
const run = promisify(execFile);

let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess | undefined;
let epoch = 0;

beforeAll(async () => {
  desktop = await startXDesktop();
  server = await LinkServer.start();
});
afterEach(async () => {
  server.stopLease();
  await daemon?.[Symbol.asyncDispose]();
  daemon = undefined;
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

async function start(...args: string[]): Promise<DaemonProcess> {
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment, args });
  return daemon;
}

function newRun(): void {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}`, runId: `run_${epoch}` });
}

async function status() {
  await using local = await (daemon as DaemonProcess).local();
  const state = await local.request({ type: 'command', name: 'status' });
  if (state.type !== 'state') throw new Error(state.type);
  return state;
}

async function pressLeft() {
  const reply = await server.act([{ type: 'key_press', keys: ['left'] }]);
  if (reply.type !== 'result') throw new Error(reply.code);
  return reply.outcomes[0];
}

function audited(kind: string): Array<Record<string, unknown>> {
  const file = join((daemon as DaemonProcess).dataFolder, 'audit.jsonl');
  expect(verifyAuditLog(file)).toMatchObject({ intact: true });
  const entries = readFileSync(file, 'utf8').trim().split('\n');
  return entries.map((line) => JSON.parse(line)).filter((entry) => entry.kind === kind);
}

/** Another program that took the chord for itself. */
async function rival(): Promise<X11Connection> {
  const other = await openX11({ display: desktop.display, log: silentLogger });
  await other.grabKey(other.root, ESCAPE, CHORD_MASK);
  return other;
}

describe('a stop chord that another program holds', () => {
  it('[KILL8] NOT ARMED with the reason, everywhere; nothing is done until it is free, and then it is', async () => {
    const other = await rival();
    try {
      await start();
      const reason = expect.stringContaining('Another program holds this chord');
      expect(await status()).toMatchObject({ stopHotkey: { armed: false, reason } });
      expect(server.hellos.at(-1)).toMatchObject({ hotkey: { armed: false, reason } });
      newRun();
      expect(await pressLeft()).toMatchObject({ status: 'refused', code: 'NOT_ARMED' });
      expect(audited('not_armed')).toEqual([
        expect.objectContaining({ run: `run_${epoch}`, reason, overridden: false }),
      ]);
      const doctor = await deskhand('doctor', '--json').catch((error) => error);
      expect(doctor.code).toBe(1);
      expect(JSON.parse(doctor.stdout).checks).toContainEqual(
        expect.objectContaining({ name: 'stop hotkey', state: 'fail' }),
      );
    } finally {
      await other[Symbol.asyncDispose]();
    }
    await eventually(() => server.events.find(({ event }) => event === 'hotkey_changed'), { what: 'news' });
    expect(server.events.at(-1)?.hotkey).toEqual({ armed: true });
    expect((await status()).stopHotkey.armed).toBe(true);
    newRun();
    expect(await pressLeft()).toMatchObject({ status: expect.not.stringMatching('refused') });
  });

  it('[KILL8] is no obstacle where the person said so beforehand; each run is in the audit log', async () => {
    const other = await rival();
    try {
      await start('--allow-unarmed');
      expect((await status()).stopHotkey).toMatchObject({ armed: false, override: true });
      newRun();
      expect(await pressLeft()).toMatchObject({ status: expect.not.stringMatching('refused') });
      expect(audited('not_armed')).toEqual([
        expect.objectContaining({ run: `run_${epoch}`, overridden: true }),
      ]);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});

describe('a stop chord that is lost while the agent drives', () => {
  it('[KILL8] the keyboard loses its key: the person gets control, and keeps it until the key is back', async () => {
    await start();
    newRun();
    expect(await pressLeft()).toMatchObject({ status: expect.not.stringMatching('refused') });
    await desktop.ask('xmodmap', '-e', `keycode ${ESCAPE} =`);
    try {
      await eventually(async () => (await status()).control === 'paused', { what: 'a pause' });
      expect(await status()).toMatchObject({
        pauseKind: 'session',
        controlReason: expect.stringContaining('lacks the key'),
        stopHotkey: { armed: false },
      });
      await using local = await (daemon as DaemonProcess).local();
      await expect(local.request({ type: 'command', name: 'hand_back' })).rejects.toMatchObject({
        code: 'NOT_ARMED',
      });
    } finally {
      await desktop.ask('xmodmap', '-e', `keycode ${ESCAPE} = Escape`);
    }
    await eventually(async () => (await status()).stopHotkey.armed, { what: 'an armed hotkey' });
    expect((await status()).control).toBe('paused');
    await using local = await (daemon as DaemonProcess).local();
    await local.request({ type: 'command', name: 'hand_back' });
    // Wherever the key is now, it is the one that stops.
    await desktop.ask('xdotool', 'key', 'ctrl+alt+shift+Escape');
    await eventually(async () => (await status()).control === 'stopped', { what: 'a stopped desktop' });
  });
});

describe('deskhand doctor --press', () => {
  it('[KILL8] the chord really stops, is remembered as pressed, and is permitted again', async () => {
    const { dataFolder, runtime } = await start();
    expect((await status()).stopHotkey.pressedAt).toBeUndefined();
    const doctor = deskhand('doctor', '--press', '--yes', '--json');
    await eventually(() => doctor.said.includes('Press Ctrl+Alt+Shift+Esc'), { what: 'the request' });
    await desktop.ask('xdotool', 'key', 'ctrl+alt+shift+Escape');
    expect(JSON.parse((await doctor).stdout).checks).toContainEqual(
      expect.objectContaining({ name: 'stop key pressed', state: 'ok' }),
    );
    expect(existsSync(runtime.latchFile)).toBe(false);
    expect(await status()).toMatchObject({ control: 'armed', stopHotkey: { pressedAt: expect.any(String) } });
    expect(JSON.parse(readFileSync(join(dataFolder, 'stop-key.json'), 'utf8'))).toMatchObject({
      chord: 'Ctrl+Alt+Shift+Esc',
    });
    expect(audited('stopped')).toHaveLength(1);
  });

  it('[KILL8] is refused while a run is in progress, and without a person', async () => {
    await start();
    await expect(deskhand('doctor', '--press')).rejects.toMatchObject({ code: expect.any(Number) });
    newRun();
    const refused = await deskhand('doctor', '--press', '--yes').catch((error) => error);
    expect(refused.stderr).toContain('in progress');
    expect((await status()).control).toBe('armed');
  });
});

function deskhand(...args: string[]) {
  const { dataFolder } = daemon as DaemonProcess;
  const running = run(process.execPath, [CLI, ...args, '--data', dataFolder], {
    env: desktop.environment,
    timeout: 60_000,
  });
  const result = Object.assign(running, { said: '' });
  running.child.stderr?.on('data', (chunk: Buffer) => {
    result.said += chunk.toString();
  });
  running.catch(() => {});
  return result;
}
