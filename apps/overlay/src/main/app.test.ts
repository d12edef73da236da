import { silentLogger } from '@deskhand/base';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeElectron, fakeDisplay } from '../../test/fake-electron.ts';
import type { Platform } from '../core/hotkey-name.ts';
import type { HostMessage } from '../core/panel-view.ts';
import { FakeDesktop, panelRun } from '../testing/fake-desktop.ts';
import { Overlay } from './app.ts';
import { CHANNELS } from './channels.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

const files = new Map([
  ['/index.html', { type: 'text/html; charset=utf-8', bytes: Buffer.from('<p>panel</p>') }],
]);

async function start(
  options: {
    platform?: Platform;
    wayland?: boolean;
    argv?: string[];
    prepare?: (electron: FakeElectron) => void;
  } = {},
) {
  const desktop = await FakeDesktop.start();
  open.push(desktop);
  const electron = new FakeElectron();
  options.prepare?.(electron);
  const overlay = new Overlay({
    electron,
    paths: desktop.paths,
    dataDir: desktop.dataDir,
    executable: '/opt/Deskhand/deskhand',
    argv: options.argv ?? ['/tmp/.mount_x/deskhand', '--hidden'],
    configHome: desktop.dataDir,
    updates: { feedUrl: null, load: async () => expect.unreachable('nothing is loaded without an address') },
    platform: options.platform ?? 'linux',
    wayland: options.wayland ?? false,
    files,
    preload: '/out/preload/preload.cjs',
    log: silentLogger,
    nowMs: () => performance.now(),
  });
  open.push({ [Symbol.asyncDispose]: () => overlay.close() });
  const started = await overlay.start();
  return { desktop, electron, overlay, started };
}

async function startWithPage(options: Parameters<typeof start>[0] = {}) {
  const all = await start(options);
  all.electron.fromPage(CHANNELS.ready, []);
  await vi.waitFor(() => expect(all.desktop.guard.clients + all.desktop.daemon.clients).toBe(2), 5000);
  await vi.waitFor(
    () => expect(lastView(all.electron)?.links).toMatchObject({ guard: true, daemon: true }),
    5000,
  );
  return all;
}

function messages(electron: FakeElectron): HostMessage[] {
  return electron.panel.webContents.sent.map(({ message }) => message as HostMessage);
}
function lastView(electron: FakeElectron) {
  const view = messages(electron).findLast((message) => message.type === 'view');
  return view?.type === 'view' ? view.view : undefined;
}

describe('overlay start', () => {
  it('leaves at once when another overlay runs, and makes no window', async () => {
    const { electron, started } = await start({
      prepare: (electron) => {
        electron.app.lock = false;
      },
    });
    expect(started).toBe(false);
    expect(electron.app.calls).toEqual(['lock', 'quit', 'will-quit']);
    expect(electron.panels).toEqual([]);
  });

  it('shows itself when a second overlay was started', async () => {
    const { electron } = await start();
    electron.app.events.emit('second-instance');
    expect(electron.panel.calls).toContain('focus');
  });

  it('turns the sandbox on and registers its scheme before the app is ready', async () => {
    const { electron } = await start();
    expect(electron.app.calls).toEqual(['lock', 'sandbox', 'ready']);
    expect(electron.schemes).toEqual([{ scheme: 'app', privileges: { standard: true, secure: true } }]);
  });

  it('goes through XWayland on Wayland: starts itself anew with what must stand on the command line, once', async () => {
    const { electron, started } = await start({ wayland: true });
    expect([started, electron.panels]).toEqual([false, []]);
    expect(electron.app.calls).toEqual(['relaunch', 'exit']);
    const { execPath, args = [] } = electron.app.relaunched ?? {};
    expect([execPath, args]).toEqual(['/opt/Deskhand/deskhand', ['--hidden', '--ozone-platform=x11']]);
    for (const own of [args, ['--ozone-platform', 'wayland'], ['--ozone-platform=wayland']])
      expect((await start({ wayland: true, argv: ['/x', ...own] })).started).toBe(true);
    expect((await start()).started).toBe(true);
  });

  it('on Windows takes the keyboard only when asked, and gives it back', async () => {
    const { electron } = await start({ platform: 'windows' });
    expect(electron.panel.options.focusable).toBe(false);
    electron.app.events.emit('second-instance');
    const { calls } = electron.panel;
    expect(calls.slice(0, 3)).toEqual(['focusable true', 'skipTaskbar true', 'show']);
    expect(calls.at(-1)).toBe('focus');
    electron.panel.events.emit('blur');
    expect(electron.panel.calls.at(-1)).toBe('focusable false');
  });

  it('makes one small opaque window whose page has no rights', async () => {
    const { electron } = await start();
    expect(electron.panel.options).toMatchObject({
      frame: false,
      transparent: false,
      show: false,
      webPreferences: {
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        webSecurity: true,
        navigateOnDragDrop: false,
        backgroundThrottling: false,
      },
    });
    expect(electron.panel.url).toBe('app://panel/index.html');
  });

  it.each<[Platform, string, boolean | undefined]>([
    ['macos', 'panel', undefined],
    ['windows', 'toolbar', false],
    ['linux', 'toolbar', undefined],
  ])('chooses the window kind for %s', async (platform, type, focusable) => {
    const { electron } = await start({ platform });
    expect(electron.panel.options.type).toBe(type);
    expect(electron.panel.options.focusable).toBe(focusable);
  });

  it('has no developer tools once packaged', async () => {
    const { electron } = await start({
      prepare: (electron) => {
        electron.app.isPackaged = true;
      },
    });
    expect(electron.panel.options.webPreferences?.devTools).toBe(false);
  });

  it('shows the panel without taking the focus, bottom right, on top, kept out of captures', async () => {
    const { electron } = await start();
    electron.fromPage(CHANNELS.ready, []);
    expect(electron.panel.calls).toContain('showInactive');
    expect(electron.panel.calls).not.toContain('focus');
    expect(electron.panel.calls).toContain('alwaysOnTop true screen-saver');
    expect(electron.panel.calls).toContain('allWorkspaces true');
    expect(electron.panel.calls).toContain('contentProtection true');
    expect(electron.panel.bounds).toMatchObject({ x: 1280 - 376 - 16, y: 760 - 640 - 16 });
  });
});

