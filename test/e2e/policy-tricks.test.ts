import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import type { OperationInput, Outcome } from '@deskhand/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { startTargetWindow, type TargetWindow } from '../target-app/target-window.ts';

let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
let x: X11Connection;
let web: Server;
let site: string;
let original: string;
let epoch = 0;
/** What pages told their server. */
const told: string[] = [];

const PAGES: Readonly<Record<string, string>> = {
  '/login': `<title>Log in</title><input id=u autofocus><input id=p type=password>
    <script>addEventListener('input', (e) => fetch('/told?' + e.target.id + '=' + e.target.value));
    if (location.hash) document.querySelector(location.hash).focus();</script>`,
};

beforeAll(async () => {
  web = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://site');
    if (url.pathname === '/told') told.push(url.search);
    if (url.pathname === '/away') {
      response.writeHead(302, { location: `http://localhost:${(web.address() as AddressInfo).port}/login` });
      return response.end();
    }
    response.setHeader('content-type', 'text/html');
    return response.end(PAGES[url.pathname] ?? '<title>Page</title><h1>A page</h1>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => web.once('listening', resolve));
  site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  desktop = await startXDesktop();
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  x = await openX11({ display: desktop.display, log: silentLogger });
  original = readFileSync(join(daemon.dataFolder, 'policy.json'), 'utf8');
});

afterAll(async () => {
  await x?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
  web?.close();
});

beforeEach(() => {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}`, runId: `run_${epoch}` });
  writeFileSync(join(daemon.dataFolder, 'policy.json'), original);
  told.length = 0;
});

function policy(change: (policy: ReturnType<typeof JSON.parse>) => void): void {
  const file = JSON.parse(original);
  change(file);
  writeFileSync(join(daemon.dataFolder, 'policy.json'), JSON.stringify(file));
}

async function act(operation: OperationInput, fields = {}): Promise<Outcome> {
  const reply = await server.act([operation], { deadlineMs: 6500, ...fields });
  if (reply.type !== 'result' || reply.outcomes[0] === undefined) throw new Error(JSON.stringify(reply));
  return reply.outcomes[0];
}

async function frame(): Promise<{ frameId: string | undefined }> {
  const { observation } = await server.observe({ settle: false });
  return { frameId: observation?.frame?.geometry.frameId };
}

const clickAt = async (point: { x: number; y: number }) => act({ type: 'click', point }, await frame());
const denied = (rule: string) => ({ status: 'refused', code: 'POLICY_DENIED', result: { rule } });

describe('windows that lie', () => {
  it('[POL3] a terminal that calls itself an editor is the program it is', async () => {
    policy((file) => file.applications.rules.unshift({ match: 'xterm', verdict: 'deny' }));
    const liar = await desktop.startWindow(
      'xterm',
      ['-class', 'Mousepad', '-name', 'mousepad', '-title', 'Untitled - Mousepad', '-e', 'cat'],
      ['--class', '^Mousepad$'],
    );
    await eventually(async () =>
      (await desktop.ask('xdotool', 'getactivewindow', 'getwindowname')).includes('Mousepad'),
    );
    expect(await act({ type: 'type_text', text: 'x' })).toMatchObject(denied('applications:xterm'));
    await liar.close();
  });

  it('[POL3] a popup without a class over the target is judged by the program that made it', async () => {
    policy((file) => {
      file.applications = { default: 'deny', rules: [{ match: 'target-window', verdict: 'allow' }] };
    });
    const target = await startTargetWindow(desktop, 'target-window');
    const Apply = target.places.Apply ?? { x: 0, y: 0 };
    const place = { x: Apply.x + 5, y: Apply.y + 5 };
    expect(await clickAt(place)).not.toMatchObject({ status: 'refused' });
    await eventually(async () => (await pressed(target)) === 1, { what: 'the click' });
    // Its title and its owner say "target-window"; it belongs to this test's process.
    const popup = await x.createWindow(
      { x: place.x - 40, y: place.y - 40, width: 80, height: 80 },
      { overrideRedirect: 1, eventMask: 0x4 },
    );
    await x.changeProperty(popup, 'WM_NAME', 'STRING', { format: 8, data: Buffer.from('target-window') });
    await x.changeProperty(popup, 'WM_TRANSIENT_FOR', 'WINDOW', {
      format: 32,
      data: [Number(target.windowId)],
    });
    let stolen = 0;
    const off = x.on('ButtonPress' as never, () => {
      stolen += 1;
    });
    await x.mapWindow(popup);
    await x.configureWindow(popup, { stackMode: 0 });
    expect(await clickAt(place)).toMatchObject(denied('applications:default'));
    expect(await pressed(target)).toBe(1);
    expect(stolen).toBe(0);
    // Let through by the X server, it is not what gets the click: the window below is.
    await (await x.require('shape')).setRectangles(popup, 2, []);
    expect(await clickAt(place)).not.toMatchObject({ status: 'refused' });
    await eventually(async () => (await pressed(target)) === 2, { what: 'the click through it' });
    expect(stolen).toBe(0);
    off();
    await x.destroyWindow(popup);
    await target.close();
  });

  it('[POL2] keys after a change of window by the agent itself end there', async () => {
    const stranger = join(desktop.folder, 'stranger');
    writeFileSync(stranger, '');
    await desktop.startWindow(
      'xterm',
      ['-title', 'stranger', '-e', 'sh', '-c', `stty raw -echo; exec cat > ${stranger}`],
      ['--name', '^stranger$'],
    );
    const own = await desktop.xterm('cat');
    await eventually(async () => (await desktop.ask('xdotool', 'getactivewindow')).trim() === own.windowId);
    policy((file) => {
      file.titles = { default: 'allow', rules: [{ match: 'stranger', verdict: 'deny' }] };
    });
    // In one breath: the window manager may still be at it when the text is decided about.
    await server.act([
      { type: 'key_combo', keys: ['alt', 'tab'] },
      { type: 'type_text', text: 'secret'.repeat(50) },
    ]);
    await eventually(async () =>
      (await desktop.ask('xdotool', 'getactivewindow', 'getwindowname')).includes('stranger'),
    );
    expect(await act({ type: 'type_text', text: 'secret' })).toMatchObject(denied('titles:stranger'));
    expect(readFileSync(stranger, 'utf8')).toBe('');
    await own.close();
  });
});

describe('pages', () => {
  it('[POL4] one that sends the browser to a denied site gets no input there', {
    timeout: 60_000,
  }, async () => {
    policy((file) => file.urls.rules.unshift({ match: 'localhost', verdict: 'deny' }));
    const went = await act({ type: 'browser_navigate', url: `${site}/away` }, { deadlineMs: 40_000 });
    expect(went).toMatchObject({ result: { url: expect.stringContaining('//localhost:') } });
    expect(await act({ type: 'type_text', text: 'x' })).toMatchObject(denied('urls:localhost'));
    expect(await act({ type: 'key_press', keys: ['tab'] })).toMatchObject(denied('urls:localhost'));
    expect(
      await act({ type: 'browser_navigate', url: `${site}/login` }, { deadlineMs: 40_000 }),
    ).toMatchObject({
      status: 'confirmed',
    });
    expect(told).toEqual([]);
  });

  it('[POL6] a password field is asked about, a plain one is not', { timeout: 60_000 }, async () => {
    await act({ type: 'browser_navigate', url: `${site}/login` }, { deadlineMs: 40_000 });
    await act({ type: 'type_text', text: 'ann' });
    await eventually(() => told.at(-1) === '?u=ann', { what: 'the name' });
    await act({ type: 'key_press', keys: ['tab'] });
    // Nobody answers: the deadline less five seconds later it is a no.
    expect(await act({ type: 'type_text', text: 'hunter2' })).toMatchObject(denied('actions:type_password'));
    expect(await act({ type: 'key_press', keys: ['h', 'u'] })).toMatchObject(denied('actions:type_password'));
    expect(told.at(-1)).toBe('?u=ann');
  });
});

async function pressed(target: TargetWindow): Promise<number> {
  return (await target.events()).filter(({ type, name }) => type === 'pressed' && name === 'Apply').length;
}
