import { createHash } from 'node:crypto';

/** Reads /openapi.json and writes it out; text only, so nothing in it can become markup. */
const SCRIPT = `
const el = (name, text, cls) => { const e = document.createElement(name); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
fetch('/openapi.json').then(r => r.json()).then(api => {
  const main = document.querySelector('main');
  document.querySelector('h1').textContent = api.info.title + ' ' + api.info.version;
  document.querySelector('#about').textContent = api.info.description || '';
  for (const [path, methods] of Object.entries(api.paths)) for (const [method, op] of Object.entries(methods)) {
    const box = el('details');
    const head = el('summary');
    head.append(el('b', method.toUpperCase(), method), ' ', el('code', path), ' ', el('span', op.summary || ''));
    box.append(head);
    if (op['x-required-scope']) box.append(el('p', 'Scope: ' + op['x-required-scope']));
    const body = op.requestBody && op.requestBody.content && op.requestBody.content['application/json'];
    if (body) box.append(el('h3', 'Request body'), el('pre', JSON.stringify(body.schema, null, 2)));
    main.append(box);
  }
}).catch(() => { document.querySelector('#about').textContent = 'The description could not be loaded.'; });
`;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .5rem 0; }
summary { cursor: pointer; } summary b { display: inline-block; min-width: 4.5rem; }
pre { overflow: auto; max-height: 24rem; padding: 1rem; background: color-mix(in srgb, currentColor 8%, transparent); }
`;

/** One page, no external resource; its only script is named by hash in the page's policy. */
export const DOCS_PAGE = {
  html: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Deskhand API</title><style>${STYLE}</style><h1>Deskhand API</h1><p id="about"></p><p>Errors, events and webhooks are explained in docs/api.md of the repository. The whole description: <a href="/openapi.json">/openapi.json</a>.</p><main></main><script>${SCRIPT}</script></html>`,
  scriptHash: `sha256-${createHash('sha256').update(SCRIPT).digest('base64')}`,
};
