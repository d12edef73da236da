import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '@deskhand/base';
import { PRESENCE_MS } from '@deskhand/protocol';
import type { DaemonConnection } from '@deskhand/protocol/local-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type PersonDesktop, startPersonDesktop } from '../helpers/person-desktop.ts';
import { slowDrag } from '../helpers/slow-drag.ts';

/** A person's keyboard and mouse that are devices of their own, beside the ones that programs inject with. */
let desktop: PersonDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
let epoch = 0;

beforeAll(async () => {
  desktop = await startPersonDesktop();
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  // Renewed every second: a server that says nothing is dialled anew, and a command in that moment is lost.
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  await desktop.xterm();
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await using cli = await daemon.guard('cli');
  await cli.request({ type: 'reset', by: 'cli' });
  await eventually(async () => (await control()) === 'armed', { what: 'an armed desktop' });
});

async function control(): Promise<string> {
  await using guard = await daemon.guard();
  const state = await guard.request({ type: 'status' });
  if (state.type !== 'guard_state') throw new Error(state.type);
  return state.control;
}

const noHand = { code: 'INSUFFICIENT_SCOPE' };
const latched = () => existsSync(daemon.runtime.latchFile);
/** Until the last real key or click is too old to say anything. */
const nobodyTouches = () => sleep(PRESENCE_MS + 100);

describe('a reset by the panel', () => {
  it('[KILL] is refused without a hand on a real device, also when a program clicks and types', async () => {
    await using panel = await daemon.guard('panel');
    await panel.request({ type: 'stop', by: 'panel' });
    await nobodyTouches();
    await expect(panel.request({ type: 'reset', by: 'panel' })).rejects.toMatchObject(noHand);
    await desktop.ask('xdotool', 'click', '1', 'key', 'a');
    await expect(panel.request({ type: 'reset', by: 'panel' })).rejects.toMatchObject(noHand);
    await using viaDaemon = await daemon.local('panel');
    await expect(viaDaemon.request({ type: 'command', name: 'reset' })).rejects.toMatchObject(noHand);
    expect(latched()).toBe(true);
    expect(await control()).toBe('stopped');
  });

  it.each([
    ['click', ['click', '1']],
    ['key', ['key', 'a']],
  ])('[KILL] is accepted after a real %s', async (_what, person) => {
    await using panel = await daemon.guard('panel');
    await panel.request({ type: 'stop', by: 'panel' });
    await nobodyTouches();
    await desktop.person(...person);
    await panel.request({ type: 'reset', by: 'panel' });
    expect(latched()).toBe(false);
  });

  it('[KILL] is accepted while a real button is held, however long', async () => {
    await using panel = await daemon.guard('panel');
    await panel.request({ type: 'stop', by: 'panel' });
    await desktop.person('mousedown', '1');
    try {
      await nobodyTouches();
      await panel.request({ type: 'reset', by: 'panel' });
    } finally {
      await desktop.person('mouseup', '1');
    }
    expect(latched()).toBe(false);
  });
});

it.each([
  ['the modifiers first', ['ctrl', 'alt', 'shift', 'Escape']],
  ['Esc first', ['Escape', 'shift', 'alt', 'ctrl']],
])(
  '[KILL] fingers that left the stop chord are gone, %s: no hand, and the agent’s Escape is no stop',
  async (_how, order) => {
    const down = ['ctrl', 'alt', 'shift', 'Escape'].flatMap((key) => ['keydown', key]);
    await desktop.person(...down);
    await eventually(latched, { what: 'the latch' });
    await desktop.person(...order.flatMap((key) => ['keyup', key]));
    await nobodyTouches();
    await using panel = await daemon.guard('panel');
    await expect(panel.request({ type: 'reset', by: 'panel' })).rejects.toMatchObject(noHand);
    await using cli = await daemon.guard('cli');
    await cli.request({ type: 'reset', by: 'cli' });
    await desktop.ask('xdotool', 'key', 'Escape');
    // Whatever guard had heard by then it answers after that.
    await sleep(300);
    expect(await control()).toBe('armed');
    // Nor is the next real Escape taken for a repetition of the last.
    await desktop.person('key', 'Escape', 'Escape', 'Escape');
    await eventually(latched, { what: 'three times Esc' });
  },
);

it('[KILL] handing back by the panel needs a hand, too; by a terminal it does not', async () => {
  await using panel = await daemon.local('panel');
  await panel.request({ type: 'command', name: 'takeover' });
  await nobodyTouches();
  await expect(panel.request({ type: 'command', name: 'hand_back' })).rejects.toMatchObject(noHand);
  expect(await control()).toBe('paused');
  await desktop.person('click', '1');
  await panel.request({ type: 'command', name: 'hand_back' });
  expect(await control()).toBe('armed');
  await panel.request({ type: 'command', name: 'takeover' });
  await nobodyTouches();
  await using cli = await daemon.local('cli');
  await cli.request({ type: 'command', name: 'hand_back' });
  expect(await control()).toBe('armed');
});

