import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openPortalInputBackend, openPortalScreenCapture, type StartFrames } from '@deskhand/daemon/portal';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Notified, StandInPortal } from '../helpers/stand-in-portal.ts';
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
const options = () => ({ bus: portal.address, tokenFolder: folder, onLost: () => {}, log: silentLogger });

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
    await expect(openPortalInputBackend(options())).rejects.toMatchObject({ code: 'DISPLAY_UNAVAILABLE' });
    portal.answer = 0;
  });

  it('can be taken back: hands hear of it, and nothing is sent any more', async () => {
    const lost = Promise.withResolvers<void>();
    await using hands = await openPortalInputBackend({ ...options(), onLost: lost.resolve });
    portal.endSessions();
    await lost.promise;
    await expect(hands.moveTo({ x: 1, y: 1 })).rejects.toMatchObject({ code: 'INPUT_FAILED' });
  });

  it('ends with the hands that asked', async () => {
    const hands = await openPortalInputBackend(options());
    const before = portal.sessions.size;
    await hands[Symbol.asyncDispose]();
    expect(portal.sessions.size).toBe(before - 1);
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
