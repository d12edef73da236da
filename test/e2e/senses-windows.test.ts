import { silentLogger } from '@deskhand/base';
import { openSenses, type Senses } from '@deskhand/daemon/senses';
import { centerOf } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type RunningProgram, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
let senses: Senses;
let editor: RunningProgram;
let terminal: RunningProgram;

beforeAll(async () => {
  desktop = await startXDesktop();
  senses = await openSenses({
    display: desktop.display,
    env: desktop.env,
    dataDir: desktop.folder,
    virtual: true,
    log: silentLogger,
  });
  editor = await desktop.mousepad();
  terminal = await desktop.xterm();
  await eventually(async () => expect(await activeAccordingToXdotool()).toBe(Number(terminal.windowId)));
});

afterAll(async () => {
  await senses?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

describe('windows of an X11 desktop', () => {
  it('never takes a frame or a helper for a window, not even while the first one appears', async () => {
    await using fresh = await startXDesktop();
    await using own = await openSenses({
      display: fresh.display,
      env: fresh.env,
      dataDir: fresh.folder,
      virtual: true,
      log: silentLogger,
    });
    expect(await own.windows.windows()).toEqual([]);
    const seen = new Set<string>();
    let started: RunningProgram | undefined;
    const starting = fresh.mousepad().then((program) => {
      started = program;
    });
    while (started === undefined) for (const window of await own.windows.windows()) seen.add(window.id);
    await starting;
    await eventually(async () => expect(await own.windows.windows()).toHaveLength(1));
    const [window] = await own.windows.windows();
    seen.add(window?.id ?? '');
    expect([...seen]).toEqual([window?.id]);
  });

  it('lists them topmost first, with title, application, process and place', async () => {
    const windows = await senses.windows.windows();
    expect(windows.map((window) => window.application)).toEqual(['XTerm', 'Mousepad']);
    const [first, second] = windows;
    expect(Number(first?.id)).toBe(Number(terminal.windowId));
    expect(second).toMatchObject({ title: 'Untitled 1 - Mousepad', pid: editor.pid, active: false });
    expect(first).toMatchObject({ active: true, minimized: false });
    expect(second?.bounds).toEqual(await frameAccordingToXwininfo(Number(second?.id)));
  });

  it('knows the window that keys go to, and moves it when asked', async () => {
    expect((await senses.windows.activeWindow())?.application).toBe('XTerm');
    const mousepad = await byApplication('Mousepad');
    await senses.windows.focus(mousepad.id);
    expect((await senses.windows.activeWindow())?.id).toBe(mousepad.id);
    expect(await activeAccordingToXdotool()).toBe(Number(mousepad.id));
    expect((await senses.windows.windows())[0]?.id).toBe(mousepad.id);
  });

  it('names the window a click would reach: client, title bar, menu, or none', async () => {
    const mousepad = await byApplication('Mousepad');
    await senses.windows.focus(mousepad.id);
    const { x, y, width } = mousepad.bounds;
    expect((await senses.windows.windowAt(centerOf(mousepad.bounds)))?.id).toBe(mousepad.id);
    expect((await senses.windows.windowAt({ x: x + width / 2, y: y + 5 }))?.id).toBe(mousepad.id);
    expect(await senses.windows.windowAt({ x: 1278, y: 798 })).toBeNull();

    await desktop.ask('xdotool', 'key', '--clearmodifiers', 'alt+f');
    const menu = await eventually(async () => {
      const found = await senses.windows.windowAt({ x: x + 40, y: y + 80 });
      expect(found?.id).not.toBe(mousepad.id);
      return found;
    });
    expect(menu?.application).toBe('Mousepad');
    await desktop.ask('xdotool', 'key', 'Escape');
    await eventually(async () => {
      expect((await senses.windows.windowAt({ x: x + 40, y: y + 80 }))?.id).toBe(mousepad.id);
    });
  });

  it('sees through a window that lets clicks through', async () => {
    const mousepad = await byApplication('Mousepad');
    const inside = centerOf(mousepad.bounds);
    const pane = desktop.start('/usr/bin/python3', ['-c', CLICK_THROUGH_PANE]);
    await eventually(async () => {
      const tree = await desktop.ask('xwininfo', '-root', '-tree');
      expect(tree).toContain('click-through pane');
    });
    expect((await senses.windows.windowAt(inside))?.id).toBe(mousepad.id);
    await pane.close();
  });

  it('minimises, brings back, maximises and moves', async () => {
    const mousepad = await byApplication('Mousepad');
    await senses.windows.minimize(mousepad.id);
    expect((await byApplication('Mousepad')).minimized).toBe(true);
    expect(await desktop.ask('xwininfo', '-id', mousepad.id)).toContain('IsUnMapped');
    await senses.windows.focus(mousepad.id);
    expect(await byApplication('Mousepad')).toMatchObject({ minimized: false, active: true });
    await senses.windows.maximize(mousepad.id);
    await eventually(async () => expect((await byApplication('Mousepad')).bounds.width).toBe(1280));
    await senses.windows.maximize(mousepad.id, false);
    const target = { x: 120, y: 90, width: 500, height: 400 };
    await senses.windows.move(mousepad.id, target);
    await eventually(async () => expect((await byApplication('Mousepad')).bounds).toEqual(target));
    expect(await frameAccordingToXwininfo(Number(mousepad.id))).toEqual(target);
  });

  it('asks a window to close, and says so when there is none', async () => {
    const xterm = await byApplication('XTerm');
    await senses.windows.close(xterm.id);
    await eventually(async () => {
      expect((await senses.windows.windows()).map((window) => window.application)).toEqual(['Mousepad']);
    });
    await expect(senses.windows.focus(xterm.id)).rejects.toMatchObject({ code: 'WINDOW_NOT_FOUND' });
    await expect(senses.windows.close('0x1')).rejects.toMatchObject({ code: 'WINDOW_NOT_FOUND' });
    await expect(senses.windows.focus('nonsense')).rejects.toMatchObject({ code: 'WINDOW_NOT_FOUND' });
  });
});

async function byApplication(application: string) {
  const found = (await senses.windows.windows()).find((window) => window.application === application);
  if (found === undefined) throw new Error(`no window of ${application}`);
  return found;
}

async function activeAccordingToXdotool(): Promise<number> {
  return Number(await desktop.ask('xdotool', 'getactivewindow'));
}

/** The frame's place as another program measures it. */
async function frameAccordingToXwininfo(id: number) {
  let outer = `0x${id.toString(16)}`;
  for (;;) {
    const tree = await desktop.ask('xwininfo', '-tree', '-id', outer);
    const parent = /Parent window id: (0x[0-9a-f]+)( \(the root window\))?/.exec(tree);
    if (parent?.[2] !== undefined || parent === null) break;
    outer = parent[1] ?? '';
  }
  const info = await desktop.ask('xwininfo', '-id', outer);
  const number = (name: string) => Number(new RegExp(`${name}:\\s+(-?\\d+)`).exec(info)?.[1]);
  return {
    x: number('Absolute upper-left X'),
    y: number('Absolute upper-left Y'),
    width: number('Width'),
    height: number('Height'),
  };
}

/** A popup over everything whose input shape is empty, as an on-screen border has it. */
const CLICK_THROUGH_PANE = `
import ctypes, time
x = ctypes.CDLL('libX11.so.6'); xext = ctypes.CDLL('libXext.so.6')
x.XOpenDisplay.restype = ctypes.c_void_p
x.XDefaultRootWindow.argtypes = [ctypes.c_void_p]; x.XDefaultRootWindow.restype = ctypes.c_ulong
x.XCreateSimpleWindow.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_ulong, ctypes.c_ulong]
x.XCreateSimpleWindow.restype = ctypes.c_ulong
d = x.XOpenDisplay(None)
w = x.XCreateSimpleWindow(d, x.XDefaultRootWindow(d), 0, 0, 1280, 800, 0, 0, 0)
class Attributes(ctypes.Structure):
    _fields_ = [(n, ctypes.c_ulong) for n in ('bp','bgp','bop','bod')] + [('bg', ctypes.c_int), ('wg', ctypes.c_int), ('bs', ctypes.c_int), ('p1', ctypes.c_ulong), ('p2', ctypes.c_ulong), ('su', ctypes.c_int), ('em', ctypes.c_long), ('dnp', ctypes.c_long), ('override', ctypes.c_int), ('cm', ctypes.c_ulong), ('cu', ctypes.c_ulong)]
a = Attributes(); a.override = 1
x.XChangeWindowAttributes(ctypes.c_void_p(d), ctypes.c_ulong(w), ctypes.c_ulong(1 << 9), ctypes.byref(a))
x.XStoreName(ctypes.c_void_p(d), ctypes.c_ulong(w), b'click-through pane')
xext.XShapeCombineRectangles(ctypes.c_void_p(d), ctypes.c_ulong(w), 2, 0, 0, None, 0, 0, 0)
x.XMapRaised(ctypes.c_void_p(d), ctypes.c_ulong(w)); x.XFlush(ctypes.c_void_p(d))
time.sleep(60)
`;
