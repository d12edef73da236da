import { existsSync } from 'node:fs';
import { FakeDesktop, PanelProcess, panelRun } from '@deskhand/overlay/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

/** Half the height of STOP and what is below it, CSS pixels: from the window's bottom edge to the button's middle. */
const STOP_FROM_BOTTOM_PX = 6 + 40 + 28;

describe('STOP, clicked by a pointer on a real X display', () => {
  let desktop: XDesktop;
  const open: AsyncDisposable[] = [];

  beforeAll(async () => {
    desktop = await startXDesktop({ width: 1280, height: 800 });
  });
  afterEach(async () => {
    for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  });
  afterAll(() => desktop[Symbol.asyncDispose]());

  async function showPanel(fake: FakeDesktop): Promise<{ windowId: string; x: number; y: number }> {
    const panel = await PanelProcess.start(fake.dataDir, { env: fake.env });
    open.push(panel);
    fake.setDaemon({ run: panelRun() });
    const window = await desktop.chromium(`--app=${panel.url}`, '--window-size=376,640');
    open.push({ [Symbol.asyncDispose]: () => window.close() });
    const windowId = window.windowId as string;
    const geometry = await desktop.ask('xdotool', 'getwindowgeometry', '--shell', windowId);
    const value = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(geometry)?.[1]);
    // The page has its session when the daemon is asked nothing more and a thumbnail could be sent: ask the host.
    await eventually(() => expect(fake.daemon.messages('subscribe')).not.toHaveLength(0));
    return {
      windowId,
      x: value('X') + Math.round(value('WIDTH') / 2),
      y: value('Y') + value('HEIGHT') - STOP_FROM_BOTTOM_PX,
    };
  }

  async function fake(): Promise<FakeDesktop> {
    const started = await FakeDesktop.start();
    open.push(started);
    return started;
  }

  /** The page is alive and current when the window manager knows the state from its title. */
  async function painted(windowId: string): Promise<void> {
    await eventually(async () => {
      const name = await desktop.ask('xdotool', 'getwindowname', windowId);
      expect(name).toContain('Agent is in control');
    }, 20_000);
  }

  it('reaches guard and daemon when the button goes down, before it comes up', async () => {
    const peers = await fake();
    const panel = await showPanel(peers);
    await painted(panel.windowId);
    await desktop.ask('xdotool', 'mousemove', String(panel.x), String(panel.y), 'mousedown', '1');
    try {
      await eventually(() => {
        expect(peers.guard.messages('stop')).not.toHaveLength(0);
        expect(peers.daemon.messages('command')).toContainEqual(expect.objectContaining({ name: 'stop' }));
      });
    } finally {
      await desktop.ask('xdotool', 'mouseup', '1');
    }
    await eventually(async () => {
      expect(await desktop.ask('xdotool', 'getwindowname', panel.windowId)).toContain('Stopped');
    });
  });

  it('sets the latch on disk when guard and daemon are both gone', async () => {
    const peers = await fake();
    const panel = await showPanel(peers);
    await painted(panel.windowId);
    await peers.guard[Symbol.asyncDispose]();
    await peers.daemon[Symbol.asyncDispose]();
    await eventually(async () => {
      expect(await desktop.ask('xdotool', 'getwindowname', panel.windowId)).toContain(
        'Controls not connected',
      );
    });
    expect(existsSync(peers.paths.latchFile)).toBe(false);
    await desktop.ask('xdotool', 'mousemove', String(panel.x), String(panel.y), 'click', '1');
    await eventually(() => expect(existsSync(peers.paths.latchFile)).toBe(true));
  });
});
