import { describe, expect, it } from 'vitest';
import { pageWithWords } from './page-words.ts';
import type { StaticFile } from './static-files.ts';

const PAGE = Buffer.from(
  '<body><script type="application/json" id="words" lang="en">{}</script><p>{}</p></body>',
);
const file = (text: string): StaticFile => ({ type: 'application/json', bytes: Buffer.from(text) });
const files = new Map([
  ['/assets/words-en.json', file('{"a":"$& </script><b>"}')],
  ['/assets/words-de.json', file('{"a":"ä"}')],
]);
const read = (...languages: string[]) => {
  const page = pageWithWords(PAGE, files, languages).toString('utf8');
  const [, lang, words] = /lang="(\w+)">(.*?)<\/script>/.exec(page) ?? [];
  return [lang, JSON.parse(words ?? ''), page.endsWith('<p>{}</p></body>')];
};

describe('the words of a page', () => {
  it('are those of the first language there are some for', () => {
    expect(read('xx', 'de-AT;q=0.8', 'en')).toEqual(['de', { a: 'ä' }, true]);
    expect(read(' DE')).toEqual(['de', { a: 'ä' }, true]);
  });

  it('are English otherwise, and end the block by nothing they say', () => {
    for (const languages of [[], ['xx'], ['../../e'], ['*'], ['']])
      expect(read(...languages)).toEqual(['en', { a: '$& </script><b>' }, true]);
  });

  it('are missing where the build has none: the page goes on without', () => {
    expect(pageWithWords(PAGE, new Map(), ['de']).toString('utf8')).toBe(PAGE.toString('utf8'));
  });
});
