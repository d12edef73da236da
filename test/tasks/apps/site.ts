import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type PageRequest = Readonly<{
  path: string;
  /** Pieces of the path that the route names (`/people/:id`). */
  parts: Readonly<Record<string, string>>;
  query: URLSearchParams;
  form: URLSearchParams;
  /** Uploaded files by field name. */
  files: ReadonlyMap<string, Readonly<{ name: string; content: string }>>;
}>;

export type Answer =
  | Readonly<{ html: string; status?: number; afterMs?: number }>
  | Readonly<{ redirect: string }>
  | Readonly<{ json: unknown; afterMs?: number }>;

/** `METHOD /path/:part` → what the server says. */
export type Routes = Readonly<Record<string, (request: PageRequest) => Answer | Promise<Answer>>>;

/** A web application on loopback. Its store lives in the closure of its routes, for the checker to read. */
export interface Site extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
}

const MAX_BODY_BYTES = 2_000_000;

export async function startSite(routes: Routes): Promise<Site> {
  const table = Object.entries(routes).map(([route, handle]) => {
    const [method = 'GET', pattern = '/'] = route.split(' ');
    return { method, pieces: pattern.split('/'), handle };
  });
  const timers = new Set<NodeJS.Timeout>();
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, ms);
      timers.add(timer);
    });

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const body = await bodyOf(request);
    const pieces = url.pathname.split('/');
    for (const { method, pieces: wanted, handle } of table) {
      if (method !== request.method || wanted.length !== pieces.length) continue;
      if (!wanted.every((piece, index) => piece.startsWith(':') || piece === pieces[index])) continue;
      const parts = Object.fromEntries(
        wanted.flatMap((piece, index) =>
          piece.startsWith(':') ? [[piece.slice(1), decodeURIComponent(pieces[index] ?? '')]] : [],
        ),
      );
      const type = request.headers['content-type'] ?? '';
      const files = type.startsWith('multipart/') ? uploadedFiles(type, body) : new Map();
      const form = new URLSearchParams(type.includes('urlencoded') ? body.toString('utf8') : '');
      const result = await handle({ path: url.pathname, parts, query: url.searchParams, form, files });
      if ('redirect' in result) {
        response.writeHead(303, { location: result.redirect }).end();
        return;
      }
      if (result.afterMs !== undefined) await pause(result.afterMs);
      if ('json' in result)
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result.json));
      else
        response
          .writeHead(result.status ?? 200, {
            'content-type': 'text/html; charset=utf-8',
            'cache-control': 'no-store',
          })
          .end(result.html);
      return;
    }
    response.writeHead(404, { 'content-type': 'text/html' }).end(page('Not found', '<h1>Not found</h1>'));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const STYLE = `body{font:16px/1.45 sans-serif;margin:0;color:#1d2433;background:#f6f7f9}
main{max-width:960px;margin:0 auto;padding:20px 24px}nav{background:#26324a;padding:10px 24px}nav a{color:#fff;margin-right:18px}
h1{font-size:26px;margin:8px 0 16px}table{border-collapse:collapse;width:100%;background:#fff}td,th{border:1px solid #d5d9e0;padding:7px 10px;text-align:left}
label{display:block;margin:10px 0 3px}input,select,textarea,button{font:inherit;padding:5px 9px}input[type=text],input[type=email],input[type=search],textarea{width:320px}
label.inline{display:inline-block;margin:4px 14px 4px 0}fieldset{margin:12px 0;border:1px solid #d5d9e0;background:#fff}
.card{background:#fff;border:1px solid #d5d9e0;border-radius:8px;padding:12px 16px;margin:0 0 12px}.note{background:#e4f3e6;border:1px solid #9fcda4;padding:10px 14px;margin:0 0 14px}
.cards{display:grid;grid-template-columns:repeat(3,1fr);gap:12px}form.small{display:inline}.error{background:#fbe4e4;border:1px solid #dc9c9c;padding:10px 14px;margin:0 0 14px}`;

/** A whole page around `body`, which is trusted HTML; foreign text goes through {@link text} first. */
export function page(title: string, body: string, options: { script?: string; nav?: string } = {}): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${text(title)}</title><style>${STYLE}</style></head>
<body>${options.nav === undefined ? '' : `<nav>${options.nav}</nav>`}<main>${body}</main>${options.script === undefined ? '' : `<script>${options.script}</script>`}</body></html>`;
}

/** Text as HTML. */
export function text(value: string | number): string {
  return String(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** `<option>`s with one chosen. */
export function options(values: readonly string[], chosen: string): string {
  return values
    .map((value) => `<option${value === chosen ? ' selected' : ''}>${text(value)}</option>`)
    .join('');
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function uploadedFiles(type: string, body: Buffer): Map<string, { name: string; content: string }> {
  const boundary = /boundary=(?:"([^"]+)"|([^;]+))/.exec(type);
  const mark = `--${boundary?.[1] ?? boundary?.[2] ?? ''}`;
  const files = new Map<string, { name: string; content: string }>();
  for (const part of body.toString('latin1').split(mark).slice(1, -1)) {
    const end = part.indexOf('\r\n\r\n');
    const head = Buffer.from(part.slice(0, end), 'latin1').toString('utf8');
    const field = /\bname="([^"]*)"/.exec(head)?.[1];
    const name = /\bfilename="([^"]*)"/.exec(head)?.[1];
    if (field === undefined || name === undefined) continue;
    const content = Buffer.from(part.slice(end + 4, -2), 'latin1').toString('utf8');
    files.set(field, { name, content });
  }
  return files;
}