describe('[KILL9] a yes by the panel', () => {
  let panel: DaemonConnection;
  let original: string;
  const file = () => join(daemon.dataFolder, 'policy.json');
  beforeEach(async () => {
    original = readFileSync(file(), 'utf8');
    const policy = JSON.parse(original);
    policy.applications.rules.unshift({ match: 'xterm', verdict: 'ask' });
    writeFileSync(file(), JSON.stringify(policy));
    epoch += 1;
    server.lease({ epoch, leaseId: `lease-${epoch}`, runId: `run_${epoch}` });
    panel = await daemon.local('panel');
  });
  afterEach(async () => {
    writeFileSync(file(), original);
    await panel[Symbol.asyncDispose]();
  });

  const card = () =>
    eventually(
      async () => {
        const state = await panel.request({ type: 'command', name: 'status' });
        return state.type === 'state' ? (state.run?.ask ?? undefined) : undefined;
      },
      { what: 'a card' },
    );
  const answer = (
    name: 'approve' | 'deny',
    { requestId, digest }: { requestId: string; digest: string },
    fields: { code?: string } = {},
  ) => panel.request({ type: 'command', name, requestId, digest, ...fields });
  const press = () => server.act([{ type: 'key_press', keys: ['left'] }]);

  it('to a card needs a hand: a program’s click is none, the person’s is; a no needs nobody', async () => {
    const first = press();
    const ask = await card();
    await nobodyTouches();
    await desktop.ask('xdotool', 'click', '1', 'key', 'a');
    await expect(answer('approve', ask)).rejects.toMatchObject(noHand);
    await desktop.person('click', '1');
    await answer('approve', ask);
    expect(await first).toMatchObject({ outcomes: [{ status: expect.not.stringMatching('refused') }] });
    await nobodyTouches();
    const second = press();
    await answer('deny', await card());
    expect(await second).toMatchObject({ outcomes: [{ status: 'refused', code: 'POLICY_DENIED' }] });
  });

  it('is also the code that guard gave the panel: once, the right one, and to a panel only', async () => {
    await using guard = await daemon.guard('panel');
    await using cli = await daemon.guard('cli');
    await expect(cli.request({ type: 'challenge' })).rejects.toMatchObject(noHand);
    const first = press();
    const ask = await card();
    await nobodyTouches();
    const given = await guard.request({ type: 'challenge' });
    if (given.type !== 'code') throw new Error(given.type);
    const other = given.code === '1234' ? '4321' : '1234';
    await expect(answer('approve', ask, { code: other })).rejects.toMatchObject(noHand);
    await answer('approve', ask, { code: given.code });
    expect(await first).toMatchObject({ outcomes: [{ status: expect.not.stringMatching('refused') }] });
    const second = press();
    await expect(answer('approve', await card(), { code: given.code })).rejects.toMatchObject(noHand);
    await answer('deny', await card());
    await second;
    // The same way resets and hands back.
    await guard.request({ type: 'stop', by: 'panel' });
    const again = await guard.request({ type: 'challenge' });
    if (again.type !== 'code') throw new Error(again.type);
    await guard.request({ type: 'reset', by: 'panel', code: again.code });
    expect(latched()).toBe(false);
  });
});

it('[KILL] a Shift that agent and person both held goes up with the person’s finger', async () => {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  const { observation } = await server.observe({ settle: false });
  let answered: unknown;
  const reply = server.act([slowDrag({ x: 900, y: 500 }, { x: 1100, y: 700 })], {
    frameId: observation?.frame?.geometry.frameId,
  });
  void reply.then((answer) => {
    answered = answer;
  });
  await eventually(async () => (await desktop.held()).length >= 2, { what: 'Shift and a button held' });
  // Hands that get no processor time can't put Shift down at the pause that comes first.
  process.kill(daemon.handsPid(), 'SIGSTOP');
  await desktop.person('keydown', 'ctrl', 'keydown', 'alt', 'keydown', 'shift', 'keydown', 'Escape');
  try {
    await eventually(latched, { what: 'the latch' });
    // Longer than guard looks again by itself.
    await sleep(600);
  } finally {
    await desktop.person('keyup', 'Escape', 'keyup', 'shift', 'keyup', 'alt', 'keyup', 'ctrl');
  }
  await eventually(async () => (await desktop.held()).join() === '', { what: 'nothing held' });
  await eventually(() => answered, { what: 'an answer' });
});
