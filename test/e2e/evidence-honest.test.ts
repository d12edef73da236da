import { silentLogger } from '@deskhand/base';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import type { OperationInput, Outcome } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChromiumPage, openChromiumPage } from '../helpers/chromium-page.ts';
import { type DrivenDesktop, startDrivenDesktop } from '../helpers/driven-desktop.ts';
import type { LinkServer } from '../helpers/link-server.ts';
import type { XDesktop } from '../helpers/x-desktop.ts';

/** A step that did nothing must never read as success, however much it looks like one. The page itself is the judge. */
let driven: DrivenDesktop;
let desktop: XDesktop;
let server: LinkServer;
let chromium: ChromiumPage;
let other: X11Connection;

beforeAll(async () => {
  driven = await startDrivenDesktop();
  ({ desktop, server } = driven);
  chromium = await openChromiumPage(desktop);
  await chromium.page.setContent(PAGE);
  other = await openX11({ display: desktop.display, log: silentLogger });
  server.lease({ epoch: 1, leaseId: 'lease-1', runId: 'run_1' });
  // The first look connects to the accessibility bus; what has the focus is announced from then on.
  await server.observe({ elements: true });
  await chromium.page.evaluate(`document.getElementById('name').focus()`);
});

afterAll(async () => {
  await other?.[Symbol.asyncDispose]();
  await chromium?.[Symbol.asyncDispose]();
  await driven?.[Symbol.asyncDispose]();
});

/** The middle of an element of the page, in the frame it is told with. */
async function placeOf(
  id: string,
): Promise<{ point: { x: number; y: number }; frameId: string | undefined }> {
  const { observation } = await server.observe({ frame: { maxSidePx: 8192 } });
  const point = (await chromium.page.evaluate(PLACE_OF.replace('ID', id))) as { x: number; y: number };
  return { point, frameId: observation?.frame?.geometry.frameId };
}

async function clickOn(id: string, more: Partial<OperationInput & { type: 'click' }> = {}): Promise<Outcome> {
  const { point, frameId } = await placeOf(id);
  return act({ type: 'click', point, ...more }, { frameId });
}

/** Both in one command, as a model fills a field. */
async function clickAndType(id: string, text: string): Promise<readonly Outcome[]> {
  const { point, frameId } = await placeOf(id);
  const operations: OperationInput[] = [
    { type: 'click', point },
    { type: 'type_text', text },
  ];
  const reply = await server.act(operations, { observe: {}, frameId, stopAtNoEffect: true });
  if (reply.type !== 'result') throw new Error(JSON.stringify(reply));
  if (process.env.SHOW) console.log(JSON.stringify(reply.outcomes));
  return reply.outcomes;
}

async function act(operation: OperationInput, fields: Record<string, unknown> = {}): Promise<Outcome> {
  const reply = await server.act([operation], { observe: {}, ...fields });
  if (reply.type !== 'result' || reply.outcomes[0] === undefined) throw new Error(JSON.stringify(reply));
  if (process.env.SHOW)
    console.log(JSON.stringify(reply.outcomes[0]), JSON.stringify(reply.observation?.settle));
  return reply.outcomes[0];
}

const count = async (what: string): Promise<number> =>
  Number(await chromium.page.evaluate(`globalThis.counts['${what}'] ?? 0`));

