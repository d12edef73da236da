import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StandInPortal } from '../helpers/stand-in-portal.ts';
import { deskhand, temporaryFolder, UpProcess } from '../helpers/up-process.ts';

const SIZE = { width: 640, height: 400 };

let folder: string;
let portal: StandInPortal;

beforeEach(async () => {
  folder = temporaryFolder('portal-up');
  portal = await StandInPortal.start(SIZE);
  // In GStreamer's place: a black screen that does not change.
  const program = path.join(folder, 'bin', 'gst-launch-1.0');
  mkdirSync(path.dirname(program));
  writeFileSync(program, `#!/bin/sh\nhead -c ${SIZE.width * SIZE.height * 4} /dev/zero\nexec sleep 1000\n`);
  chmodSync(program, 0o755);
});
afterEach(async () => {
  await portal[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const env = () => ({
  PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`,
  WAYLAND_DISPLAY: path.join(folder, 'no-compositor'),
  DBUS_SESSION_BUS_ADDRESS: portal.address,
});
const dataFolder = () => path.join(folder, 'data');
const starts = () => portal.asked.filter(({ member }) => member === 'Start').length;

describe('a desktop that is shared through its portal', () => {
  it('is not taken again when the person ends the sharing there: up ends and says so', async () => {
    await using up = await UpProcess.start({ dataFolder: dataFolder(), env: env(), virtual: false });
    expect(up.ready.display).toBe('portal');
    expect(starts()).toBe(2);
    const gone = new Promise((resolve) => up.child.once('exit', resolve));
    portal.endSessions();
    expect(await gone).not.toBe(0);
    expect(up.stderr()).toContain('SHARING_DECLINED');
    expect(starts()).toBe(2);
    expect(readdirSync(dataFolder()).filter((name) => name.endsWith('.token'))).toEqual([]);
  });

  it('is asked for once when the person shares the screen and not its control', async () => {
    portal.devices = 0;
    const args = ['up', '--json', '--overlay', 'none', '--port', '0', '--data', dataFolder()];
    const result = await deskhand(args, { env: env() });
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain('SHARING_DECLINED');
    expect(result.stderr).toContain('Allow remote interaction');
    expect(starts()).toBe(2);
  });
});
