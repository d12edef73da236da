import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Rect } from '@deskhand/protocol';

/** Where things of the page lie, as the page itself tells at its start; desktop pixels. */
export type PagePlaces = Readonly<{ go: Rect; aside: Rect; field: Rect; area: Rect }>;

export type SettlePages = AsyncDisposable &
  Readonly<{
    url(scenario: string): string;
    /** What the page of the latest `url` told; resolves when it has. */
    places(): Promise<PagePlaces>;
    /** Forgets what earlier pages told. */
    forget(): void;
  }>;

/** Pages for settling: each does something of its own kind after its button is pressed, in its own time. */
export async function startSettlePages(): Promise<SettlePages> {
  let told = Promise.withResolvers<PagePlaces>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://local');
    if (url.pathname === '/told') {
      let body = '';
      request.on('data', (part) => {
        body += String(part);
      });
      request.on('end', () => {
        response.end();
        told.resolve(JSON.parse(body) as PagePlaces);
      });
      return;
    }
    if (url.pathname === '/slow') {
      setTimeout(() => response.end('done'), Number(url.searchParams.get('ms')));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    if (url.pathname === '/loaded') return void inPieces(response);
    response.end(pageOf(url.pathname.slice(1)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (scenario) => `http://127.0.0.1:${port}/${scenario}`,
    places: () => told.promise,
    forget: () => {
      told = Promise.withResolvers();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page that comes in three pieces, 700 ms in all. */
function inPieces(response: ServerResponse): void {
  const filler = ' '.repeat(2048);
  response.write(`<!doctype html><title>Loaded</title><h1>First piece</h1>${filler}`);
  setTimeout(() => response.write(`<div style="height:200px;background:#c80">Second</div>${filler}`), 250);
  setTimeout(() => response.end('<div style="height:200px;background:#08c">Third</div>'), 700);
}

const PAINT = (color: string) => `paint('${color}')`;
/** What the button does. */
const ON_GO: Readonly<Record<string, string>> = {
  answers: `setTimeout(() => ${PAINT('#0a783c')}, 120)`,
  bursts_network: `setTimeout(() => ${PAINT('#00a')}, 300); fetch('/slow?ms=900').then(() => ${PAINT('#0a783c')})`,
  bursts_busy: `box.setAttribute('aria-busy', 'true'); setTimeout(() => ${PAINT('#00a')}, 300);
    setTimeout(() => { ${PAINT('#0a783c')}; box.setAttribute('aria-busy', 'false') }, 900)`,
  spinner: `setTimeout(() => ${PAINT('#0a783c')}, 180)`,
  film: `setTimeout(() => ${PAINT('#0a783c')}, 150)`,
  dialog: `setTimeout(() => { document.getElementById('dialog').showModal() }, 100)`,
  builds: `let n = 0; const timer = setInterval(() => { n += 1; box.children[0].style.width = n * 9 + '%';
    if (n === 10) clearInterval(timer) }, 60)`,
  page_load: `location.href = '/loaded'`,
  more: `if (document.getElementById('go').checked) setTimeout(() => ${PAINT('#0a783c')}, 120)`,
  box: ``,
  clock: ``,
  scroll: ``,
};

/** These have a box to be ticked in the place of the button. */
const WITH_BOX: ReadonlySet<string> = new Set(['more', 'box']);

/** What stands beside the button and never rests. */
const ASIDE: Readonly<Record<string, string>> = {
  spinner: `<div style="width:32px;height:32px;border:4px solid #ccc;border-top-color:#06c;border-radius:50%;
    animation:turn 1s linear infinite"></div><style>@keyframes turn { to { transform: rotate(360deg) } }</style>`,
  film: `<canvas id="film" width="320" height="180"></canvas><script>{
    const context = document.getElementById('film').getContext('2d'); let tick = 0;
    setInterval(() => { tick += 1; for (let x = 0; x < 320; x += 20) {
      context.fillStyle = 'hsl(' + ((x + tick * 9) % 360) + ',70%,50%)'; context.fillRect(x, 0, 20, 180); } }, 40); }</script>`,
  clock: `<div id="clock" style="font:30px monospace"></div><script>setInterval(() => {
    document.getElementById('clock').textContent = new Date().toLocaleTimeString() }, 1000)</script>`,
};

function pageOf(scenario: string): string {
  const long =
    scenario === 'scroll'
      ? Array.from({ length: 200 }, (_, line) => `<p>Line ${line} of a long page</p>`).join('')
      : '';
  return `<!doctype html><title>${scenario}</title><meta charset="utf-8">
<style>body { margin: 0; font: 16px sans-serif } #box { height: 200px; background: #ddd } #box div { height: 100%; width: 0; background: #a63 }
  button { margin: 20px; padding: 20px 40px; font: inherit } #aside { height: 190px; width: 330px; float: right; margin: 10px } dialog { width: 400px; height: 160px }</style>
<div id="box"><div></div></div><div id="aside">${ASIDE[scenario] ?? ''}</div>
${WITH_BOX.has(scenario) ? '<input id="go" type="checkbox" aria-label="More" style="width:40px;height:40px;margin:30px">' : '<button id="go">Go</button>'}<input id="field"><dialog id="dialog">Really?</dialog>${long}
<script>{
  const box = document.getElementById('box');
  const paint = (color) => { box.style.background = color; };
  document.getElementById('go').onclick = () => { ${ON_GO[scenario] ?? ''} };
  const bars = () => outerHeight - innerHeight;
  const place = (id) => {
    const { left, top, width, height } = document.getElementById(id).getBoundingClientRect();
    return { x: screenX + left, y: screenY + bars() + top, width, height };
  };
  const tell = () => {
    // A page's first renderer knows no window yet: its outer height is 0 until the first picture is out.
    if (outerHeight < innerHeight) return setTimeout(tell, 20);
    fetch('/told', { method: 'POST', body: JSON.stringify({
      go: place('go'), aside: place('aside'), field: place('field'),
      area: { x: screenX, y: screenY + bars(), width: innerWidth, height: innerHeight } }) });
  };
  setTimeout(tell, 50);
}</script>`;
}