describe('[ACT3] what an action says of itself', () => {
  it('is confirmed for a button that answers, at the button or elsewhere on the page', async () => {
    expect(await clickOn('live')).toMatchObject({ status: 'confirmed' });
    expect(await count('live')).toBe(1);
    expect(await clickOn('box')).toMatchObject({ status: 'confirmed', evidence: { valueChanged: true } });
  });

  it('is no effect on a dead area', async () => {
    // The first one takes the focus from the box: seen, and no proof of anything.
    expect((await clickOn('dead')).status).not.toBe('confirmed');
    expect(await clickOn('dead')).toMatchObject({ status: 'no_effect' });
  });

  it('is never success on plain text that lights up under the pointer', async () => {
    expect((await clickOn('row')).status).not.toBe('confirmed');
  });

  it('is no effect on a disabled button, even one that lights up', async () => {
    const outcome = await clickOn('disabled');
    expect(outcome).toMatchObject({ status: 'no_effect', evidence: { targetEnabled: false } });
    expect(await count('disabled')).toBe(0);
  });

  it('is never success on a dead area while a film runs beside it', async () => {
    await chromium.page.evaluate('startFilm()');
    // Long enough to be known for a film.
    await chromium.page.evaluate('new Promise((done) => setTimeout(done, 3500))');
    for (let round = 0; round < 3; round += 1) expect((await clickOn('dead')).status).not.toBe('confirmed');
    await chromium.page.evaluate('stopFilm()');
  });

  it('is never success for a click that another program’s grab swallowed, though its window goes away with it', async () => {
    const window = await other.createWindow(
      { x: 700, y: 300, width: 200, height: 200 },
      { overrideRedirect: 1, backgroundPixel: 0xffcc00 },
    );
    await other.mapWindow(window);
    const before = await count('live');
    const grabbed = await other.answer<number>('GrabPointer', (reply, client) =>
      client.GrabPointer(window, 0, 4, 1, 1, 0, 0, 0, reply),
    );
    expect(grabbed).toBe(0);
    const gone = other.on('ButtonPress', () => void other.destroyWindow(window));
    const outcome = await clickOn('live');
    gone();
    expect(await count('live')).toBe(before);
    expect(outcome).toMatchObject({ status: 'unverified', evidence: { pointerHeldByOther: true } });
  });

  it('is a refusal to type while another program holds the keyboard; afterwards it types', async () => {
    await clickOn('name');
    const window = await other.createWindow(
      { x: -50, y: -50, width: 10, height: 10 },
      { overrideRedirect: 1 },
    );
    await other.mapWindow(window);
    const grabbed = await other.answer<number>('GrabKeyboard', (reply, client) =>
      client.GrabKeyboard(window, 0, 0, 1, 1, reply),
    );
    expect(grabbed).toBe(0);
    const outcome = await act({ type: 'type_text', text: 'secret of the person' });
    expect(outcome.code).toBe('RECEIVER_CHANGED');
    expect(['refused', 'failed']).toContain(outcome.status);
    expect(JSON.stringify(outcome)).not.toContain('secret of');
    await other.destroyWindow(window);
    expect(await act({ type: 'type_text', text: 'Ada' })).toMatchObject({ status: 'confirmed' });
    expect(await chromium.page.inputValue('#name')).toBe('Ada');
  });

  it('is no success to type into a field that takes nothing', async () => {
    await clickOn('fixed');
    const outcome = await act({ type: 'type_text', text: 'nothing of this' });
    expect(await chromium.page.inputValue('#fixed')).toBe('as it is');
    expect(outcome.status).not.toBe('confirmed');
  });

  it('is confirmed for a field that got the focus, and no effect for one that refuses it, though both light up', async () => {
    await clickOn('name');
    expect(await clickAndType('lit', 'here')).toMatchObject([
      { status: 'confirmed', evidence: { focusChanged: true } },
      { status: 'confirmed', evidence: { valueChanged: true } },
    ]);
    expect(await chromium.page.inputValue('#lit')).toBe('here');
    // Nothing is typed where it would go to another field.
    expect(await clickAndType('shy', 'nowhere')).toMatchObject([{ status: 'no_effect' }]);
    expect(await chromium.page.inputValue('#lit')).toBe('here');
    expect(await chromium.page.inputValue('#shy')).toBe('');
  });

  it('is no success to click where a window was that has closed', async () => {
    const terminal = await desktop.xterm('sleep', '1000');
    const { observation } = await server.observe({ frame: { maxSidePx: 8192 } });
    const shown = observation?.windows.find((window) => /xterm/i.test(window.application));
    const { x, y, width, height } = shown?.bounds ?? expect.fail('the terminal is not listed');
    await terminal.close();
    await desktop.ask('xdotool', 'windowminimize', chromium.windowId);
    const outcome = await act(
      { type: 'click', point: { x: Math.round(x + width / 2), y: Math.round(y + height / 2) } },
      { frameId: observation?.frame?.geometry.frameId },
    );
    expect(outcome.status).not.toBe('confirmed');
    await desktop.ask('xdotool', 'windowactivate', '--sync', chromium.windowId);
  });
});

const PLACE_OF = `(() => {
  const { left, top, width, height } = document.getElementById('ID').getBoundingClientRect();
  return { x: Math.round(screenX + left + width / 2), y: Math.round(screenY + outerHeight - innerHeight + top + height / 2) };
})()`;

const PAGE = `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; font: 15px sans-serif } div, button, input { margin: 6px } #row:hover { background: #cdf } #row { padding: 14px }
  button { padding: 8px 20px } #disabled:hover { background: #fda } #dead { height: 60px; background: #eee }
  #lit:hover, #shy:hover { background: #cfc }
</style>
<button id="live" onclick="count('live'); document.getElementById('far').textContent += ' pressed'">Live</button>
<button id="disabled" disabled onclick="count('disabled')">Disabled</button>
<label><input id="box" type="checkbox"> News</label>
<div id="row">A row of plain text</div><div id="dead"></div>
<input id="name"> <input id="fixed" value="as it is" readonly>
<input id="lit"> <input id="shy" onmousedown="event.preventDefault()">
<canvas id="film" width="320" height="180"></canvas><div id="far"></div>
<script>
  globalThis.counts = {};
  const count = (what) => { counts[what] = (counts[what] ?? 0) + 1; };
  let film = null, tick = 0;
  globalThis.startFilm = () => { film = setInterval(() => {
    const context = document.getElementById('film').getContext('2d');
    tick += 1;
    for (let x = 0; x < 320; x += 20) { context.fillStyle = 'hsl(' + ((x + tick * 9) % 360) + ',70%,50%)'; context.fillRect(x, 0, 20, 180); }
  }, 40); };
  globalThis.stopFilm = () => clearInterval(film);
</script>`;
