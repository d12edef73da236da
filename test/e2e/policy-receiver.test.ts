import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openX11InputBackend } from '@deskhand/daemon/input';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import type { OperationInput, Outcome } from '@deskhand/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DaemonProcess } from '../helpers/daemon-process.ts';
import { type DrivenDesktop, startDrivenDesktop } from '../helpers/driven-desktop.ts';
import { eventually } from '../helpers/eventually.ts';
import type { LinkServer } from '../helpers/link-server.ts';
import type { RunningProgram, XDesktop } from '../helpers/x-desktop.ts';
import { startTargetWindow, type TargetWindow } from '../target-app/target-window.ts';

/** Thefts per kind; the thief itself, a program of its own, tells what it got. */
const THEFTS = 100;
const CLICK_THEFTS = 45;
const INPUT_EVENTS = /key|press|release|click|button|wheel|drag/i;

/** One X client with two windows and a dialog of the first; each writes what keys and clicks reach it to a file of its name. */
const THREE_WINDOWS = `
import tkinter
root = tkinter.Tk()
for name in ("page", "bank", "dialog"):
    window = root if name == "page" else tkinter.Toplevel(root)
    window.title(name)
    window.geometry("200x100")
    log = open(name, "a")
    window.bind("<Key>", lambda event, log=log: (log.write(event.char), log.flush()))
    window.bind("<Button>", lambda event, log=log: (log.write("!"), log.flush()))
    if name == "dialog":
        window.transient(root)
root.mainloop()
`;

let driven: DrivenDesktop;
let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
let x: X11Connection;
let thief: TargetWindow;
let victim: RunningProgram;
let received: string;
let epoch = 0;

beforeAll(async () => {
  driven = await startDrivenDesktop();
  ({ desktop, server, daemon } = driven);
  x = await openX11({ display: desktop.display, log: silentLogger });
  thief = await startTargetWindow(desktop, 'Thief');
  received = join(desktop.folder, 'received');
  writeFileSync(received, '');
  // A theft before the decision is the policy's business, one after it that of hands.
  const policyFile = join(daemon.dataFolder, 'policy.json');
  const policy = JSON.parse(readFileSync(policyFile, 'utf8'));
  policy.titles.rules = [{ match: 'Thief', verdict: 'deny' }];
  writeFileSync(policyFile, JSON.stringify(policy));
  victim = await desktop.xterm('sh', '-c', `stty raw -echo; exec cat > ${received}`);
});

