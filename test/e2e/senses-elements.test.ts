import { silentLogger } from '@deskhand/base';
import { type AtspiElementSource, openSenses, type Senses } from '@deskhand/daemon/senses';
import { centerOf, type ScreenElement } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { startTargetWindow } from '../target-app/target-window.ts';
import { startWebApp, type WebApp } from '../target-app/web-app.ts';

let desktop: XDesktop;
let web: WebApp;
let senses: Senses;

beforeAll(async () => {
  desktop = await startXDesktop();
  web = await startWebApp();
  senses = await openSenses({
    display: desktop.display,
    env: desktop.env,
    dataDir: desktop.folder,
    virtual: true,
    log: silentLogger,
  });
});

afterAll(async () => {
  await senses?.[Symbol.asyncDispose]();
  await web?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

const stop = () => ({ signal: AbortSignal.timeout(20_000) });

async function look(): Promise<readonly ScreenElement[]> {
  return senses.accessibility.elements(await senses.windows.activeWindow(), stop());
}

function only(elements: readonly ScreenElement[], role: string, name: string): ScreenElement {
  const found = elements.filter((element) => element.role === role && element.name === name);
  if (found.length !== 1) {
    throw new Error(
      `${found.length} × ${role} "${name}" among ${elements.map((item) => `${item.role} ${item.name}`)}`,
    );
  }
  return found[0] as ScreenElement;
}

const find = (role: string, name: string) => eventually(async () => only(await look(), role, name));

/** Dialogs slide in: a place counts once two looks agree. */
async function rested(role: string, name: string): Promise<ScreenElement> {
  let before = await find(role, name);
  return eventually(async () => {
    const now = only(await look(), role, name);
    const same = JSON.stringify(now.bounds) === JSON.stringify(before.bounds);
    before = now;
    expect(same).toBe(true);
    return now;
  });
}

async function click(element: ScreenElement): Promise<void> {
  const { x, y } = centerOf(element.bounds);
  await desktop.ask('xdotool', 'mousemove', String(Math.round(x)), String(Math.round(y)), 'click', '1');
}

describe('applications by their everyday names', () => {
  it('starts the text editor and waits for its window', async () => {
    const opened = await senses.applications.open('the text editor', stop());
    expect(opened).toMatchObject({ application: 'Mousepad', started: true });
    const active = await senses.windows.activeWindow();
    expect(active).toMatchObject({ id: opened.windowId, application: 'Mousepad' });
    expect(await desktop.ask('xdotool', 'getactivewindow', 'getwindowname')).toContain('Mousepad');
  });

  it('brings it forward instead of starting another', async () => {
    const terminal = await senses.applications.open('Terminal', stop());
    expect(terminal).toMatchObject({ application: 'XTerm', started: true });
    const again = await senses.applications.open('Mousepad', stop());
    expect(again.started).toBe(false);
    expect((await senses.windows.activeWindow())?.id).toBe(again.windowId);
    expect(
      (await senses.windows.windows()).filter(({ application }) => application === 'Mousepad'),
    ).toHaveLength(1);
  });

  it('names the nearest ones for what is not installed', async () => {
    await expect(senses.applications.open('mouse pad editr', stop())).rejects.toMatchObject({
      code: 'APPLICATION_NOT_FOUND',
      message: expect.stringContaining('Mousepad') as string,
    });
    await expect(senses.applications.open('xterm; touch /tmp/x', stop())).rejects.toMatchObject({
      code: 'APPLICATION_NOT_FOUND',
    });
  });
});

describe('elements by the accessibility bus', () => {
  it('finds menus and their open items where clicks reach them', async () => {
    await senses.applications.open('text editor', stop());
    expect((await look()).map((element) => element.name)).not.toContain('Save As...');
    await click(await find('menu', 'File'));
    const item = await find('menu_item', 'Save As...');
    await click(item);
    const dialog = await find('dialog', 'Save As');
    expect(dialog.states).toContain('modal');
  });

  it('knows fields by their labels, their values, and what has the focus', async () => {
    const name = await find('text_field', 'Name');
    expect(name.states).toEqual(expect.arrayContaining(['focused', 'editable']));
    await desktop.ask('xdotool', 'type', 'letter.txt');
    await eventually(async () => expect((await find('text_field', 'Name')).value).toBe('letter.txt'));
    const windows = await senses.windows.windows();
    const dialog = windows.find(({ active }) => active) ?? expect.fail('no window is active');
    const behind = windows.find(({ pid, id }) => pid === dialog.pid && id !== dialog.id);
    const focusedIn = async (window = dialog) => senses.accessibility.focusedIn?.(window, stop());
    await eventually(async () => {
      const focused = await focusedIn();
      expect(focused?.value).toBe('letter.txt');
      expect(focused?.states).toContain('focused');
    });
    expect(await focusedIn(behind ?? expect.fail('the editor is not listed'))).toBeNull();
    expect(await find('combo_box', 'Encoding')).toMatchObject({ value: 'Default (UTF-8)' });
    const rows = (await look()).filter((element) => element.role === 'list_item').map((row) => row.name);
    expect(rows).toContain('Home');
    // The button wakes up a moment after the name has come.
    await eventually(async () => expect((await find('button', 'Save')).states).toContain('enabled'));
    await click(await find('button', 'Cancel'));
    await eventually(async () => expect((await senses.windows.activeWindow())?.title).toContain('Mousepad'));
  });

  it('reads what is typed into an editor', async () => {
    await desktop.ask('xdotool', 'type', 'hello world');
    await eventually(async () => {
      const field = (await look()).find((element) => element.role === 'text_field');
      expect(field?.value).toBe('hello world');
      expect(field?.states).toEqual(expect.arrayContaining(['focused', 'editable', 'multiline']));
    });
  });

  it('asks an application no more than before after looks that were stopped midway', async () => {
    const window = await senses.windows.activeWindow();
    const source = senses.accessibility as AtspiElementSource;
    await look();
    const calls = source.lastWalk?.calls ?? 0;
    expect(calls).toBeGreaterThan(0);
    for (let afterMs = 0; afterMs <= 40; afterMs += 1) {
      const stopped = new AbortController();
      const looking = source.elements(window, { signal: stopped.signal }).catch(() => []);
      setTimeout(() => stopped.abort(new Error('it stirred')), afterMs);
      await looking;
    }
    await look();
    expect(source.lastWalk?.calls).toBeLessThanOrEqual(calls * 1.5);
  });

  it('reaches the end of a menu that is longer than its window', async () => {
    const window = await senses.windows.activeWindow();
    await senses.windows.move(String(window?.id), { x: 300, y: 80, width: 420, height: 140 });
    // It becomes as small as the editor allows.
    const bottom = await eventually(async () => {
      const bounds = (await senses.windows.activeWindow())?.bounds;
      expect(bounds?.width).toBeLessThan(500);
      return (bounds?.y ?? 0) + (bounds?.height ?? 0);
    });
    await click(await find('menu', 'File'));
    const last = await find('menu_item', 'Quit');
    expect(last.bounds.y).toBeGreaterThan(bottom);
    const item = await find('menu_item', 'Save As...');
    expect(last.bounds.height).toBe(item.bounds.height);
    await click(item);
    await find('dialog', 'Save As');
    await click(await rested('button', 'Cancel'));
    await eventually(async () => expect((await senses.windows.activeWindow())?.title).toContain('Mousepad'));
  });

  it('sees a browser’s own controls and its page, and never a password', async () => {
    await senses.browser.navigate(`${web.origin}/form`, stop());
    await eventually(async () => only(await look(), 'button', 'Place order'), 15_000);
    const window = await senses.windows.activeWindow();
    const dom = await senses.browser.elements(window, stop());
    const password = only(dom, 'password_field', 'Password');
    await click(password);
    await desktop.ask('xdotool', 'type', 'hunter2');
    const typed = await eventually(async () => {
      const field = only(await look(), 'password_field', 'Password');
      expect(field.states).toEqual(expect.arrayContaining(['focused', 'protected']));
      return field;
    });
    expect(typed.value).toBeUndefined();
    const elements = await look();
    expect(JSON.stringify(elements)).not.toContain('hunter2');
    expect(only(elements, 'text_field', 'Address and search bar').value).toContain('/form');
    // Two independent ways to the same place.
    for (const [role, name] of [
      ['button', 'Place order'],
      ['text_field', 'Full name'],
      ['check_box', 'Gift wrap'],
    ] as const) {
      const seen = centerOf(only(elements, role, name).bounds);
      const told = centerOf(only(dom, role, name).bounds);
      expect(Math.abs(seen.x - told.x)).toBeLessThanOrEqual(1);
      expect(Math.abs(seen.y - told.y)).toBeLessThanOrEqual(1);
    }
  });

  it('reaches the choices of a list the page itself cannot tell the place of', async () => {
    const box = await find('combo_box', 'Country');
    expect(box.value).toBe('France');
    await click(box);
    await click(await find('menu_item', 'Peru'));
    await eventually(async () => {
      const window = await senses.windows.activeWindow();
      expect(only(await senses.browser.elements(window, stop()), 'combo_box', 'Country').value).toBe('Peru');
    });
    await eventually(async () => expect((await find('combo_box', 'Country')).value).toBe('Peru'));
  });

  it('answers a page’s own question, while the page itself says nothing', async () => {
    await senses.browser.navigate(`${web.origin}/alert`, stop());
    await rested('button', 'OK');
    expect((await look()).map((element) => element.name)).toContain('Are you there?');
    expect(await senses.browser.elements(await senses.windows.activeWindow(), stop())).toEqual([]);
    expect((await senses.browser.page())?.url).toBe(`${web.origin}/alert`);
    let clickedAt = Number.NEGATIVE_INFINITY;
    await eventually(async () => {
      // The browser ignores clicks that come too soon after such a question, or too soon after each other.
      const still = (await look()).find((element) => element.role === 'button' && element.name === 'OK');
      if (still !== undefined && performance.now() - clickedAt > 1000) {
        await click(still);
        clickedAt = performance.now();
      }
      const window = await senses.windows.activeWindow();
      const names = (await senses.browser.elements(window, stop())).map((element) => element.name);
      expect(names).toContain('After');
    });
  });

  it('answers with nothing for an application that exposes nothing, and for no window', async () => {
    const target = await startTargetWindow(desktop);
    const window = await eventually(async () => {
      const active = await senses.windows.activeWindow();
      expect(active?.title).toBe('Target window');
      return active;
    });
    expect(await senses.accessibility.elements(window, stop())).toEqual([]);
    expect(await senses.accessibility.elements(null, stop())).toEqual([]);
    await target.close();
  });

  it('gives up in time on an application that hangs', async () => {
    const opened = await senses.applications.open('text editor', stop());
    const window = (await senses.windows.windows()).find(({ id }) => id === opened.windowId);
    const pid = String(window?.pid);
    await desktop.ask('kill', '-STOP', pid);
    try {
      // The ceiling is the test's own: the walk ends by its budget or this rejects.
      const elements = await senses.accessibility.elements(window ?? null, {
        signal: AbortSignal.timeout(20_000),
      });
      expect(elements).toEqual([]);
    } finally {
      await desktop.ask('kill', '-CONT', pid);
    }
    await find('menu', 'File');
  });

  it('rejects with the reason of whoever stopped it', async () => {
    const window = await senses.windows.activeWindow();
    const gone = AbortSignal.abort(new Error('kill switch'));
    await expect(senses.accessibility.elements(window, { signal: gone })).rejects.toThrow('kill switch');
  });
});
