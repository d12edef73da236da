import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { centerOf, type DaemonState, desktopToFrame, type PanelAsk } from '@deskhand/protocol';
import type { DaemonConnection } from '@deskhand/protocol/local-client';
import { loadPolicy } from '@deskhand/protocol/policy-file';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { deskhand } from '../helpers/up-process.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
let panel: DaemonConnection;
/** Nobody sits at this desktop, so yes is said on a terminal; presence.test.ts has the panel’s. */
let terminal: DaemonConnection;
let received: string;
let original: string;
let epoch = 0;

const policyFile = () => join(daemon.dataFolder, 'policy.json');
const bytes = () => readFileSync(received, 'utf8');

beforeAll(async () => {
  desktop = await startXDesktop();
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  received = join(desktop.folder, 'received');
  writeFileSync(received, '');
  await desktop.xterm('sh', '-c', `stty raw; exec cat > ${received}`);
  panel = await daemon.local('panel');
  terminal = await daemon.local('cli');
  original = readFileSync(policyFile(), 'utf8');
});

afterAll(async () => {
  await panel?.[Symbol.asyncDispose]();
  await terminal?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  const policy = JSON.parse(original);
  policy.applications.rules.unshift({ match: 'xterm', verdict: 'ask' });
  writeFileSync(policyFile(), JSON.stringify(policy));
  newRun();
});
afterEach(() => writeFileSync(policyFile(), original));

