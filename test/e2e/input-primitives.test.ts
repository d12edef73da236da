import { silentLogger } from '@deskhand/base';
import { openX11InputBackend, type X11InputBackend } from '@deskhand/daemon/input';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import type { OperationInput, Outcome, Rect } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DrivenDesktop, startDrivenDesktop } from '../helpers/driven-desktop.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import type { LinkServer } from '../helpers/link-server.ts';
import { eventually, type XDesktop } from '../helpers/x-desktop.ts';
import { startTargetWindow, type TargetWindow } from '../target-app/target-window.ts';

/** Every primitive through the whole daemon; a window of another program writes down what reached it. */
let driven: DrivenDesktop;
let desktop: XDesktop;
let server: LinkServer;
let target: TargetWindow;
let connection: X11Connection;
let input: X11InputBackend;

beforeAll(async () => {
  driven = await startDrivenDesktop();
  ({ desktop, server } = driven);
  target = await startTargetWindow(desktop);
  connection = await openX11({ display: desktop.display, log: silentLogger });
  input = await openX11InputBackend({ connection, log: silentLogger });
  server.lease({ epoch: 1, leaseId: 'lease-1', runId: 'run_1' });
});

afterAll(async () => {
  await input?.[Symbol.asyncDispose]();
  await connection?.[Symbol.asyncDispose]();
  await driven?.[Symbol.asyncDispose]();
});

