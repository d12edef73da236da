import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openPortalInputBackend, openPortalScreenCapture, type StartFrames } from '@deskhand/daemon/portal';
import type { ProtocolError } from '@deskhand/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Notified, StandInPortal } from '../helpers/stand-in-portal.ts';
import { startWaylandDesktop, type WaylandDesktop } from '../helpers/wayland-desktop.ts';
import { inputBackendContract } from './input-backend.contract.ts';
import { type KnownScreen, screenCaptureContract } from './screen-capture.contract.ts';
import { US_KEYCODES } from './us-keycodes.ts';

const screen: KnownScreen = {
  width: 400,
  height: 300,
  patches: [
    { x: 101, y: 53, width: 77, height: 31, color: [250, 10, 20] },
    { x: 398, y: 0, width: 2, height: 3, color: [0, 0, 255] },
  ],
};

let portal: StandInPortal;
let folder: string;
const options = () => ({
  bus: portal.address,
  socket: null,
  tokenFolder: folder,
  onLost: () => {},
  log: silentLogger,
});

beforeAll(async () => {
  portal = await StandInPortal.start(screen);
  folder = mkdtempSync(join(tmpdir(), 'deskhand-portal-'));
});
afterAll(async () => {
  await portal?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** In GStreamer's place: a program that writes the known screen, in uneven pieces, over and over. */
const startFrames: StartFrames = () => {
  const pixels = Buffer.alloc(screen.width * screen.height * 4, 128);
  for (const { x, y, width, height, color } of screen.patches)
    for (let row = y; row < y + height; row += 1)
      for (let column = x; column < x + width; column += 1)
        pixels.set([color[2] ?? 0, color[1] ?? 0, color[0] ?? 0, 0], (row * screen.width + column) * 4);
  const file = join(folder, 'frame');
  writeFileSync(file, pixels);
  return spawn('sh', ['-c', `while :; do head -c 70001 "$0"; tail -c +70002 "$0"; sleep 0.02; done`, file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
};

screenCaptureContract('portal, ScreenCast (stand-in)', async () => ({
  capture: await openPortalScreenCapture({ ...options(), startFrames }),
  screen,
}));

inputBackendContract('portal, RemoteDesktop (stand-in)', async () => {
  const backend = await openPortalInputBackend(options());
  const held = new Set<string>();
  let pointer = { x: 0, y: 0 };
  const events: string[] = [];
  const read = () => {
    for (const each of portal.notified.splice(0)) {
      const { event, holds } = eventOf(each);
      if (each.member === 'NotifyPointerMotionAbsolute')
        pointer = { x: Number(each.values[1]), y: Number(each.values[2]) };
      events.push(...event);
      if (holds === undefined) continue;
      if (holds.down) held.add(holds.what);
      else held.delete(holds.what);
    }
  };
  return {
    backend,
    witness: {
      width: screen.width,
      height: screen.height,
      target: { x: 200, y: 150 },
      outside: 'refused',
      async events() {
        read();
        return events.splice(0);
      },
      async pointer() {
        read();
        return pointer;
      },
      async held() {
        read();
        return [...held];
      },
    },
  };
});

/** The person's words for what the portal was told. */
function eventOf({ member, values }: Notified): {
  event: string[];
  holds?: { what: string; down: boolean };
} {
  const [first, second] = values.map(Number);
  if (member === 'NotifyPointerButton') {
    const number = { 272: 1, 274: 2, 273: 3 }[first ?? 0] ?? 0;
    return {
      event: [`${second === 1 ? 'press' : 'release'} ${number}`],
      holds: { what: `button ${number}`, down: second === 1 },
    };
  }
  if (member === 'NotifyPointerAxisDiscrete') {
    const number = (first === 0 ? 4 : 6) + (Number(second) > 0 ? 1 : 0);
    return { event: [`press ${number}`, `release ${number}`] };
  }
  if (member === 'NotifyKeyboardKeycode' || member === 'NotifyKeyboardKeysym') {
    const name =
      member === 'NotifyKeyboardKeycode'
        ? (US_KEYCODES[(first ?? 0) + 8] ?? String(first))
        : String.fromCodePoint(first ?? 0);
    return {
      event: [`key ${second === 1 ? '' : 'up '}${name}`],
      holds: { what: `key ${name}`, down: second === 1 },
    };
  }
  return { event: [] };
}

describe('the person’s word at the portal', () => {
  beforeEach(() => {
    rmSync(join(folder, 'portal-control.token'), { force: true });
    portal.asked.length = 0;
  });

  it('is asked for keyboard, pointer and monitors, to be remembered', async () => {
    await using _hands = await openPortalInputBackend(options());
    expect(portal.asked.map(({ member }) => member)).toEqual([
      'CreateSession',
      'SelectDevices',
      'SelectSources',
      'Start',
    ]);
    expect(portal.asked[1]?.options).toMatchObject({ types: 3, persist_mode: 2 });
    expect(portal.asked[1]?.options).not.toHaveProperty('restore_token');
  });

  it('is kept as a token that only its owner can read, shown once and replaced', async () => {
    const file = join(folder, 'portal-control.token');
    await (await openPortalInputBackend(options()))[Symbol.asyncDispose]();
    const first = readFileSync(file, 'utf8');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await (await openPortalInputBackend(options()))[Symbol.asyncDispose]();
    expect(portal.asked.filter(({ member }) => member === 'SelectDevices')[1]?.options).toMatchObject({
      restore_token: first,
    });
    expect(readFileSync(file, 'utf8')).not.toBe(first);
  });

  it('can be no', async () => {
    portal.answer = 1;
    await expect(openPortalInputBackend(options())).rejects.toMatchObject({ code: 'SHARING_DECLINED' });
    // Neither yes nor no: a session that is locked, say.
    portal.answer = 2;
    await expect(openPortalInputBackend(options())).rejects.toMatchObject({ code: 'DISPLAY_UNAVAILABLE' });
    portal.answer = 0;
  });

  it('can be to look, not to act, which GNOME’s dialog says unless a second switch is turned', async () => {
    portal.devices = 0;
    await expect(openPortalInputBackend(options())).rejects.toMatchObject({
      code: 'SHARING_DECLINED',
      message: expect.stringContaining('Allow remote interaction'),
    });
    portal.devices = 3;
    await using _eyes = await openPortalScreenCapture({ ...options(), startFrames });
  });

  it('can be taken back: eyes and hands hear of it, see and send nothing more, and ask next time', async () => {
    const { signal } = new AbortController();
    const lost = Promise.withResolvers<ProtocolError>();
    await using hands = await openPortalInputBackend({ ...options(), onLost: lost.resolve });
    await using eyes = await openPortalScreenCapture({ ...options(), startFrames });
    expect(tokens()).toEqual(['portal-control.token', 'portal-look.token']);
    portal.endSessions();
    expect(await Promise.all([lost.promise, eyes.lost])).toMatchObject([
      { code: 'SHARING_DECLINED' },
      { code: 'SHARING_DECLINED' },
    ]);
    await expect(hands.moveTo({ x: 1, y: 1 })).rejects.toMatchObject({ code: 'INPUT_FAILED' });
    // What turns the stream into frames goes on, and so would the last one.
    await expect(eyes.grab({ x: 0, y: 0, width: 1, height: 1 }, { signal })).rejects.toMatchObject({
      code: 'CAPTURE_FAILED',
    });
    expect(tokens()).toEqual([]);
  });

  it('stands when the portal itself ends', async () => {
    const lost = Promise.withResolvers<ProtocolError>();
    await using _hands = await openPortalInputBackend({ ...options(), onLost: lost.resolve });
    await portal.restart();
    expect(await lost.promise).toMatchObject({ code: 'DISPLAY_UNAVAILABLE' });
    expect(tokens()).toContain('portal-control.token');
  });

  it('ends with the hands that asked', async () => {
    const hands = await openPortalInputBackend(options());
    const before = portal.sessions.size;
    await hands[Symbol.asyncDispose]();
    expect(portal.sessions.size).toBe(before - 1);
  });
});

const tokens = () =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.token'))
    .sort();

describe('monitors through the portal', () => {
  const one = { node: 42, x: 0, y: 0, width: screen.width, height: screen.height };
  const moves = () =>
    portal.notified
      .splice(0)
      .filter(({ member }) => member === 'NotifyPointerMotionAbsolute')
      .map(({ values }) => values);
  afterEach(() => {
    portal.monitors = [one];
    portal.notified.length = 0;
  });

  it('are named main one first, whatever their order, and each has its own places', async () => {
    portal.monitors = [{ ...one, node: 43, x: 400, y: 0 }, one];
    await using eyes = await openPortalScreenCapture({ ...options(), startFrames });
    expect((await eyes.displays()).map(({ bounds, primary }) => [bounds.x, primary])).toEqual([
      [0, true],
      [400, false],
    ]);
    await using hands = await openPortalInputBackend(options());
    await hands.moveTo({ x: 410, y: 20 });
    await hands.moveTo({ x: 399, y: 20 });
    expect(moves()).toEqual([
      [43, 10, 20],
      [42, 399, 20],
    ]);
  });

  it('that hands were not lent are not reached, nor is a place near them', async () => {
    await using hands = await openPortalInputBackend(options());
    await expect(hands.moveTo({ x: 410, y: 20 })).rejects.toMatchObject({ code: 'INPUT_FAILED' });
    expect(moves()).toEqual([]);
  });

  describe('of a real compositor (sway), at scale 2', () => {
    let desktop: WaylandDesktop;
    const scaled = () => ({ ...options(), socket: desktop.socket });
    beforeAll(async () => {
      desktop = await startWaylandDesktop({ width: 800, height: 600 });
    }, 60_000);
    beforeEach(() => desktop.command('output HEADLESS-1 scale 2'));
    afterAll(() => desktop?.[Symbol.asyncDispose]());

    it('are seen in their own pixels, and places are said as the desktop counts them', async () => {
      await using eyes = await openPortalScreenCapture({
        ...scaled(),
        startFrames: () => spawn('sh', ['-c', 'cat /dev/zero'], { stdio: ['ignore', 'pipe', 'ignore'] }),
      });
      expect(await eyes.displays()).toMatchObject([
        { bounds: { x: 0, y: 0, width: 800, height: 600 }, scale: 2 },
      ]);
      await using kde = await openPortalInputBackend(scaled());
      await kde.moveTo({ x: 301, y: 40 });
      expect(moves().at(-1)).toEqual([42, 150.5, 20]);
      const end = await portal.asGnome();
      await using gnome = await openPortalInputBackend(scaled());
      await end();
      await gnome.moveTo({ x: 301, y: 40 });
      expect(moves().at(-1)).toEqual([42, 301, 40]);
    });

    it('that change end the session, which the person is not asked about again', async () => {
      const lost = Promise.withResolvers<ProtocolError>();
      await using _hands = await openPortalInputBackend({ ...scaled(), onLost: lost.resolve });
      // GNOME closes the session first.
      portal.endSessions();
      await desktop.command('output HEADLESS-1 scale 1');
      expect(await lost.promise).toMatchObject({ code: 'DISPLAY_UNAVAILABLE' });
      expect(tokens()).toContain('portal-control.token');
    });

    it('without a keyboard get one before the first key that counts', async () => {
      await using hands = await openPortalInputBackend(scaled());
      portal.notified.length = 0;
      await hands.key('a', true);
      await hands.key('a', false);
      expect(portal.notified.map(({ values }) => values)).toEqual([
        [240, 1],
        [240, 0],
        [0x61, 1],
        [0x61, 0],
      ]);
    });
  });
});

describe('text through the portal', () => {
  const { signal } = new AbortController();

  it('is typed by keysyms, newline and tab by their keys', async () => {
    await using hands = await openPortalInputBackend(options());
    portal.notified.length = 0;
    await hands.typeText('aB\n\t~', () => {}, { signal });
    const presses = portal.notified.filter(({ values }) => values[1] === 1);
    expect(presses.map(({ values }) => values[0])).toEqual([0x61, 0x42, 28, 15, 0x7e]);
    expect(portal.notified).toHaveLength(10);
  });

  it('is refused beyond ASCII before anything is typed', async () => {
    await using hands = await openPortalInputBackend(options());
    portal.notified.length = 0;
    await expect(hands.typeText('aé', () => {}, { signal })).rejects.toMatchObject({
      code: 'TEXT_NOT_TYPEABLE',
    });
    expect(portal.notified).toEqual([]);
  });
});

describe('frames through the portal', () => {
  it('are refused once they are not sent any more: an old one must not pass for the screen', async () => {
    const { signal } = new AbortController();
    let child: ReturnType<StartFrames> | undefined;
    await using capture = await openPortalScreenCapture({
      ...options(),
      startFrames: (stream) => {
        child = startFrames(stream);
        return child;
      },
    });
    await capture.grab({ x: 0, y: 0, width: 1, height: 1 }, { signal });
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGKILL');
    await ended;
    await expect(capture.grab({ x: 0, y: 0, width: 1, height: 1 }, { signal })).rejects.toMatchObject({
      code: 'CAPTURE_FAILED',
    });
  });

  it('that never come are an error that names what is needed', async () => {
    await expect(
      openPortalScreenCapture({ ...options(), startFrames: () => spawn('true', { stdio: 'pipe' }) }),
    ).rejects.toMatchObject({ code: 'CAPTURE_FAILED', message: expect.stringContaining('gst-launch-1.0') });
  });
});
