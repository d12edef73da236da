import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandFailure, CommandResult, Outcome } from '@deskhand/protocol';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
/** A terminal in raw mode that writes each byte it gets to this file: the judge of what was typed. */
let received: string;
let epoch = 0;

beforeAll(async () => {
  desktop = await startXDesktop();
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  received = join(desktop.folder, 'received');
  writeFileSync(received, '');
  await desktop.xterm('sh', '-c', `stty raw; exec cat > ${received}`);
});

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}` });
});

describe('pairing and hello', () => {
  it('[LINK] pairs by code, keeps its token to itself, and says what this desktop is', async () => {
    const hello = await server.hello();
    expect(hello.auth).toEqual({ type: 'pair', code: 'TEST-CODE', name: expect.any(String) });
    expect(hello.displays).toEqual([
      expect.objectContaining({ bounds: { x: 0, y: 0, width: 1280, height: 800 }, primary: true }),
    ]);
    expect(hello).toMatchObject({
      capabilities: { capture: expect.stringMatching(/^x11-/), input: 'x11-xtest', os: 'linux' },
      latch: { tripped: false },
      lastEpoch: 0,
    });
    const file = join(daemon.dataFolder, 'machine.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      machine_id: 'machine-under-test',
      token: 'token-of-the-machine-under-test-0123456789',
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await daemon.ready()).toMatchObject({ machineId: 'machine-under-test', display: desktop.display });
    expect(daemon.log).not.toContain('token-of-the-machine');
  });

  it('[LINK] comes back after a cut with its token, and answers a finished command from its cache', async () => {
    const before = bytes();
    const id = 'typed-once';
    const command = { ...typing('once'), id };
    // A slow terminal shows it after the look that would confirm it; what it received is asked below.
    expect(['confirmed', 'unverified']).toContain(outcomes(await server.command(command))[0]?.status);
    const hellos = server.hellos.length;
    server.cut();
    const hello = await server.hello(hellos + 1);
    expect(hello.auth).toEqual({
      type: 'token',
      machineId: 'machine-under-test',
      token: 'token-of-the-machine-under-test-0123456789',
    });
    expect(hello.bootId).toBe(server.hellos[0]?.bootId);
    expect(hello.lastEpoch).toBe(epoch);
    expect(await server.command(command)).toMatchObject({ type: 'result', repeated: true });
    await eventually(() => bytes() === `${before}once`);
  });

  it('[LINK] refuses what it does not know or cannot read, by id, and goes on', async () => {
    expect(await server.command({ type: 'format_disk', id: 'x1' })).toMatchObject({
      type: 'failure',
      code: 'UNKNOWN_COMMAND',
    });
    expect(await server.command({ type: 'observe', id: 'x2', request: { everything: true } })).toMatchObject({
      type: 'failure',
      code: 'MALFORMED_MESSAGE',
    });
    server.send('this is not JSON');
    server.send(Buffer.from([1, 2, 3]).toString('latin1'));
    expect((await server.observe({ settle: false })).observation?.frame).not.toBeNull();
  });
});

describe('looking', () => {
  it('[GEO] sends the picture before the result, true to size, and knows when nothing changed', async () => {
    const first = await server.observe({ elements: true });
    const frame = first.observation?.frame;
    const picture = server.frames.get(frame?.geometry.frameId as string) as Uint8Array;
    const { width, height, format } = await sharp(picture).metadata();
    expect({ width, height, format }).toEqual({ width: 1280, height: 800, format: 'jpeg' });
    expect(frame?.byteLength).toBe(picture.length);
    expect(first.observation?.windows.map(({ application }) => application.toLowerCase())).toContain('xterm');
    expect(first.observation?.activeWindowId).toMatch(/^0x/);
    const second = await server.observe();
    expect(second.observation?.changedFraction).toBe(0);
  });

  it('[GEO] zooms into a region at full resolution, in another format', async () => {
    const reply = await server.observe({
      frame: { region: { x: 100, y: 50, width: 300, height: 200 }, mimeType: 'image/png' },
      settle: false,
    });
    const frame = reply.observation?.frame;
    expect(frame?.geometry).toMatchObject({ region: { x: 100, y: 50, width: 300, height: 200 } });
    const meta = await sharp(server.frames.get(frame?.geometry.frameId as string)).metadata();
    expect(meta).toMatchObject({ width: 300, height: 200, format: 'png' });
  });
});

describe('acting', () => {
  it('[ACT] types exactly, with symbols and another script, and says that it was seen', async () => {
    const before = bytes();
    const reply = await server.command({ ...typing('Grüße, 5 € & ~/x\n'), observe: {} });
    expect(outcomes(reply)).toEqual([
      expect.objectContaining({
        status: 'confirmed',
        evidence: expect.objectContaining({ focusChanged: false }),
      }),
    ]);
    await eventually(() => bytes() === `${before}Grüße, 5 € & ~/x\r`);
  });

  it('[ACT] does a repeated id once, also while it is under way', async () => {
    const before = bytes();
    const command = { ...typing('x'.repeat(400)), id: 'in-flight' };
    const replies = await Promise.all([command, command, command].map((same) => server.command(same)));
    expect(replies.map((reply) => reply.type === 'result' && reply.repeated)).toEqual([false, true, true]);
    await eventually(() => bytes().length === before.length + 400);
    expect(await server.command(command)).toMatchObject({ repeated: true });
    expect(bytes()).toHaveLength(before.length + 400);
  });

  it('[GEO] clicks where the named frame means it, at any scale of the picture', async () => {
    const { observation } = await server.observe({ frame: { maxSidePx: 640 } });
    const frameId = observation?.frame?.geometry.frameId;
    expect(observation?.frame?.geometry.image).toEqual({ width: 640, height: 400 });
    await server.act([{ type: 'move', point: { x: 320, y: 200 } }], { frameId });
    const pointer = await desktop.ask('xdotool', 'getmouselocation');
    expect(pointer).toMatch(/^x:641 y:401 /);
  });

  it.each<
    [code: string, operation: Parameters<LinkServer['act']>[0][number], fields: Record<string, unknown>]
  >([
    ['FRAME_UNKNOWN', { type: 'click', point: { x: 1, y: 1 } }, { frameId: 'frm_of_somebody_else' }],
    ['FRAME_UNKNOWN', { type: 'click', point: { x: 1, y: 1 } }, { frameId: null }],
    ['RESERVED_CHORD', { type: 'key_combo', keys: ['shift', 'ctrl', 'Escape', 'alt'] }, {}],
    ['UNKNOWN_KEY', { type: 'key_press', keys: ['hyperspace'] }, {}],
    ['POLICY_DENIED', { type: 'run_command', command: 'touch /tmp/never' }, {}],
    ['POLICY_DENIED', { type: 'read_file', path: '/etc/passwd' }, {}],
    ['APPLICATION_NOT_FOUND', { type: 'open_application', name: 'no such program at all' }, {}],
    ['WINDOW_NOT_FOUND', { type: 'focus_window', title: 'no such window' }, {}],
  ])('[ACT] refuses with %s: %o', async (code, operation, fields) => {
    const before = bytes();
    expect(outcomes(await server.act([operation, { type: 'type_text', text: 'never' }], fields))).toEqual([
      expect.objectContaining({ status: 'refused', code }),
    ]);
    expect(bytes()).toBe(before);
  });

  it('[KILL8] an agent told to press the stop, or Escape three times, is refused, and that is logged', async () => {
    const before = bytes();
    const audited = () =>
      readFileSync(join(daemon.dataFolder, 'audit.jsonl'), 'utf8').split('"RESERVED_CHORD"').length - 1;
    const known = audited();
    const presses: Parameters<LinkServer['act']>[0] = [
      { type: 'key_combo', keys: ['ctrl', 'alt', 'shift', 'Escape'] },
      { type: 'key_press', keys: ['Escape', 'Escape', 'Escape'] },
    ];
    for (const press of presses)
      expect(outcomes(await server.act([press, { type: 'type_text', text: 'never' }]))).toEqual([
        expect.objectContaining({ status: 'refused', code: 'RESERVED_CHORD' }),
      ]);
    expect(bytes()).toBe(before);
    expect(audited()).toBe(known + presses.length);
    await using guard = await daemon.guard();
    expect(await guard.request({ type: 'status' })).toMatchObject({ control: 'armed' });
  });

  it('[POL8] a file that was there is not opened by typing its path somewhere; one that was saved is', async () => {
    const key = join(desktop.folder, 'a-key');
    const letter = join(desktop.folder, 'a-letter');
    writeFileSync(key, 'nobody may read this');
    for (const path of [key, letter]) {
      const typed = await server.act([{ type: 'type_text', text: path }]);
      expect(outcomes(typed)).toEqual([expect.not.objectContaining({ status: 'refused' })]);
    }
    expect(outcomes(await server.act([{ type: 'read_file', path: key }]))).toEqual([
      expect.objectContaining({ status: 'refused', code: 'POLICY_DENIED' }),
    ]);
    writeFileSync(letter, 'Dear');
    expect(outcomes(await server.act([{ type: 'read_file', path: letter }]))).toEqual([
      expect.objectContaining({ status: 'confirmed', result: expect.objectContaining({ text: 'Dear' }) }),
    ]);
  });

  it('[GEO] refuses a point outside its frame', async () => {
    const { observation } = await server.observe();
    const frameId = observation?.frame?.geometry.frameId;
    const reply = await server.act([{ type: 'click', point: { x: 1280, y: 10 } }], { frameId });
    expect(outcomes(reply)).toEqual([expect.objectContaining({ code: 'POINT_OUTSIDE_FRAME' })]);
  });

  it('[ACT] does not call a click that changed nothing a success', async () => {
    const { observation } = await server.observe();
    const frameId = observation?.frame?.geometry.frameId;
    // The bare background: openbox shows a menu for the right button only.
    const reply = await server.act([{ type: 'click', point: { x: 1200, y: 780 } }], { frameId, observe: {} });
    expect(outcomes(reply)).toEqual([
      expect.objectContaining({ status: expect.stringMatching(/no_effect|unverified/) }),
    ]);
  });
});

describe('the right to drive', () => {
  it('[LEASE] refuses another lease and an older epoch, and does nothing', async () => {
    const before = bytes();
    expect(await server.command({ ...typing('a'), leaseId: 'of-somebody-else' })).toMatchObject({
      type: 'failure',
      code: 'LEASE_REQUIRED',
    });
    expect(await server.command({ ...typing('a'), epoch: epoch - 1 })).toMatchObject({
      type: 'failure',
      code: 'STALE_EPOCH',
    });
    expect(bytes()).toBe(before);
  });

  it('[LEASE] that is not renewed ends typing by itself, with nothing held', async () => {
    server.stopLease();
    epoch += 1;
    const lease = server.lease({ epoch, leaseId: `short-${epoch}`, ttlMs: 700, renew: false });
    const before = bytes().length;
    const reply = await server.command({ ...typing('y'.repeat(20_000)), ...lease });
    expect(outcomes(reply)).toEqual([expect.objectContaining({ status: 'failed', code: 'LEASE_REQUIRED' })]);
    const after = await settled();
    expect(after).toBeGreaterThan(before);
    expect(after).toBeLessThan(before + 10_000);
    expect(await heldInputs(desktop)).toEqual([]);
  });

  it('[LEASE] released in the middle ends typing at once', async () => {
    const before = bytes().length;
    const reply = server.command(typing('z'.repeat(20_000)));
    await eventually(() => bytes().length > before + 20, { everyMs: 5 });
    const leaseId = `lease-${epoch}`;
    expect(await server.command({ type: 'release', leaseId, reason: 'cancelled' })).toMatchObject({
      type: 'result',
    });
    const then = bytes().length;
    expect(outcomes(await reply)).toEqual([expect.objectContaining({ status: 'failed' })]);
    expect((await settled()) - then).toBeLessThan(100);
  });

  it('[LEASE] ends when the server is frozen: the link is open and silent', async () => {
    const before = bytes().length;
    void server.command(typing('w'.repeat(20_000)));
    await eventually(() => bytes().length > before + 20, { everyMs: 5 });
    server.stopLease();
    const after = await settled(4000);
    expect(after).toBeLessThan(before + 6000);
    expect(await heldInputs(desktop)).toEqual([]);
  });
});

describe('policy', () => {
  it('[POL] is asked about the window that will really get the input, at that moment', async () => {
    const policyFile = join(daemon.dataFolder, 'policy.json');
    const original = readFileSync(policyFile, 'utf8');
    const policy = JSON.parse(original);
    policy.applications.rules.unshift({ match: 'xterm', verdict: 'deny', why: 'It is a terminal.' });
    const before = bytes();
    try {
      writeFileSync(policyFile, JSON.stringify(policy));
      expect(outcomes(await server.command(typing('no')))).toEqual([
        expect.objectContaining({
          status: 'refused',
          code: 'POLICY_DENIED',
          result: { rule: 'applications:xterm' },
        }),
      ]);
      writeFileSync(policyFile, '{"version": 1,');
      expect(outcomes(await server.command(typing('no')))).toEqual([
        expect.objectContaining({ code: 'POLICY_DENIED', result: { rule: 'policy_broken' } }),
      ]);
      writeFileSync(policyFile, original);
    } finally {
      writeFileSync(policyFile, original);
    }
    expect(bytes()).toBe(before);
  });
});

it('[AUDIT] says what was done without what was typed, in an unbroken chain', async () => {
  await server.command(typing('a-secret-nobody-may-read'));
  const { verifyAuditLog } = await import('@deskhand/daemon/audit');
  const file = join(daemon.dataFolder, 'audit.jsonl');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('"action":"type_text"');
  expect(text.toLowerCase()).toContain('"application":"xterm"');
  expect(text).not.toContain('a-secret-nobody-may-read');
  expect(daemon.log).not.toContain('a-secret-nobody-may-read');
  expect(verifyAuditLog(file)).toMatchObject({ intact: true });
});

function typing(text: string): Record<string, unknown> {
  return {
    type: 'act',
    leaseId: `lease-${epoch}`,
    epoch,
    frameId: null,
    operations: [{ type: 'type_text', text }],
    deadlineMs: 60_000,
    observe: null,
  };
}

function outcomes(reply: CommandResult | CommandFailure): readonly Outcome[] {
  if (reply.type === 'failure') throw new Error(`${reply.code}: ${reply.message}`);
  return reply.outcomes;
}

function bytes(): string {
  return readFileSync(received, 'utf8');
}

/** Length of what arrived once nothing has come for a while. */
async function settled(atLeastMs = 0): Promise<number> {
  const startedMs = performance.now();
  let last = -1;
  let sinceMs = performance.now();
  await eventually(
    () => {
      const { length } = bytes();
      if (length !== last) {
        last = length;
        sinceMs = performance.now();
      }
      return performance.now() - sinceMs > 500 && performance.now() - startedMs > atLeastMs;
    },
    { what: 'the end of the typing' },
  );
  return last;
}
