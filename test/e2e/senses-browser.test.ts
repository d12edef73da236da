import { silentLogger } from '@deskhand/base';
import { openSenses, type Senses } from '@deskhand/daemon/senses';
import { centerOf, type ScreenElement } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
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

type Hit = Readonly<{ name: string; dx: number; dy: number }>;

const stop = () => ({ signal: AbortSignal.timeout(20_000) });

async function look(): Promise<readonly ScreenElement[]> {
  const window = await senses.windows.activeWindow();
  return senses.browser.elements(window, stop());
}

async function find(role: string, name: string): Promise<ScreenElement> {
  const elements = await look();
  const found = elements.filter((element) => element.role === role && element.name === name);
  if (found.length !== 1) {
    throw new Error(
      `${found.length} × ${role} "${name}" among ${elements.map((item) => `${item.role} ${item.name}`)}`,
    );
  }
  return found[0] as ScreenElement;
}

/** By another program's hands; whole pixels, as a mouse has them. */
async function clickAt(point: { x: number; y: number }): Promise<void> {
  await desktop.ask(
    'xdotool',
    'mousemove',
    String(Math.round(point.x)),
    String(Math.round(point.y)),
    'click',
    '1',
  );
}

describe('a browser of our own', () => {
  it('starts at the first navigation, shows the page, and says where it is', async () => {
    expect(await senses.browser.page()).toBeNull();
    const page = await senses.browser.navigate(`${web.origin}/docs`, stop());
    expect(page).toEqual({ url: `${web.origin}/docs`, title: 'Documentation', loading: false });
    const window = await senses.windows.activeWindow();
    expect(window?.title).toContain('Documentation');
    expect(window !== null && senses.browser.isOurs(window)).toBe(true);
    expect(await senses.browser.page()).toEqual(page);
    expect(web.requests).toContain('/docs');
  });

  it('listens on no port', async () => {
    const window = await senses.windows.activeWindow();
    const sockets = await desktop.ask('sh', '-c', 'cat /proc/net/tcp /proc/net/tcp6');
    const listening = sockets
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => fields[9]);
    const open = await desktop.ask(
      'sh',
      '-c',
      `for p in $(ps -eo pid=,pgid= | awk '$2==${window?.pid} {print $1}'); do ls -l /proc/$p/fd 2>/dev/null; done`,
    );
    expect(open).toContain('socket:');
    expect(listening.filter((inode) => open.includes(`socket:[${inode}]`))).toEqual([]);
  });

  it('reports every button of a page within a pixel of its middle', async () => {
    await senses.browser.navigate(`${web.origin}/grid`, stop());
    const buttons = (await look()).filter((element) => element.role === 'button');
    expect(buttons.length).toBe(60);
    for (const button of buttons.filter((_, index) => index % 5 === 0)) {
      const before = web.events.length;
      const middle = centerOf(button.bounds);
      await clickAt(middle);
      const event = await eventually(() => {
        expect(web.events.length).toBe(before + 1);
        return web.events.at(-1) as unknown as Hit;
      });
      expect(event.name).toBe(button.name);
      // Rounding to whole pixels moves the click by half a pixel at most; the rest would be our error.
      expect(Math.abs(event.dx - (Math.round(middle.x) - middle.x))).toBeLessThanOrEqual(1);
      expect(Math.abs(event.dy - (Math.round(middle.y) - middle.y))).toBeLessThanOrEqual(1);
    }
  });

  it('stays exact when the page is zoomed, scrolled and the window moved', async () => {
    const window = await senses.windows.activeWindow();
    await senses.windows.maximize(String(window?.id), false);
    await senses.windows.move(String(window?.id), { x: 61, y: 47, width: 903, height: 411 });
    await desktop.ask('xdotool', 'key', 'ctrl+plus', 'key', 'ctrl+plus');
    await eventually(async () => {
      const elements = await look();
      expect(elements.find((element) => element.name === 'Key 0')?.bounds.width).toBeGreaterThan(65);
    });
    await clickAt({ x: 900, y: 300 });
    await desktop.ask('xdotool', 'click', '--repeat', '4', '5');
    const button = await eventually(async () => {
      const elements = await look();
      expect(elements.some((element) => element.name === 'Key 0')).toBe(false);
      return elements.find((element) => element.name === 'Key 31') as ScreenElement;
    });
    // Scrolling is smooth: the place counts once two looks agree.
    let seen = button.bounds;
    const settled = await eventually(async () => {
      const again = await find('button', 'Key 31');
      const rests = again.bounds.y === seen.y;
      seen = again.bounds;
      expect(rests).toBe(true);
      return again;
    });
    const before = web.events.length;
    const middle = centerOf(settled.bounds);
    await clickAt(middle);
    const event = await eventually(() => {
      expect(web.events.length).toBe(before + 1);
      return web.events.at(-1) as unknown as Hit;
    });
    expect(event.name).toBe('Key 31');
    expect(Math.abs(event.dx)).toBeLessThanOrEqual(1);
    expect(Math.abs(event.dy)).toBeLessThanOrEqual(1);
    await desktop.ask('xdotool', 'key', 'ctrl+0');
    await senses.windows.maximize(String(window?.id), true);
  });

  it('names things as a person reads them, whatever the page names them by', async () => {
    await senses.browser.navigate(`${web.origin}/names`, stop());
    const elements = await look();
    const named = elements.map((element) => `${element.role}: ${element.name}`);
    expect(named).toEqual(
      expect.arrayContaining([
        'button: Close panel',
        'button: Get help',
        'button: Settings',
        'link: Our shop',
        'button: Go on',
        'text_field: Look it up',
        'button: Drawn button',
        'button: Card that clicks',
        'switch: Dark mode',
        'text_field: Message',
        'button: More',
        'check_box: Custom box',
        'button: In the shadow',
        'column_header: Price',
        'table_cell: Tea',
        'label: A line with bold and a link in it.',
        'link: a link',
      ]),
    );
    const said = named.join('\n');
    for (const unseen of ['Folded', 'Hidden', 'Invisible', 'Transparent', 'No text', 'Below the edge']) {
      expect(said).not.toContain(unseen);
    }
    const states = (name: string) => elements.find((element) => element.name === name)?.states;
    expect(states('Covered')).toContain('obscured');
    expect(states('Close panel')).not.toContain('obscured');
    expect(states('Dark mode')).toContain('checked');
    expect(states('More')).toContain('collapsed');
    expect(elements.find((element) => element.name === 'Message')?.value).toBe('Dear all');
  });

  it('tells what fields hold and can be filled by, but never a password', async () => {
    await senses.browser.navigate(`${web.origin}/form`, stop());
    await clickAt(centerOf((await find('text_field', 'Full name')).bounds));
    await desktop.ask('xdotool', 'type', 'Ada');
    await clickAt(centerOf((await find('password_field', 'Password')).bounds));
    await desktop.ask('xdotool', 'type', 'hunter2');
    await eventually(async () => expect((await find('text_field', 'Full name')).value).toBe('Ada'));
    const password = await eventually(async () => {
      const field = await find('password_field', 'Password');
      expect(field.states).toEqual(expect.arrayContaining(['focused', 'protected']));
      return field;
    });
    expect(password.value).toBeUndefined();
    expect(JSON.stringify(await look())).not.toContain('hunter2');
    expect(await find('combo_box', 'Country')).toMatchObject({
      value: 'France',
      options: ['France', 'Ghana', 'Peru'],
    });
    expect((await find('radio_button', 'Large')).states).toContain('checked');
    expect((await find('button', 'Not yet')).states).toContain('disabled');
    expect((await find('text_field', 'E-mail')).states).toContain('editable');
    expect((await find('text_field', 'Search records')).value).toBe('');
  });

  it('sends the form that was filled by what it reported', async () => {
    await clickAt(centerOf((await find('check_box', 'Gift wrap')).bounds));
    await clickAt(centerOf((await find('button', 'Place order')).bounds));
    await eventually(() => expect(web.submissions).toHaveLength(1));
    expect(web.submissions[0]).toMatchObject({ name: 'Ada', gift: 'yes', country: 'France', size: 'large' });
    await eventually(async () => {
      expect((await senses.browser.page())?.title).toBe('Order 1 received');
      expect((await look()).map((element) => element.name)).toContain('Order 1 received.');
    });
  });

  it('reads frames of the same site and of others, and clicks in them land', async () => {
    await senses.browser.navigate(`${web.origin}/frames`, stop());
    const names = await eventually(async () => {
      const found = (await look()).map((element) => element.name);
      expect(found).toContain('Press near');
      expect(found).toContain('Press deep');
      return found;
    });
    expect(names).toContain('Outer text');
    expect(names).toContain('Nested text');
    expect(names).not.toContain('Scrolled away');
    for (const name of ['Press near', 'Press deep']) {
      const before = web.events.length;
      const middle = centerOf((await find('button', name)).bounds);
      await clickAt(middle);
      const event = await eventually(() => {
        expect(web.events.length).toBe(before + 1);
        return web.events.at(-1) as unknown as Hit;
      });
      expect(event.name).toBe(name);
      expect(Math.abs(event.dx)).toBeLessThanOrEqual(1);
      expect(Math.abs(event.dy)).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ['/', true],
    ['/grid', true],
    ['/docs', false],
    // The page itself fits; what is in its frames does not.
    ['/frames', false],
  ])('says whether all of a page is in sight: %s', async (path, expected) => {
    await senses.browser.navigate(`${web.origin}${path}`, stop());
    await eventually(async () => {
      const window = await senses.windows.activeWindow();
      if (window === null) throw new Error('no window is in front');
      const { elements, allShown } = await senses.browser.read(window, stop());
      expect(elements.length).toBeGreaterThan(0);
      expect(allShown).toBe(expected);
    });
  });

  it('knows that a page still loads: slow pages, late fills; not spinners or requests without an end', async () => {
    await senses.browser.navigate(`${web.origin}/bursts`, stop());
    const told: boolean[] = [];
    await eventually(async () => {
      told.push(await senses.browser.loading());
      expect((await look()).map((element) => element.name)).toContain('Second: here');
    });
    expect(told[0]).toBe(true);
    await eventually(async () => expect(await senses.browser.loading()).toBe(false));

    await senses.browser.navigate(`${web.origin}/spinner`, stop());
    await eventually(async () => expect(await senses.browser.loading()).toBe(false));
    await senses.browser.navigate(`${web.origin}/endless`, stop());
    await eventually(async () => expect(await senses.browser.loading()).toBe(false));
  });

  it('follows the tab a person sees', async () => {
    await senses.browser.navigate(`${web.origin}/docs`, stop());
    await desktop.ask('xdotool', 'key', 'ctrl+t');
    await eventually(async () => expect((await senses.browser.page())?.url).not.toBe(`${web.origin}/docs`));
    await senses.browser.navigate(`${web.origin}/spinner`, stop());
    await desktop.ask('xdotool', 'key', 'ctrl+Page_Up');
    await eventually(async () => expect((await senses.browser.page())?.title).toBe('Documentation'));
    expect((await look()).map((element) => element.name)).toContain('Getting started');
  });

  it('says why a page did not come, and refuses what is no web address', async () => {
    await expect(senses.browser.navigate('http://127.0.0.1:1/', stop())).rejects.toMatchObject({
      code: 'INVALID_STATE',
      message: expect.stringContaining('ERR_UNSAFE_PORT') as string,
    });
    await expect(senses.browser.navigate('javascript:alert(1)', stop())).rejects.toMatchObject({
      code: 'POLICY_DENIED',
    });
    await expect(senses.browser.navigate('file:///etc/passwd', stop())).rejects.toMatchObject({
      code: 'POLICY_DENIED',
    });
    const abort = new AbortController();
    const going = senses.browser.navigate(`${web.origin}/docs?ms=9000`, { signal: abort.signal });
    abort.abort(new Error('stop now'));
    await expect(going).rejects.toThrow('stop now');
  });

  it('opens as an application, comes back after somebody closed it, and leaves nothing behind', async () => {
    const opened = await senses.applications.open('Chrome', stop());
    expect(opened).toMatchObject({ application: 'Chromium', started: false });
    const pid = (await senses.windows.activeWindow())?.pid;
    await senses.windows.close(String(opened.windowId));
    await eventually(async () => expect(await senses.browser.page()).toBeNull());
    const again = await senses.applications.open('the browser', stop());
    expect(again.started).toBe(true);
    const next = (await senses.windows.activeWindow())?.pid;
    expect(next).not.toBe(pid);
    await senses.browser[Symbol.asyncDispose]();
    await eventually(async () => {
      const left = await desktop.ask('ps', '-eo', 'pgid=,stat=');
      const alive = left.split('\n').filter((line) => {
        const [group, state] = line.trim().split(/\s+/);
        return Number(group) === next && !state?.startsWith('Z');
      });
      expect(alive).toEqual([]);
    });
  });
});
