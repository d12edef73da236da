import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** The page of the API: one file, no external resource; script and style are named by hash in its policy. */
export type DocsPage = Readonly<{ html: string; policy: string }>;

let page: Promise<DocsPage> | undefined;

/** Read when somebody asks: an idle server needs no page. */
export function docsPage(): Promise<DocsPage> {
  page ??= assemble().catch((error: unknown) => {
    page = undefined;
    throw error;
  });
  return page;
}

async function assemble(): Promise<DocsPage> {
  const [html, style, script] = await Promise.all(
    ['page.html', 'page.css', 'page.js'].map((name) =>
      readFile(new URL(`./docs-page/${name}`, import.meta.url), 'utf8'),
    ),
  );
  return {
    // Functions, so that no `$` of the script means anything to `replace`.
    html: (html ?? '')
      .replace('<!--style-->', () => `<style>${style}</style>`)
      .replace('<!--script-->', () => `<script>${script}</script>`),
    policy: `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

function hashOf(text = ''): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