const middle = (name: string) => {
  const { x, y, width, height } = target.places[name] as Rect;
  return { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
};

async function act(operation: OperationInput): Promise<Outcome> {
  const { observation } = await server.observe({ frame: { maxSidePx: 8192 }, settle: false });
  const reply = await server.act([operation], { frameId: observation?.frame?.geometry.frameId });
  if (reply.type !== 'result' || reply.outcomes[0] === undefined) throw new Error(JSON.stringify(reply));
  expect(await heldInputs(desktop)).toEqual([]);
  return reply.outcomes[0];
}

/** What the window wrote down during `work`, once `enough` is among it. */
async function during(
  work: () => Promise<unknown>,
  enough: (events: Awaited<ReturnType<TargetWindow['events']>>) => boolean,
) {
  const before = (await target.events()).length;
  await work();
  return eventually(async () => {
    const events = (await target.events()).slice(before);
    if (!enough(events)) throw new Error(`only ${JSON.stringify(events.slice(-5))}`);
    return events;
  });
}

const SHIFT = 1;
const CONTROL = 4;

describe('the mouse', () => {
  it.each([
    ['left', 1],
    ['middle', 2],
    ['right', 3],
    ['back', 8],
    ['forward', 9],
  ] as const)('%s button', async (button, number) => {
    const events = await during(
      () => act({ type: 'click', point: middle('canvas'), button }),
      (seen) => seen.some((event) => event.type === 'button' && event.down === false),
    );
    const { x, y } = middle('canvas');
    expect(events.filter(({ type }) => type === 'button')).toEqual([
      expect.objectContaining({ down: true, number, x, y, widget: 'canvas' }),
      expect.objectContaining({ down: false, number, x, y, widget: 'canvas' }),
    ]);
  });

  it.each(['up', 'down', 'left', 'right'] as const)('wheel %s, notch by notch', async (direction) => {
    const events = await during(
      () => act({ type: 'scroll', point: middle('canvas'), direction, amount: 7 }),
      (seen) => seen.filter(({ type }) => type === 'wheel').length >= 7,
    );
    expect(events.filter(({ type }) => type === 'wheel').map((event) => event.direction)).toEqual(
      Array.from({ length: 7 }, () => direction),
    );
  });

  it('a drag with modifiers takes its time, passes between, and holds them all the way', async () => {
    const { x, y, width, height } = target.places.canvas as Rect;
    const from = { x: x + 20, y: y + 20 };
    const to = { x: x + width - 30, y: y + height - 20 };
    const startedAt = performance.now();
    const events = await during(
      () => act({ type: 'drag', from, to, durationMs: 600, modifiers: ['shift', 'ctrl'] }),
      (seen) => seen.some((event) => event.type === 'button' && event.down === false),
    );
    expect(performance.now() - startedAt).toBeGreaterThan(590);
    const pressed = events.findIndex((event) => event.type === 'button' && event.down === true);
    const released = events.findIndex((event) => event.type === 'button' && event.down === false);
    expect(events[pressed]).toMatchObject({ x: from.x, y: from.y });
    expect(events[released]).toMatchObject({ x: to.x, y: to.y });
    const way = events.slice(pressed, released).filter(({ type }) => type === 'motion');
    // Many on a quiet machine; a jump would have none.
    expect(way.length).toBeGreaterThan(3);
    for (const event of way) {
      expect(Number(event.state) & (SHIFT | CONTROL)).toBe(SHIFT | CONTROL);
      // On the straight line between the two.
      const part = (Number(event.x) - from.x) / (to.x - from.x);
      expect(Math.abs(Number(event.y) - (from.y + (to.y - from.y) * part))).toBeLessThanOrEqual(1.5);
    }
  });

  it('a smooth way passes over what lies between; a jump does not', async () => {
    const { x, y, width } = target.places.canvas as Rect;
    await act({ type: 'move', point: { x: x + 5, y: y + 50 } });
    const smooth = await during(
      () => act({ type: 'move', point: { x: x + width - 5, y: y + 50 }, durationMs: 300 }),
      (seen) => seen.some((event) => event.x === Math.round(x + width - 5)),
    );
    expect(smooth.filter(({ type }) => type === 'motion').length).toBeGreaterThan(4);
    const jump = await during(
      () => act({ type: 'move', point: { x: x + 5, y: y + 50 } }),
      (seen) => seen.some((event) => event.x === Math.round(x + 5)),
    );
    expect(jump.filter(({ type }) => type === 'motion').length).toBeLessThanOrEqual(2);
  });
});

describe('what is held', () => {
  it('is down until its lease ends, and up then', async () => {
    const before = (await target.events()).length;
    await act({ type: 'click', point: middle('canvas') });
    server.lease({ epoch: 1, leaseId: 'lease-1', runId: 'run_1', ttlMs: 4000, renew: false });
    const acting = server.act([{ type: 'key_combo', keys: ['down'], heldMs: 30_000 }]);
    await eventually(async () => expect((await heldInputs(desktop)).join()).toContain('key'));
    expect(await acting).toMatchObject({ outcomes: [{ status: 'failed' }] });
    expect(await heldInputs(desktop)).toEqual([]);
    await eventually(async () => {
      const keys = (await target.events()).slice(before).filter(({ type }) => type === 'key');
      expect(keys.at(0)).toMatchObject({ down: true, keysym: 'Down' });
      expect(keys.at(-1)).toMatchObject({ down: false, keysym: 'Down' });
    });
    server.lease({ epoch: 2, leaseId: 'lease-2', runId: 'run_1' });
  });

  it('is let go of by itself', async () => {
    const events = await during(
      () => act({ type: 'click', point: middle('canvas'), heldMs: 300 }),
      (seen) => seen.some((event) => event.type === 'button' && event.down === false),
    );
    expect(events.filter(({ type }) => type === 'button')).toHaveLength(2);
  });
});

describe('bad input', () => {
  it('a point outside the frame, an unknown key: refused, nothing sent, the next action works', async () => {
    const before = (await target.events()).length;
    expect(await act({ type: 'click', point: { x: 5000, y: 10 } })).toMatchObject({
      status: 'refused',
      code: 'POINT_OUTSIDE_FRAME',
    });
    expect(await act({ type: 'key_combo', keys: ['ctrl', 'nosuchkey'] })).toMatchObject({
      status: 'refused',
      code: 'UNKNOWN_KEY',
    });
    expect(await act({ type: 'type_text', text: 'a\u0007b' })).toMatchObject({
      status: 'refused',
      code: 'TEXT_NOT_TYPEABLE',
    });
    const sent = (await target.events()).slice(before).filter(({ type }) => /key|button|wheel/.test(type));
    expect(sent).toEqual([]);
    expect((await act({ type: 'click', point: middle('entry') })).status).not.toBe('refused');
  });

  it('100,000 characters: taken, and a deadline in the middle ends them with nothing held', {
    timeout: 60_000,
  }, async () => {
    await act({ type: 'click', point: middle('text') });
    const reply = await server.act([{ type: 'type_text', text: 'abcdefghij'.repeat(10_000) }], {
      deadlineMs: 2500,
    });
    if (reply.type !== 'result') throw new Error(JSON.stringify(reply));
    expect(reply.outcomes[0]).toMatchObject({ status: 'failed', code: 'ACTION_ABORTED' });
    expect(await heldInputs(desktop)).toEqual([]);
    // What arrived is a beginning of it, and nothing comes afterwards.
    const arrived = async () =>
      String((await target.events()).filter(({ type }) => type === 'text').at(-1)?.value ?? '');
    const length = await eventually(async () => {
      const before = (await arrived()).length;
      await new Promise((resolve) => setTimeout(resolve, 400));
      if ((await arrived()).length !== before) throw new Error('still arriving');
      return before;
    });
    expect(length).toBeGreaterThan(100);
    expect('abcdefghij'.repeat(10_000).startsWith(await arrived())).toBe(true);
    const after = await server.act([{ type: 'key_press', keys: ['home'] }]);
    expect(after).toMatchObject({ type: 'result' });
  });

  it('100,001 characters are refused before anything happens', async () => {
    const reply = await server
      .act([{ type: 'type_text', text: 'x'.repeat(100_001) }])
      .catch((error) => error);
    expect(JSON.stringify(reply)).toMatch(/VALIDATION|INVALID|malformed|100/i);
  });
});