afterAll(async () => {
  await x?.[Symbol.asyncDispose]();
  await driven?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}`, runId: `run_${epoch}` });
});

const victimId = () => Number(victim.windowId);
const thiefId = () => Number(thief.windowId);
const loot = async () => (await thief.events()).filter(({ type }) => INPUT_EVENTS.test(type));

/** Straight to the X server, without asking the window manager: as a thief would. */
async function focus(window: number): Promise<void> {
  await x.setInputFocus(window);
  await eventually(async () => (await x.inputFocus()) === window, { what: 'the focus', everyMs: 2 });
}

async function act(operation: OperationInput, fields = {}): Promise<Outcome> {
  const reply = await server.act([operation], fields);
  if (reply.type !== 'result' || reply.outcomes[0] === undefined) throw new Error(JSON.stringify(reply));
  return reply.outcomes[0];
}

describe('a thief between decision and input', () => {
  it(`[POL2] that takes the focus gets no key, ${THEFTS} times`, { timeout: 180_000 }, async () => {
    const ended = new Map<string, number>();
    for (let theft = 0; theft < THEFTS; theft += 1) {
      await focus(victimId());
      const keys = Array.from({ length: 30 }, () => 'x');
      const operation: OperationInput =
        theft % 2 === 0 ? { type: 'type_text', text: 'q'.repeat(60) } : { type: 'key_press', keys };
      const acting = act(operation);
      // Spread over the whole time from before the decision to after the last key.
      await new Promise((resolve) => setTimeout(resolve, (theft * 7) % 110));
      await x.setInputFocus(thiefId());
      count(ended, await acting);
    }
    expect(await loot()).toEqual([]);
    // Neither always too early nor always too late: the thefts were among the keys.
    expect(ended.get('failed') ?? 0, JSON.stringify([...ended])).toBeGreaterThan(THEFTS / 10);
    expect(readFileSync(received, 'utf8')).toMatch(/^[qx]+$/);
  });

  it(`[POL2] that slips under the pointer gets no click, ${CLICK_THEFTS} times`, {
    timeout: 180_000,
  }, async () => {
    const ended = new Map<string, number>();
    const { observation } = await server.observe({ settle: false });
    const fields = { frameId: observation?.frame?.geometry.frameId };
    const [left, top] = [300, 260];
    await x.configureWindow(await frameOf(victimId()), { x: 0, y: 0 });
    await x.configureWindow(await frameOf(thiefId()), { x: 40, y: 40 });
    for (let theft = 0; theft < CLICK_THEFTS; theft += 1) {
      await x.configureWindow(await frameOf(thiefId()), { stackMode: 1 });
      const operations: OperationInput[] = [
        { type: 'click', point: { x: left, y: top } },
        { type: 'scroll', point: { x: left, y: top }, direction: 'down', amount: 6 },
        { type: 'drag', from: { x: 100, y: 30 }, to: { x: left, y: top }, durationMs: 30 },
      ];
      const acting = act(operations[theft % 3] as OperationInput, fields);
      await new Promise((resolve) => setTimeout(resolve, (theft * 13) % 80));
      await x.configureWindow(await frameOf(thiefId()), { stackMode: 0 });
      count(ended, await acting);
    }
    expect(await loot()).toEqual([]);
    expect(
      ended.get('unverified') ?? ended.get('confirmed') ?? ended.get('no_effect') ?? 0,
      JSON.stringify([...ended]),
    ).toBeGreaterThan(0);
  });
});

describe('other windows of the application that was decided about', () => {
  const written = (name: string) => readFileSync(join(desktop.folder, name), 'utf8');
  let program: RunningProgram;
  let page: number;
  let bank: number;
  let dialog: number;

  beforeAll(async () => {
    for (const name of ['page', 'bank', 'dialog']) writeFileSync(join(desktop.folder, name), '');
    program = await desktop.startWindow('python3', ['-c', THREE_WINDOWS], ['--name', '^page$']);
    const windowOf = async (title: string) =>
      Number(
        (await desktop.ask('xdotool', 'search', '--sync', '--name', `^${title}$`)).trim().split('\n')[0],
      );
    page = Number(program.windowId);
    [bank, dialog] = [await windowOf('bank'), await windowOf('dialog')];
  });

  afterAll(() => program?.close());

  it('[POL2] get no key of a text that was meant for another one; its own dialog does', async () => {
    await focus(page);
    const stolen = act({ type: 'type_text', text: 'q'.repeat(5000) });
    await eventually(() => written('page').length > 100, { what: 'the text arrives', everyMs: 5 });
    await x.setInputFocus(bank);
    expect(await stolen).toMatchObject({ status: 'failed', code: 'RECEIVER_CHANGED' });
    expect(written('page').length).toBeLessThan(5000);
    expect(written('bank')).toBe('');

    await focus(page);
    const before = written('page').length;
    const shared = act({ type: 'type_text', text: 'd'.repeat(3000) });
    await eventually(() => written('page').length > before + 100, { what: 'the text arrives', everyMs: 5 });
    await x.setInputFocus(dialog);
    expect((await shared).status).toMatch(/^(confirmed|unverified)$/);
    await eventually(() => written('dialog') !== '', { what: 'text in the dialog' });
    expect(written('bank')).toBe('');
  });

  it('[POL2] get no single key and no click that was meant for another one; its own dialog does', async () => {
    await using connection = await openX11({ display: desktop.display, log: silentLogger });
    // Hands themselves: what they are aimed at has been decided, so every change comes after that.
    await using input = await openX11InputBackend({ connection, log: silentLogger });
    const refused = { code: 'RECEIVER_CHANGED' };
    const gets = (name: string, what: string) =>
      eventually(() => written(name).endsWith(what), { what: `${what} in ${name}` });
    const windowId = `0x${page.toString(16)}`;

    input.aim({ keys: windowId, points: [] });
    await focus(page);
    await input.stroke(['a']);
    await gets('page', 'a');
    await focus(bank);
    await expect(input.stroke(['b'])).rejects.toMatchObject(refused);
    await expect(input.stroke(['shift', 'b'])).rejects.toMatchObject(refused);
    await expect(input.key('b', true)).rejects.toMatchObject(refused);
    await focus(dialog);
    await input.stroke(['c']);
    await gets('dialog', 'c');
    await focus(page);
    await input.stroke(['d']);
    await gets('page', 'd');

    const frames = { page: await frameOf(page), bank: await frameOf(bank), dialog: await frameOf(dialog) };
    const point = { x: 90, y: 70 };
    /** On top, at the point. Nobody clicks before the last one: a window manager would raise things by itself. */
    const bring = async (name: keyof typeof frames) => {
      await x.configureWindow(frames[name], { x: 0, y: 0, stackMode: 0 });
      await eventually(
        async () => (await x.translate(x.root, x.root, point.x, point.y)).child === frames[name],
        { what: `${name} on top` },
      );
    };
    await x.configureWindow(frames.dialog, { x: 600, y: 300 });
    input.aim({ points: [{ point, windowId }] });
    await bring('page');
    await input.moveTo(point);
    await bring('bank');
    await expect(input.button('left', true)).rejects.toMatchObject(refused);
    await expect(input.wheel('down')).rejects.toMatchObject(refused);
    await expect(input.moveTo(point)).rejects.toMatchObject(refused);
    await bring('dialog');
    await input.moveTo(point);
    await input.button('left', true);
    await input.button('left', false);
    await gets('dialog', '!');
    await x.configureWindow(frames.dialog, { x: 600, y: 300 });
    await bring('page');
    await input.moveTo(point);
    await input.button('left', true);
    await input.button('left', false);
    await gets('page', '!');

    expect(written('bank')).toBe('');
    expect(await x.keysDown()).toEqual([]);
  });
});

describe('a window that closes in the middle of a text', () => {
  it('[POL2] takes the rest with it: nothing reaches whoever gets the focus then', async () => {
    const file = join(desktop.folder, 'doomed');
    writeFileSync(file, '');
    const doomed = await desktop.xterm('sh', '-c', `stty raw -echo; exec cat > ${file}`);
    await focus(Number(doomed.windowId));
    const before = { stolen: await loot(), victim: readFileSync(received, 'utf8') };
    const acting = act({ type: 'type_text', text: 'w'.repeat(5000) });
    await eventually(() => readFileSync(file, 'utf8').length > 100, { what: 'the text arrives', everyMs: 5 });
    await doomed.close();
    expect(await acting).toMatchObject({ status: 'failed', code: 'RECEIVER_CHANGED' });
    await eventually(async () => [victimId(), thiefId()].includes(await x.inputFocus()), {
      what: 'another window has the focus',
    });
    expect(readFileSync(file, 'utf8').length).toBeLessThan(5000);
    expect({ stolen: await loot(), victim: readFileSync(received, 'utf8') }).toEqual(before);
    expect(await x.keysDown()).toEqual([]);
  });
});

function count(ended: Map<string, number>, { status, code }: Outcome): void {
  if (status === 'failed' || status === 'refused') expect(code).toMatch(/^(RECEIVER_CHANGED|POLICY_DENIED)$/);
  ended.set(status, (ended.get(status) ?? 0) + 1);
}

/** The window manager's frame: the child of the root that holds it. */
async function frameOf(window: number): Promise<number> {
  const { parent } = await x.queryTree(window);
  return parent === x.root ? window : frameOf(parent);
}
