import { pageWithWords } from '../browser/page-words.ts';
import type { StaticFile } from '../browser/static-files.ts';

/** The page of the Electron panel may load its own files and nothing else; its only way out is the preload. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
} as const;

/**
 * Answers `app://panel/…` from the built renderer in memory.
 * @param languages of the person, wanted first to last.
 */
export function serveApp(
  files: ReadonlyMap<string, StaticFile>,
  languages: readonly string[],
): (request: { url: string; method: string }) => Response {
  return ({ url, method }) => {
    const { host, pathname } = new URL(url);
    const file = host === 'panel' && method === 'GET' ? files.get(pathname) : undefined;
    if (file === undefined) return new Response('No such page.\n', { status: 404, headers });
    const bytes = pathname.endsWith('.html') ? pageWithWords(file.bytes, files, languages) : file.bytes;
    return new Response(new Uint8Array(bytes), {
      status: 200,
      headers: { ...headers, 'Content-Type': file.type },
    });
  };
}
