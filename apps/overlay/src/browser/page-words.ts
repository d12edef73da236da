import type { StaticFile } from './static-files.ts';

/** What stands in the built pages where the words go; see `src/ui/*.html`. */
const PLACE = '<script type="application/json" id="words" lang="en">{}</script>';

/**
 * A page with the reader's words in it, as data: they come with the page, not after it, and the page need fetch
 * nothing. English where there are none for any of the languages.
 * @param languages wanted first to last, as in `de-AT` or `de;q=0.8`.
 */
export function pageWithWords(
  page: Buffer,
  files: ReadonlyMap<string, StaticFile>,
  languages: readonly string[],
): Buffer {
  const catalogOf = (tag: string) => files.get(`/assets/words-${tag}.json`)?.bytes.toString('utf8');
  const wanted = languages.map((entry) => entry.trim().slice(0, 2).toLowerCase());
  const tag = wanted.find((entry) => catalogOf(entry) !== undefined) ?? 'en';
  // `</script>` in a message would end the block.
  const words = (catalogOf(tag) ?? '{}').replaceAll('<', '\\u003c');
  const block = PLACE.replace('"en"', `"${tag}"`).replace('{}', () => words);
  return Buffer.from(page.toString('utf8').replace(PLACE, () => block));
}
