import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { silentLogger } from '@deskhand/base';
import { openX11InputBackend } from '@deskhand/daemon/input';
import { openX11 } from '@deskhand/daemon/x11';
import type { BenchTable } from './benchmark.ts';
import type { BusyDesktop } from './desktop-screen.ts';
import { brief, likeness } from './statistics.ts';

const run = promisify(execFile);
/** A text has arrived when it has not changed for this long; not counted as typing time. */
const STILL_MS = 400;
const CEILING_MS = 60_000;

const TEXTS: Readonly<Record<string, string>> = {
  'English, 2,000 characters': 'The quick brown fox (no. 7) jumps over {the} lazy dog; "really"? '
    .repeat(31)
    .slice(0, 2000),
  'ASCII symbols': '!"#$%&\'()*+,-./0123456789:;<=>?@[\\]^_`{|}~',
  'Latin-1': 'Grüße aus Málaga, ça va? Ñandú, Åse, Øyvind, ß § © ½ ¿¡ « »',
  'Greek and Cyrillic': 'Ελληνικά και Русский текст, Українська',
  'Cyrillic, 1,000 characters': 'Съешь ещё этих мягких французских булок, да выпей чаю. '
    .repeat(20)
    .slice(0, 1000),
  'Chinese, Japanese, Korean': '日本語テスト 中文测试 한국어 시험',
  'emoji with joiners': 'a👩‍👩‍👧‍👦b🏳️‍🌈c🇩🇪d👍🏽e',
};

/** Text typed into a Chromium text area and read back from the page. */
export async function typingTable(
  { desktop, chromium }: BusyDesktop,
  { signal, progress }: { signal: AbortSignal; progress: (line: string) => void },
): Promise<BenchTable> {
  const { page } = chromium;
  await page.setContent('<textarea id="text" rows="30" cols="90"></textarea>');
  await using connection = await openX11({ display: desktop.display, log: silentLogger });
  await using input = await openX11InputBackend({ connection, log: silentLogger });
  const environment = { env: desktop.environment, signal, timeout: CEILING_MS };
  const ways: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
    deskhand: (text) => input.typeText(text, () => {}, { signal }),
    'xdotool, 12 ms': (text) => run('xdotool', ['type', '--', text], environment),
    'xdotool, no delay': (text) => run('xdotool', ['type', '--delay', '0', '--', text], environment),
    // In its own process: a key its layout lacks ends the process it runs in.
    'nut-js type': (text) =>
      run(process.execPath, ['--input-type=module', '--eval', NUT_TYPE, text], {
        ...environment,
        cwd: import.meta.dirname,
      }),
  };
  const rows: Array<Array<string | number | null>> = [];
  for (const [name, text] of Object.entries(TEXTS)) {
    const row: Array<string | number | null> = [name];
    for (const [way, type] of Object.entries(ways)) {
      progress(`  typing: ${name}, ${way}`);
      await page.evaluate(EMPTY_AND_FOCUS);
      const startedAt = performance.now();
      const arrivals = watchText(page);
      await type(text).catch(() => {
        signal.throwIfAborted();
      });
      const { value, at } = await arrivals(text);
      const exact = likeness(text, value);
      row.push(`${brief(exact * 100)} %`, Math.round(([...text].length * 1000) / (at - startedAt)));
      await input.releaseAll();
    }
    rows.push(row);
  }
  return {
    title: 'Text into a Chromium text area, us layout',
    note: 'Exactness = 1 − Levenshtein distance / length of what the page then holds; characters per second until it held it.',
    columns: ['text', ...Object.keys(ways).flatMap((way) => [way, 'c/s'])],
    rows,
  };
}

const EMPTY_AND_FOCUS = `(() => {
  scrollTo(0, 0);
  const area = document.getElementById('text');
  area.value = '';
  area.focus();
  globalThis.lastInputAt = 0;
  area.oninput = () => { globalThis.lastInputAt = performance.timeOrigin + performance.now(); };
})()`;

const NUT_TYPE = `
import { keyboard } from '@nut-tree-fork/nut-js';
keyboard.config.autoDelayMs = 0;
await keyboard.type(process.argv[1]);
process.exit(0);
`;

/** The page itself notes when its last input event came; asking it does not disturb the typing. */
function watchText(page: BusyDesktop['chromium']['page']) {
  return async (wanted: string): Promise<{ value: string; at: number }> => {
    const deadline = performance.now() + CEILING_MS;
    let value = '';
    let stillSince = performance.now();
    for (;;) {
      const now = await page.inputValue('#text');
      if (now !== value) {
        value = now;
        stillSince = performance.now();
      }
      if (value === wanted || performance.now() - stillSince > STILL_MS || performance.now() > deadline)
        break;
      await page.evaluate('new Promise((done) => setTimeout(done, 20))');
    }
    const lastInputAt = (await page.evaluate('globalThis.lastInputAt')) as number;
    return { value, at: lastInputAt === 0 ? performance.now() : lastInputAt - performance.timeOrigin };
  };
}