describe('overlay security', () => {
  it('denies every permission', async () => {
    const { electron } = await start();
    const session = electron.theSession;
    const answer = vi.fn();
    session.request({}, 'media', answer, {});
    expect(answer).toHaveBeenCalledExactlyOnceWith(false);
    expect(session.check({}, 'usb')).toBe(false);
    expect(session.device({})).toBe(false);
    const streams = vi.fn();
    session.media({}, streams);
    expect(streams).toHaveBeenCalledExactlyOnceWith({});
  });

  it('opens no window, follows no link, attaches no webview', async () => {
    const { electron } = await start();
    const contents = electron.panel.webContents;
    expect(contents.openHandler?.({} as never)).toEqual({ action: 'deny' });
    for (const event of ['will-navigate', 'will-frame-navigate', 'will-attach-webview']) {
      const preventDefault = vi.fn();
      contents.events.emit(event, { preventDefault });
      expect(preventDefault).toHaveBeenCalledOnce();
    }
  });

  it('serves its own files by name, with a policy, and nothing else', async () => {
    const { electron } = await start();
    const handler = electron.handlers.get('app');
    const get = async (url: string, method = 'GET') => handler?.({ url, method }) as Promise<Response>;
    const page = await get('app://panel/index.html');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("connect-src 'none'");
    expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe|http/);
    expect((await get('app://panel/../index.html2')).status).toBe(404);
    expect((await get('app://other/index.html')).status).toBe(404);
    expect((await get('app://panel/etc/passwd')).status).toBe(404);
    expect((await get('app://panel/index.html', 'POST')).status).toBe(404);
  });

  it.each<[what: string, from: (electron: FakeElectron) => Parameters<FakeElectron['fromPage']>[2]]>([
    ['another window', () => ({ sender: { id: 999 } })],
    ['a frame inside the page', () => ({ senderFrame: { origin: 'app://panel' } })],
    ['a frame that is gone', () => ({ senderFrame: null })],
  ])('hears nothing from %s', async (_what, from) => {
    const { electron, desktop } = await startWithPage();
    electron.fromPage(CHANNELS.stop, ['a'], from(electron));
    electron.fromPage(CHANNELS.control, ['b', 'pause'], from(electron));
    electron.fromPage(CHANNELS.control, ['c', 'takeover']);
    await vi.waitFor(() =>
      expect(desktop.daemon.messages('command')).toContainEqual(
        expect.objectContaining({ name: 'takeover' }),
      ),
    );
    expect(desktop.guard.messages('stop')).toHaveLength(0);
  });

  it('hears nothing from a page that came from elsewhere', async () => {
    const { electron, desktop } = await startWithPage();
    Object.assign(electron.panel.webContents.mainFrame, { origin: 'https://evil.example' });
    electron.fromPage(CHANNELS.stop, ['a']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(desktop.guard.messages('stop')).toHaveLength(0);
  });

  it.each<[channel: string, args: unknown[]]>([
    [CHANNELS.control, ['a', 'approve']],
    [CHANNELS.control, ['a', 'shutdown']],
    [CHANNELS.control, ['a', 'pause', 'extra']],
    [CHANNELS.control, [{ toString: () => 'a' }, 'pause']],
    [CHANNELS.decide, ['a', 'approve', { digest: 'x'.repeat(200) }]],
    [CHANNELS.decide, ['a', 'approve', { runId: 'run_other' }]],
    [CHANNELS.decide, ['a', 'approve']],
    [CHANNELS.stop, ['x'.repeat(65)]],
    [CHANNELS.collapse, ['yes']],
  ])('drops %s %j', async (channel, args) => {
    const { electron, desktop } = await startWithPage();
    const before = desktop.daemon.messages('command').length;
    expect(() => electron.fromPage(channel, args)).not.toThrow();
    electron.fromPage(CHANNELS.stop, ['good']);
    await vi.waitFor(() => expect(desktop.guard.messages('stop')).toHaveLength(1));
    expect(desktop.daemon.messages('command')).toHaveLength(before + 1);
  });
});

