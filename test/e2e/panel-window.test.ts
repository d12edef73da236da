import { spawn } from 'node:child_process';
import { FakeDesktop, PanelProcess, panelRun } from '@deskhand/overlay/testing';
import { Display } from '@deskhand/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Monitors, startMonitors } from '../helpers/monitors.ts';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

/** The panel as its own window of an installed Chromium, on the screen the agent uses. */
describe('the panel’s own window', () => {
  let desktop: XDesktop;
  let fake: FakeDesktop;
  let panel: PanelProcess;

  beforeAll(async () => {
    desktop = await startXDesktop({ width: 1280, height: 800 });
  });
  afterEach(async () => {
    await panel[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });
  afterAll(() => desktop[Symbol.asyncDispose]());

  async function open(options: { display?: string } = {}): Promise<string> {
    fake = await FakeDesktop.start();
    fake.daemonState = {
      ...fake.daemonState,
      display: options.display ?? desktop.environment.DISPLAY ?? null,
    };
    panel = await PanelProcess.start(fake.dataDir, {
      env: { ...desktop.environment, ...fake.env },
      args: ['--open'],
    });
    return eventually(async () => {
      const [id] = (
        await desktop.ask('xdotool', 'search', '--onlyvisible', '--name', 'Ready – Deskhand')
      ).split('\n');
      if (!id) throw new Error('no window');
      return id;
    }, 20_000);
  }

  async function place(windowId: string) {
    const text = await desktop.ask('xdotool', 'getwindowgeometry', '--shell', windowId);
    const value = (name: string) => Number(new RegExp(`${name}=(-?\\d+)`).exec(text)?.[1]);
    return { x: value('X'), y: value('Y'), width: value('WIDTH'), height: value('HEIGHT') };
  }
  const lastRects = () =>
    fake.daemon.messages('rects').at(-1) as
      | { rects: Array<{ x: number; y: number; width: number; height: number }> }
      | undefined;

  it('opens by itself and lets no code be read from the process list', async () => {
    await open();
    expect(await desktop.ask('ps', '-eo', 'args')).not.toContain('#code=');
  });

  it('ends with the panel, and nothing of the browser stays', async () => {
    await open();
    expect(await desktop.ask('ps', '-eo', 'args')).toContain(`${fake.dataDir}/panel-browser`);
    const ended = await panel.end('SIGTERM');
    expect(ended.code).toBe(0);
    await eventually(async () =>
      expect(await desktop.ask('ps', '-eo', 'args')).not.toContain(`${fake.dataDir}/panel-browser`),
    );
  });

  it('says where it is, and steps aside for a click that would hit it', async () => {
    const windowId = await open();
    // A window manager may move a new window once more.
    const before = await eventually(async () => {
      expect(lastRects()?.rects).toHaveLength(1);
      const at = await place(windowId);
      expect(Math.abs((lastRects()?.rects[0]?.x ?? -999) - at.x)).toBeLessThan(12);
      return at;
    });
    const target = { x: before.x + 100, y: before.y + 100, width: 48, height: 48 };
    fake.daemon.send({ type: 'dodge', id: 'd1', target, deadlineMs: 150 });
    await eventually(() =>
      expect(
        fake.daemon.messages('rects').some((message) => message.type === 'rects' && message.id === 'd1'),
      ).toBe(true),
    );
    await eventually(async () => {
      const { x, y, width, height } = await place(windowId);
      const apart = x > target.x + 48 || x + width < target.x || y > target.y + 48 || y + height < target.y;
      expect(apart).toBe(true);
    });
  });

  it('covers nothing of a screen it is not on', async () => {
    await open({ display: ':999' });
    await eventually(() => expect(lastRects()).toBeDefined());
    expect(lastRects()?.rects).toEqual([]);
  });

  it('stays above all others when asked, and its STOP works there', async () => {
    const windowId = await open();
    await desktop.ask('xdotool', 'windowactivate', '--sync', windowId);
    // STOP comes first in tab order; the second is the only other button of an idle panel.
    await desktop.ask('xdotool', 'key', 'Tab', 'Tab', 'space');
    const above = async () => {
      const windows = await desktop.ask('xdotool', 'search', '--onlyvisible', '--class', 'chromium');
      for (const id of windows.split('\n').filter((line) => line !== ''))
        if ((await desktop.ask('xprop', '-id', id, '_NET_WM_STATE')).includes('_NET_WM_STATE_ABOVE'))
          return id;
      throw new Error('no window is above the others');
    };
    const small = await place(await eventually(above, 15_000));
    // What it covers is the small window now.
    await eventually(() => expect(Math.abs((lastRects()?.rects[0]?.x ?? -999) - small.x)).toBeLessThan(12));
    fake.setDaemon({ run: panelRun() });
    await eventually(async () => {
      await desktop.ask(
        'xdotool',
        'mousemove',
        String(small.x + small.width / 2),
        String(small.y + small.height - 6 - 40 - 28),
        'mousedown',
        '1',
        'mouseup',
        '1',
      );
      expect(fake.guard.messages('stop')).not.toHaveLength(0);
    });
  });
});

describe('a display that is unplugged under the panel', () => {
  let monitors: Monitors;
  beforeAll(async () => {
    monitors = await startMonitors();
  });
  afterAll(() => monitors?.[Symbol.asyncDispose]());

  it('brings it back into sight, told where it is, and STOP works there', async () => {
    const both = [
      { name: 'DUMMY0', mode: '1920x1080', x: 0, y: 0 },
      { name: 'DUMMY1', mode: '1280x1024', x: 1920, y: 0 },
    ];
    await monitors.arrange(both);
    const manager = spawn('openbox', ['--sm-disable'], { env: monitors.environment, stdio: 'ignore' });
    await using fake = await FakeDesktop.start();
    const displays = both.map(({ name, mode, x, y }, index) => {
      const [width = 0, height = 0] = mode.split('x').map(Number);
      const bounds = { x, y, width, height };
      return Display.parse({ id: `x11:${name}`, name, bounds, scale: 1, primary: index === 0 });
    });
    fake.daemonState = { ...fake.daemonState, display: monitors.display, displays };
    try {
      await using _panel = await PanelProcess.start(fake.dataDir, {
        env: { ...monitors.environment, ...fake.env },
        args: ['--open'],
      });
      const windowId = await eventually(async () => {
        const found = await monitors.ask('xdotool', 'search', '--onlyvisible', '--name', 'Ready – Deskhand');
        return found.trim().split('\n')[0] as string;
      }, 30_000);
      const covered = () => {
        const last = fake.daemon.messages('rects').at(-1);
        const rect = last?.type === 'rects' ? last.rects[0] : undefined;
        if (rect === undefined) throw new Error('the panel has not said where it is');
        return rect;
      };
      await eventually(async () => {
        await monitors.ask('xdotool', 'windowmove', windowId, '2500', '200');
        expect(covered().x).toBeGreaterThan(1920);
      }, 30_000);

      await monitors.arrange(both.slice(0, 1));
      fake.setDaemon({ displays: displays.slice(0, 1) });
      await eventually(() => expect(covered().x + covered().width).toBeLessThanOrEqual(1920), 30_000);
      const { x, y, width, height } = covered();
      await eventually(async () => {
        await monitors.ask(
          ...([
            'xdotool',
            'mousemove',
            `${x + width / 2}`,
            `${y + height - 6 - 40 - 28}`,
            'click',
            '1',
          ] as const),
        );
        expect(fake.guard.messages('stop')).not.toHaveLength(0);
      }, 20_000);
    } finally {
      manager.kill();
    }
  });
});
