import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PAGES } from './web-pages.ts';

/** Something a page reports by itself: what really reached it, with its own time. */
export type PageEvent = Readonly<Record<string, unknown> & { type: string }>;

/** A small web site on loopback that keeps what is sent to it: the independent judge of browser tests. */
export interface WebApp extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string;
  /** The same server under another site's name: frames of it live in a process of their own. */
  readonly otherOrigin: string;
  /** Forms as submitted, oldest first. */
  readonly submissions: ReadonlyArray<Readonly<Record<string, string>>>;
  /** What pages reported through `report(…)`, oldest first. */
  readonly events: readonly PageEvent[];
  /** Paths requested, oldest first. */
  readonly requests: readonly string[];
}

const MAX_BODY_BYTES = 1_000_000;

export async function startWebApp(): Promise<WebApp> {
  const submissions: Record<string, string>[] = [];
  const events: PageEvent[] = [];
  const requests: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    requests.push(url.pathname);
    if (request.method === 'POST' && url.pathname === '/report') {
      events.push(JSON.parse(await bodyOf(request)) as PageEvent);
      response.writeHead(204).end();
      return;
    }
    if (request.method === 'POST' && url.pathname === '/orders') {
      submissions.push(Object.fromEntries(new URLSearchParams(await bodyOf(request))));
      response.writeHead(303, { location: `/orders/${submissions.length}` }).end();
      return;
    }
    const order = /^\/orders\/(\d+)$/.exec(url.pathname)?.[1];
    if (order !== undefined) {
      const found = submissions[Number(order) - 1];
      html(response, found === undefined ? 404 : 200, orderPage(order, found));
      return;
    }
    const delayMs = Math.min(10_000, Number(url.searchParams.get('ms') ?? 0));
    if (url.pathname === '/late') {
      later(delayMs, () => text(response, url.searchParams.get('text') ?? 'late'));
      return;
    }
    if (url.pathname === '/never') return;
    const page = PAGES[url.pathname];
    if (page === undefined) {
      html(response, 404, '<!doctype html><title>Not found</title><h1>Not found</h1>');
      return;
    }
    const port = (server.address() as AddressInfo).port;
    later(delayMs, () => html(response, 200, page.replaceAll('OTHER_ORIGIN', `http://localhost:${port}`)));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://localhost:${port}`,
    submissions,
    events,
    requests,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > MAX_BODY_BYTES) throw new Error('body too large');
  }
  return Buffer.concat(parts).toString('utf8');
}

function html(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(body);
}

function text(response: ServerResponse, body: string): void {
  response.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'access-control-allow-origin': '*',
  });
  response.end(body);
}

function orderPage(number: string, order: Readonly<Record<string, string>> | undefined): string {
  if (order === undefined) return '<!doctype html><title>No such order</title><h1>No such order</h1>';
  const rows = Object.entries(order)
    .map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`)
    .join('');
  return `<!doctype html><html lang="en"><title>Order ${number} received</title>
<body style="font-family: sans-serif"><h1>Thank you!</h1><p>Order <b>${number}</b> received.</p>
<table>${rows}</table><a href="/form">Another order</a></body></html>`;
}

function escapeHtml(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