function newRun(): void {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}`, runId: `run_${epoch}` });
}

async function state(): Promise<DaemonState> {
  const reply = await panel.request({ type: 'command', name: 'status' });
  if (reply.type !== 'state') throw new Error(reply.type);
  return reply;
}

async function card(): Promise<PanelAsk> {
  return eventually(async () => (await state()).run?.ask ?? undefined, { what: 'a card' });
}

const answer = (
  name: 'approve' | 'deny',
  { requestId, digest }: Pick<PanelAsk, 'requestId' | 'digest'>,
  scope?: 'once' | 'run' | 'always',
) =>
  terminal.request({ type: 'command', name, requestId, digest, ...(scope === undefined ? {} : { scope }) });

const type = (text: string, fields = {}) => server.act([{ type: 'type_text', text }], fields);
const refused = (rule: string) => ({
  outcomes: [{ status: 'refused', code: 'POLICY_DENIED', result: { rule } }],
});

describe('what the policy leaves to the person', () => {
  it('[POL] waits as a card with this desktop’s facts, and is done after a yes to exactly that card', async () => {
    const before = bytes();
    const reply = type('secret-text');
    const ask = await card();
    expect(ask).toMatchObject({ action: 'Type 11 characters' });
    expect(ask.application.toLowerCase()).toBe('xterm');
    expect(JSON.stringify(await state())).not.toContain('secret-text');
    expect((await state()).run?.status).toBe('awaiting_human');
    await expect(answer('approve', { ...ask, digest: 'f'.repeat(64) })).rejects.toThrow();
    await expect(answer('approve', { ...ask, requestId: 'ask_other' })).rejects.toThrow();
    await expect(terminal.request({ type: 'command', name: 'approve' })).rejects.toThrow();
    expect(bytes()).toBe(before);
    await answer('approve', ask);
    expect(await reply).toMatchObject({ type: 'result' });
    await eventually(() => bytes() === `${before}secret-text`, { what: 'the text' });
    expect((await state()).run).toMatchObject({ status: 'running' });
    // A yes is used up, and no answer to whatever comes next.
    await expect(answer('approve', ask)).rejects.toThrow();
    const next = type('x');
    const second = await card();
    expect(second.digest).not.toBe(ask.digest);
    await expect(answer('approve', ask)).rejects.toThrow();
    await answer('deny', second);
    expect(await next).toMatchObject(refused('applications:xterm'));
  });

  it('[POL] is not done after a no, nor without an answer', async () => {
    const before = bytes();
    const reply = type('no');
    await answer('deny', await card());
    expect(await reply).toMatchObject(refused('applications:xterm'));
    // Five seconds of the deadline are the action's own.
    expect(await type('no', { deadlineMs: 6000 })).toMatchObject(refused('applications:xterm'));
    expect((await state()).run?.ask ?? null).toBeNull();
    expect(bytes()).toBe(before);
  });

  it('[POL] asks once for a run that was allowed, and again in the next', async () => {
    const before = bytes();
    const first = type('a');
    await answer('approve', await card(), 'run');
    await first;
    await type('b');
    await eventually(() => bytes() === `${before}ab`, { what: 'both' });
    newRun();
    const third = type('c');
    await answer('deny', await card());
    expect(await third).toMatchObject(refused('applications:xterm'));
  });

  it('[POL] writes "always" into the policy, as the first rule', async () => {
    const reply = type('d');
    await answer('approve', await card(), 'always');
    await reply;
    const loaded = loadPolicy(policyFile());
    expect(loaded.state === 'loaded' && loaded.policy.applications.rules[0]).toMatchObject({
      match: expect.stringMatching(/^xterm$/i),
      verdict: 'allow',
    });
    newRun();
    expect(await type('e')).not.toMatchObject(refused('applications:xterm'));
  });

  it('[POL] obeys `deskhand policy deny` and `allow` on a terminal from the next action on', async () => {
    const policy = (...args: string[]) => deskhand(['policy', ...args, '--data', daemon.dataFolder]);
    expect(await policy('deny', 'application', 'xterm', '--why', 'Not today.')).toMatchObject({ code: 0 });
    const before = bytes();
    expect(await type('no')).toMatchObject(refused('applications:xterm'));
    expect(bytes()).toBe(before);
    expect(await policy('allow', 'application', 'xterm')).toMatchObject({ code: 0 });
    await type('yes');
    await eventually(() => bytes() === `${before}yes`, { what: 'the text' });
  });

  it('[POL] asks who may start runs once per run', async () => {
    const policy = JSON.parse(original);
    policy.runs.local_server = 'ask';
    writeFileSync(policyFile(), JSON.stringify(policy));
    const reply = type('f');
    expect(await card()).toMatchObject({
      application: '',
      action: expect.stringMatching(/^Let ws:\/\/127\.0\.0\.1:\d+.* test use this desktop$/),
    });
    await answer('approve', await card());
    await reply;
    expect(await type('g')).not.toMatchObject(refused('runs:local_server'));
  });

  it('[POL] is refused when another window is there by the time of the yes', async () => {
    const before = bytes();
    const policy = JSON.parse(readFileSync(policyFile(), 'utf8'));
    writeFileSync(policyFile(), JSON.stringify(policy));
    const { observation } = await server.observe({ settle: false });
    const reply = server.act([{ type: 'click', point: { x: 300, y: 200 } }], {
      frameId: observation?.frame?.geometry.frameId,
    });
    const ask = await card();
    const cover = await desktop.startWindow(
      'xterm',
      ['-title', 'cover', '-geometry', '200x60+0+0', '-e', 'cat'],
      ['--name', '^cover$'],
    );
    await answer('approve', ask);
    expect(await reply).toMatchObject(refused('changed'));
    await cover.close();
    expect(bytes()).toBe(before);
  });

  it('[KILL] does not stand in the way of STOP, which takes the card away', async () => {
    const before = bytes();
    const reply = type('never');
    const ask = await card();
    await panel.request({ type: 'command', name: 'stop' });
    expect(await reply).toMatchObject({ outcomes: [{ code: 'LATCHED' }] });
    expect((await state()).run?.ask ?? null).toBeNull();
    await expect(answer('approve', ask)).rejects.toThrow();
    expect(bytes()).toBe(before);
    await using guard = await daemon.guard();
    await guard.request({ type: 'reset', by: 'cli' });
    await eventually(async () => (await state()).control === 'armed', { what: 'an armed desktop' });
  });

  it('[FRAME3] is refused when the displays change while it is asked, and the card goes away', async () => {
    const { observation } = await server.observe({ settle: false });
    const frame = observation?.frame;
    const window = observation?.windows.find(({ application }) => /^xterm$/i.test(application));
    if (frame == null || window === undefined) throw new Error('no picture with a terminal');
    const point = desktopToFrame(frame.geometry, centerOf(window.bounds));
    const reply = server.act([{ type: 'click', point }], { frameId: frame.geometry.frameId });
    const ask = await card();
    expect(ask.application.toLowerCase()).toBe('xterm');
    const timing = ['60', '1024', '1024', '1024', '1024', '768', '768', '768', '768'];
    await desktop.ask('xrandr', '--newmode', 'smaller', ...timing);
    await desktop.ask('xrandr', '--addmode', 'screen', 'smaller');
    await desktop.ask('xrandr', '--output', 'screen', '--mode', 'smaller');
    expect(await reply).toMatchObject({ outcomes: [{ status: 'refused', code: 'FRAME_STALE' }] });
    await eventually(async () => ((await state()).run?.ask ?? null) === null, { what: 'the card is gone' });
    await expect(answer('approve', ask)).rejects.toThrow();
  });
});

it('[AUDIT] keeps what was answered, never what was typed', () => {
  const text = readFileSync(join(daemon.dataFolder, 'audit.jsonl'), 'utf8');
  for (const said of [
    'answered once',
    'answered run',
    'answered always',
    'answered deny',
    'answered timeout',
  ])
    expect(text).toContain(said);
  expect(text).not.toContain('secret-text');
});