describe('overlay at work', () => {
  it('takes a stop from the page to guard and daemon, and confirms it to the page', async () => {
    const { electron, desktop } = await startWithPage();
    electron.fromPage(CHANNELS.stop, ['a']);
    await vi.waitFor(() =>
      expect(messages(electron)).toContainEqual(
        expect.objectContaining({ type: 'result', id: 'a', result: 'confirmed' }),
      ),
    );
    expect(desktop.guard.messages('stop')).toHaveLength(1);
    expect(desktop.daemon.messages('command')).toContainEqual(expect.objectContaining({ name: 'stop' }));
  });

  it('stops from the tray', async () => {
    const { electron, desktop } = await startWithPage();
    const item = electron.trays[0]?.menu.find((entry) => entry.label === 'STOP');
    (item as { click: () => void }).click();
    await vi.waitFor(() =>
      expect(desktop.guard.messages('stop')).toContainEqual(expect.objectContaining({ by: 'tray' })),
    );
  });

  it('takes the stop chord only while guard does not hold it', async () => {
    const { electron, desktop } = await startWithPage();
    const chord = 'Control+Alt+Shift+Escape';
    await vi.waitFor(() => expect(electron.globalShortcut.registered.has(chord)).toBe(false));
    desktop.setGuard({
      hotkey: { chord: 'Ctrl+Alt+Shift+Esc', armed: false, reason: 'another program holds it' },
    });
    await vi.waitFor(() => expect(electron.globalShortcut.registered.has(chord)).toBe(true));
    electron.globalShortcut.registered.get(chord)?.();
    await vi.waitFor(() => expect(desktop.guard.messages('stop')).toHaveLength(1));
  });

  it('steps aside for a click, says where it is, and answers with the request’s id', async () => {
    const { electron, desktop } = await startWithPage();
    electron.screen.scale = 2;
    electron.screen.displays = [fakeDisplay(1, { x: 0, y: 0, width: 1280, height: 800 }, 2)];
    const before = electron.panel.getBounds();
    desktop.daemon.send({
      type: 'dodge',
      id: 'd1',
      target: { x: (before.x + 50) * 2, y: (before.y + 50) * 2, width: 40, height: 40 },
      deadlineMs: 150,
    });
    await vi.waitFor(() =>
      expect(desktop.daemon.messages('rects')).toContainEqual(expect.objectContaining({ id: 'd1' })),
    );
    expect(electron.panel.bounds).toMatchObject({ x: 16, y: 104 });
    const answer = desktop.daemon.messages('rects').find((message) => message.id === 'd1');
    expect(answer).toMatchObject({ rects: [{ x: 32, y: 208, width: 752, height: 1280 }] });
  });

  it('comes back onto a display that is left when its own is unplugged', async () => {
    const { electron } = await startWithPage({
      prepare: (electron) => {
        electron.screen.displays = [
          fakeDisplay(1, { x: 0, y: 0, width: 1280, height: 800 }),
          fakeDisplay(2, { x: 1280, y: 0, width: 1920, height: 1080 }),
        ];
      },
    });
    electron.panel.setPosition(2800, 400);
    electron.screen.displays = electron.screen.displays.slice(0, 1);
    electron.screen.events.emit('display-removed');
    expect(electron.panel.bounds).toMatchObject({ x: 1280 - 376, y: 760 - 640 });
  });

  it('makes the page anew when it crashes, three times a minute, then says so', async () => {
    const { electron } = await start();
    for (let crash = 1; crash <= 3; crash += 1) {
      electron.panel.webContents.events.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 });
      expect(electron.panels).toHaveLength(crash + 1);
    }
    electron.panel.webContents.events.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 });
    expect(electron.panels).toHaveLength(4);
    expect(electron.notifications).toHaveLength(1);
  });

  it('loads a page that hangs for three seconds again, and one that comes back by itself not', async () => {
    const { electron } = await start();
    const reload = vi.spyOn(electron.panel.webContents, 'reload');
    vi.useFakeTimers();
    try {
      electron.panel.events.emit('unresponsive');
      vi.advanceTimersByTime(2999);
      electron.panel.events.emit('responsive');
      vi.advanceTimersByTime(10_000);
      expect(reload).not.toHaveBeenCalled();
      electron.panel.events.emit('unresponsive');
      vi.advanceTimersByTime(3000);
      expect(reload).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not closed by Alt+F4', async () => {
    const { electron } = await start();
    const preventDefault = vi.fn();
    electron.panel.events.emit('close', { preventDefault });
    expect(preventDefault).toHaveBeenCalledOnce();
  });

  it('keeps STOP where it is when it collapses', async () => {
    const { electron } = await startWithPage();
    const { y, height } = electron.panel.getBounds();
    electron.fromPage(CHANNELS.collapse, [true]);
    const small = electron.panel.getBounds();
    expect(small.height).toBeLessThan(height);
    expect(small.y + small.height).toBe(y + height);
  });

  it('draws four click-through strips where guard draws none, only while something is in control', async () => {
    const { electron, desktop } = await startWithPage({ platform: 'windows' });
    expect(electron.strips.filter((strip) => strip.visible)).toHaveLength(0);
    desktop.setDaemon({ run: panelRun() });
    await vi.waitFor(() => expect(electron.strips.filter((strip) => strip.visible)).toHaveLength(4));
    expect(electron.strips.every((strip) => strip.clickThrough)).toBe(true);
    expect(electron.strips.every((strip) => strip.options.focusable === false)).toBe(true);
    desktop.setDaemon({ run: null });
    await vi.waitFor(() => expect(electron.strips.filter((strip) => strip.visible)).toHaveLength(0));
  });

  it('leaves the border to guard on Linux', async () => {
    const { electron, desktop } = await startWithPage({ platform: 'linux' });
    desktop.setDaemon({ run: panelRun() });
    await vi.waitFor(() => expect(lastView(electron)?.mode).toBe('running'));
    expect(electron.strips).toEqual([]);
  });

  it('tells when a decision is needed, once', async () => {
    const { electron, desktop } = await startWithPage();
    desktop.setDaemon({ run: panelRun({ status: 'awaiting_human', awaitingReason: 'Which one?' }) });
    await vi.waitFor(() =>
      expect(electron.notifications).toEqual([
        { title: 'Deskhand', body: 'The agent waits for your decision.' },
      ]),
    );
  });

  it('closes everything it opened when it quits', async () => {
    const { electron, desktop } = await startWithPage({ platform: 'macos' });
    desktop.setDaemon({ run: panelRun() });
    await vi.waitFor(() => expect(electron.strips).toHaveLength(4));
    const panel = electron.panel;
    electron.app.quit();
    // A window that refuses to close would end the quitting, and leave a panel nobody sees.
    expect(electron.app.calls.at(-1)).toBe('will-quit');
    await vi.waitFor(() => expect(desktop.guard.clients + desktop.daemon.clients).toBe(0));
    expect(panel.destroyed).toBe(true);
    expect(electron.trays[0]?.destroyed).toBe(true);
    expect(electron.strips.every((strip) => strip.destroyed)).toBe(true);
    expect(electron.globalShortcut.registered.size).toBe(0);
  });

  it.each<Platform>(['macos', 'windows'])(
    'rings the agent’s next target on %s with one window, moved and never remade',
    async (platform) => {
      const { electron, desktop } = await startWithPage({
        platform,
        prepare: (electron) => {
          electron.screen.scale = 2;
          electron.screen.displays = [fakeDisplay(1, { x: 0, y: 0, width: 1280, height: 800 }, 2)];
        },
      });
      const [ring] = electron.rings;
      expect(ring?.options).toMatchObject({ transparent: true, focusable: false, width: 96, height: 96 });
      expect(ring?.options.webPreferences).toMatchObject({
        sandbox: true,
        javascript: false,
        nodeIntegration: false,
      });
      expect([ring?.url, ring?.clickThrough, ring?.visible]).toEqual(['app://panel/ring.html', true, false]);
      const rect = { x: 600, y: 400, width: 48, height: 48 };
      desktop.daemon.send({ type: 'target', rect, showMs: 60 });
      await vi.waitFor(() => expect(ring?.visible).toBe(true));
      // Physical (624, 424) is (312, 212) here, and that is the window’s middle.
      expect(ring?.bounds).toMatchObject({ x: 312 - 48, y: 212 - 48, width: 96, height: 96 });
      await vi.waitFor(() => expect(ring?.visible).toBe(false));
      desktop.daemon.send({ type: 'target', rect, showMs: 60 });
      await vi.waitFor(() => expect(ring?.visible).toBe(true));
      expect(electron.rings).toHaveLength(1);
    },
  );

  it('leaves the ring to guard on Linux', async () => {
    const { electron } = await startWithPage({ platform: 'linux' });
    expect(electron.rings).toEqual([]);
  });

  it('[LOCAL10] has the page paint the patch of a probe and answers with its place', async () => {
    const { electron, desktop } = await startWithPage();
    desktop.daemon.send({ type: 'probe', id: 'p1', nonce: '0123456789abcdef', showMs: 150 });
    await vi.waitFor(() =>
      expect(messages(electron)).toContainEqual(expect.objectContaining({ type: 'probe', id: 'p1' })),
    );
    electron.fromPage(CHANNELS.ready, ['p1']);
    const { x, y } = electron.panel.getBounds();
    await vi.waitFor(() =>
      expect(desktop.daemon.messages('probe_shown')).toEqual([
        { type: 'probe_shown', id: 'p1', rect: { x: x + 12, y: y + 12, width: 24, height: 24 } },
      ]),
    );
  });

  it('says so when it can paint no patch', async () => {
    const { desktop } = await start();
    await vi.waitFor(() => expect(desktop.daemon.clients).toBe(1), 5000);
    desktop.daemon.send({ type: 'probe', id: 'p2', nonce: '0123456789abcdef', showMs: 150 });
    await vi.waitFor(() =>
      expect(desktop.daemon.messages('probe_shown')).toEqual([{ type: 'probe_shown', id: 'p2', rect: null }]),
    );
  });

  it('tells which X window it is', async () => {
    const { desktop } = await startWithPage();
    await vi.waitFor(() =>
      expect(desktop.daemon.messages('rects').at(-1)).toMatchObject({ windows: [0x40_00_07] }),
    );
  });

  it('starts with the session only when the person says so in the tray', async () => {
    const { electron, desktop } = await startWithPage();
    const item = () => electron.trays[0]?.menu.find(({ label }) => label === 'Start with the session');
    await vi.waitFor(() => expect(item()).toMatchObject({ type: 'checkbox', checked: false }));
    item()?.click?.({ checked: true } as never, undefined as never, undefined as never);
    desktop.setDaemon({ run: panelRun() });
    await vi.waitFor(() => expect(item()).toMatchObject({ checked: true }));
  });

  it('speaks the system’s language in tray and notifications', async () => {
    const { electron, desktop } = await startWithPage({
      prepare: (electron) => {
        electron.app.locale = 'de-DE';
      },
    });
    await vi.waitFor(() => expect(electron.trays[0]?.menu[0]?.label).toBe('STOPP'));
    desktop.setDaemon({ run: panelRun({ status: 'awaiting_human', awaitingReason: 'Welche?' }) });
    await vi.waitFor(() =>
      expect(electron.notifications[0]?.body).toBe('Der Agent wartet auf Ihre Entscheidung.'),
    );
  });

  it('drops a replay of what is no run id, and opens nothing for a run nobody keeps', async () => {
    const { electron } = await startWithPage();
    electron.fromPage(CHANNELS.control, ['1', 'replay', '../../etc/passwd']);
    electron.fromPage(CHANNELS.control, ['1', 'replay', 'run_0123456789abcdef01234567']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(electron.opened).toEqual([]);
  });
});
