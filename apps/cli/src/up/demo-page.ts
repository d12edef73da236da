import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the form of the sample task received. */
export type DemoAnswer = Readonly<{ name: string; drink: string; music: boolean; note: string }>;

/**
 * The page of the sample task: an ordinary form on loopback that remembers what reached it, so that the
 * proof comes from the page's own server and not from the agent.
 */
export class DemoPage implements AsyncDisposable {
  readonly url: string;
  readonly answers: DemoAnswer[] = [];
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}/`;
  }

  static async start(): Promise<DemoPage> {
    let page: DemoPage | undefined;
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const html = (status: number, body: string) => {
        response.writeHead(status, {
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-store',
        });
        response.end(body);
      };
      if (url.pathname === '/' && request.method === 'GET') return html(200, formHtml());
      if (url.pathname === '/thanks' && request.method === 'GET')
        return html(200, thanksHtml(url.searchParams.get('n') ?? '1'));
      if (url.pathname === '/orders' && request.method === 'POST') {
        let body = '';
        request.setEncoding('utf8');
        request.on('data', (chunk: string) => {
          body += chunk;
          if (body.length > 10_000) request.destroy();
        });
        request.on('end', () => {
          const form = new URLSearchParams(body);
          page?.answers.push({
            name: form.get('name') ?? '',
            drink: form.get('drink') ?? '',
            music: form.get('music') === 'yes',
            note: form.get('note') ?? '',
          });
          response.writeHead(303, { location: `/thanks?n=${page?.answers.length ?? 1}` });
          response.end();
        });
        return undefined;
      }
      if (url.pathname === '/favicon.ico') {
        response.writeHead(204);
        return response.end();
      }
      return html(404, '<!doctype html><title>Not found</title><p>There is nothing here.');
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    page = new DemoPage(server, (server.address() as AddressInfo).port);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const shell = (title: string, body: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>
  :root { color-scheme: light dark; font: 17px/1.5 system-ui, "DejaVu Sans", sans-serif; }
  body { margin: 0; background: #eef3f1; color: #14211d; }
  main { max-width: 34rem; margin: 2.5rem auto; background: #fff; border-radius: 14px; padding: 1.6rem 2rem 2rem; box-shadow: 0 2px 18px #0002; }
  h1 { margin: 0 0 .2rem; font-size: 1.5rem; } p { margin: .2rem 0 1.1rem; }
  label { display: block; margin: .7rem 0 .2rem; font-weight: 600; }
  input[type=text], select { font: inherit; width: 100%; box-sizing: border-box; padding: .45rem .6rem; border: 1px solid #8aa39b; border-radius: 8px; }
  .check { display: flex; gap: .5rem; align-items: center; font-weight: 400; }
  button { margin-top: 1.2rem; font: inherit; font-weight: 700; padding: .55rem 1.6rem; border: 0; border-radius: 8px; background: #0b6b50; color: #fff; }
</style></head><body><main>${body}</main></body></html>`;

function formHtml(): string {
  return shell(
    'The tea room',
    `<h1>The tea room</h1><p>Order something warm. This page runs on your own computer.</p>
<form method="post" action="/orders">
  <label for="name">Name</label><input id="name" name="name" type="text" autocomplete="off">
  <label for="drink">Drink</label>
  <select id="drink" name="drink"><option>Black tea</option><option>Green tea</option><option>Peppermint</option><option>Café crème</option></select>
  <label for="note">Note</label><input id="note" name="note" type="text" autocomplete="off">
  <label class="check"><input type="checkbox" name="music" value="yes"> With music</label>
  <button type="submit">Send order</button>
</form>`,
  );
}

function thanksHtml(number: string): string {
  const safe = /^\d{1,6}$/.test(number) ? number : '1';
  return shell(
    'Thank you',
    `<h1>Thank you!</h1><p>Order number ${safe} is on its way.</p><p><a href="/">Order another</a></p>`,
  );
}
