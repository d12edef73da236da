import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { keptImage, openX11ScreenCapture, type X11ScreenCapture } from '@deskhand/daemon/capture';
import type { RawImage } from '@deskhand/daemon/ports';
import { openSenses, type Senses } from '@deskhand/daemon/senses';
import { openX11 } from '@deskhand/daemon/x11';
import { centerOf, contains, intersection, type Rect, type ScreenElement } from '@deskhand/protocol';
import { openChromiumPage } from '../helpers/chromium-page.ts';
import {
  type KnownWords,
  wordsOfEditor,
  wordsOfPage,
  wordsOfTarget,
  wordsOfTerminal,
} from '../helpers/written-words.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { startTargetWindow } from '../target-app/target-window.ts';
import type { Benchmark, BenchTable } from './benchmark.ts';
import { misread, renderCrops } from './ocr-crops.ts';
import { brief, summarize } from './statistics.ts';

const ROUNDS = 7;
type Reader = (image: RawImage) => Promise<readonly ScreenElement[]>;

/** Words of four applications, read from pixels and judged by what the applications say about themselves. */
export const ocrBenchmark: Benchmark = {
  name: 'ocr',
  describe: 'words read from pixels: how many, whether a click lands on them, milliseconds per crop',
  async run({ signal, progress }) {
    await using desktop = await startXDesktop({ width: 1920, height: 1080 });
    await using connection = await openX11({ display: desktop.display, log: silentLogger });
    await using capture = await openX11ScreenCapture({ connection, log: silentLogger });
    await using senses = await openReaders(desktop);
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    await using bare = await openReaders(desktop).finally(() => {
      process.env.PATH = path;
    });
    const ways: Record<string, Reader> = {
      deskhand: (image) => senses.words.read(image, { signal }),
      'deskhand, nothing installed (tesseract.js)': (image) => bare.words.read(image, { signal }),
      'tesseract as it comes, one process per picture': (image) => plainTesseract(image, signal),
    };
    const grab = grabber(capture, signal);
    const rows: BenchTable['rows'][number][] = [];
    const crops: BenchTable['rows'][number][] = [];
    for (const open of [chromiumPage, editor, terminal, tkWindow]) {
      const known = await open(desktop, senses);
      await untilStill(grab, known.area);
      progress(`  ${known.application}: ${known.words.length} words`);
      for (const [way, read] of Object.entries(ways)) {
        const image = await grab(known.area);
        const found = atDesktop(await read(image), known.area);
        const times = await timesOf(ROUNDS, read, grab, known.area);
        const { read: readCount, lands } = judge(known, found);
        const share = (count: number) => `${count} (${brief((count * 100) / known.words.length)} %)`;
        rows.push([
          known.application,
          way,
          `${known.area.width}x${known.area.height}`,
          known.words.length,
          share(readCount),
          share(lands),
          brief(times.medianMs),
          brief(times.p95Ms),
        ]);
      }
      for (const [what, crop] of Object.entries(cropsOf(known))) {
        const row: Array<string | number | null> = [known.application, what, `${crop.width}x${crop.height}`];
        for (const read of Object.values(ways))
          row.push(brief((await timesOf(ROUNDS, read, grab, crop)).medianMs));
        const same = await grab(crop);
        await senses.words.read(same, { signal });
        const startedAt = performance.now();
        await senses.words.read(same, { signal });
        row.push(brief(performance.now() - startedAt));
        crops.push(row);
      }
    }
    progress('  rendered crops');
    return {
      name: 'ocr',
      tables: [
        await renderedTable(ways),
        {
          title: 'Words read from pixels, whole windows',
          note: 'Words and their boxes come from the application itself (page layout, accessibility text, terminal grid, Tk). Read = exactly this text, punctuation at its ends aside, overlapping its box; lands = the middle of what was read lies inside it.',
          columns: ['application', 'way', 'px', 'words', 'read', 'click lands', 'median ms', 'p95 ms'],
          rows,
        },
        {
          title: 'Milliseconds for a crop',
          note: 'Median; nothing of it remembered, but for the last column.',
          columns: ['application', 'crop', 'px', ...Object.keys(ways), 'deskhand, nothing changed'],
          rows: crops,
        },
      ],
    };
  },
};

/** Crops of some 60 words in several fonts and sizes, dark and light. */
async function renderedTable(ways: Readonly<Record<string, Reader>>): Promise<BenchTable> {
  const crops = await renderCrops();
  const rows: BenchTable['rows'][number][] = [];
  for (const [way, read] of Object.entries(ways)) {
    for (const sizePx of new Set(crops.map((crop) => crop.sizePx))) {
      const chosen = crops.filter((crop) => crop.sizePx === sizePx);
      const times: number[] = [];
      let characters = 0;
      let wrong = 0;
      for (const crop of chosen) {
        const startedAt = performance.now();
        const found = await read(crop.image);
        times.push(performance.now() - startedAt);
        const judged = misread(crop, found);
        characters += judged.characters;
        wrong += judged.wrong;
      }
      const words = chosen.reduce((sum, crop) => sum + crop.words, 0) / chosen.length;
      const { medianMs, p95Ms } = summarize(times);
      const share = `${brief((100 * wrong) / characters)} %`;
      rows.push([
        way,
        `${sizePx} px`,
        chosen.length,
        Math.round(words),
        share,
        brief(medianMs),
        brief(p95Ms),
      ]);
    }
  }
  return {
    title: 'Characters misread, and milliseconds for a crop full of text',
    note: 'Four fonts, dark on light and light on dark, prose, names, numbers, paths and code, a row of buttons. Misread = Levenshtein distance by lines, white space aside, to what was written; words left out count whole.',
    columns: ['way', 'letters', 'crops', 'words each', 'misread', 'median ms', 'p95 ms'],
    rows,
  };
}

function openReaders(desktop: XDesktop): Promise<Senses> {
  return openSenses({
    display: desktop.display,
    env: desktop.env,
    dataDir: desktop.folder,
    virtual: true,
    log: silentLogger,
  });
}

async function chromiumPage(desktop: XDesktop): Promise<KnownWords> {
  const { page } = await openChromiumPage(desktop);
  await page.setContent(PAGE);
  await page.evaluate('document.fonts.ready.then(() => true)');
  return wordsOfPage(page);
}

async function editor(desktop: XDesktop, senses: Senses): Promise<KnownWords> {
  const file = join(desktop.folder, 'words.txt');
  const text = NOTES.join('\n');
  await writeFile(file, text);
  const program = await desktop.mousepad(file);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const window = await senses.windows.activeWindow();
  const elements = await senses.accessibility.elements(window, { signal: AbortSignal.timeout(5000) });
  const field = elements.find((element) => element.value?.startsWith(NOTES[0] as string));
  if (field === undefined) throw new Error('the editor does not tell its text');
  const [, bus = '', rest = ''] = /^ax(:[\d.]+)(\/.*)$/.exec(field.id) ?? [];
  const menus = elements
    .filter((element) => element.role === 'menu' && /^\S+$/.test(element.name))
    .map(({ name, bounds }) => ({ text: name, box: bounds }));
  return wordsOfEditor(desktop, program, {
    text,
    textObject: { bus, path: `/org/a11y/atspi/accessible${rest}` },
    menus,
  });
}

async function terminal(desktop: XDesktop): Promise<KnownWords> {
  const file = join(desktop.folder, 'lines.txt');
  await writeFile(file, NOTES.join('\r\n'));
  const program = await desktop.startWindow(
    'xterm',
    [
      '-fa',
      'DejaVu Sans Mono',
      '-fs',
      '11',
      '-bg',
      'black',
      '-fg',
      'white',
      '-e',
      'sh',
      '-c',
      `cat ${file}; exec sleep 100000`,
    ],
    ['--class', 'xterm'],
  );
  return wordsOfTerminal(desktop, program, NOTES);
}

async function tkWindow(desktop: XDesktop): Promise<KnownWords> {
  return wordsOfTarget(desktop, await startTargetWindow(desktop));
}

function grabber(capture: X11ScreenCapture, signal: AbortSignal) {
  return async (region: Rect): Promise<RawImage> => {
    const left = Math.floor(region.x);
    const top = Math.floor(region.y);
    const image = await capture.grab(
      { x: left, y: top, width: Math.round(region.width), height: Math.round(region.height) },
      { signal },
    );
    return keptImage(image);
  };
}

async function untilStill(grab: (region: Rect) => Promise<RawImage>, area: Rect): Promise<void> {
  let last = '';
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    const now = Buffer.from((await grab(area)).pixels).toString('base64');
    if (now === last) return;
    last = now;
  }
}

/** Each picture a little paler than the last: nothing of it is known, and it reads alike. */
async function timesOf(rounds: number, read: Reader, grab: (region: Rect) => Promise<RawImage>, area: Rect) {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const image = paler(await grab(area), round + 1);
    const startedAt = performance.now();
    await read(image);
    if (round > 0) times.push(performance.now() - startedAt);
  }
  return summarize(times);
}

/** All levels lower by some percent. */
function paler(image: RawImage, percent: number): RawImage {
  return { ...image, pixels: image.pixels.map((level) => Math.round(level * (1 - percent / 100))) };
}

/** A row of the window and a part of it, where its words are. */
function cropsOf({ area, words }: KnownWords): Record<string, Rect> {
  const middle = words[Math.floor(words.length / 2)]?.box ?? area;
  const around = (width: number, height: number): Rect => {
    const wide = Math.min(width, Math.floor(area.width));
    const tall = Math.min(height, Math.floor(area.height));
    return {
      x: Math.max(area.x, Math.min(middle.x - wide / 2, area.x + area.width - wide)),
      y: Math.max(area.y, Math.min(middle.y - tall / 2, area.y + area.height - tall)),
      width: wide,
      height: tall,
    };
  };
  return { 'a button or a word': around(160, 40), 'a bar': around(1100, 90), 'a panel': around(400, 200) };
}

function judge(known: KnownWords, found: readonly ScreenElement[]): { read: number; lands: number } {
  const words = found.filter((element) => element.role === 'word');
  let read = 0;
  let lands = 0;
  for (const { text, box } of known.words) {
    const same = words.filter(
      (word) => bare(word.name) === bare(text) && intersection(word.bounds, box) !== null,
    );
    if (same.length > 0) read += 1;
    if (same.some((word) => contains(box, centerOf(word.bounds)))) lands += 1;
  }
  return { read, lands };
}

function bare(text: string): string {
  return text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}

function atDesktop(elements: readonly ScreenElement[], area: Rect): ScreenElement[] {
  return elements.map((element) => ({
    ...element,
    bounds: {
      ...element.bounds,
      x: element.bounds.x + Math.floor(area.x),
      y: element.bounds.y + Math.floor(area.y),
    },
  }));
}

/** The picture as it is, the program as it is. */
async function plainTesseract(image: RawImage, signal: AbortSignal): Promise<readonly ScreenElement[]> {
  const { width, height, pixels } = image;
  const rgb = Buffer.alloc(width * height * 3);
  const [step, red, blue] = image.format === 'rgb' ? [3, 0, 2] : [4, 2, 0];
  for (let from = 0, to = 0; to < rgb.length; from += step, to += 3) {
    rgb[to] = pixels[from + red] ?? 0;
    rgb[to + 1] = pixels[from + 1] ?? 0;
    rgb[to + 2] = pixels[from + blue] ?? 0;
  }
  const child = spawn('tesseract', ['stdin', 'stdout', '--psm', '11', 'tsv'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    signal,
  });
  child.stdin.on('error', () => {});
  child.stdin.end(Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), rgb]));
  let table = '';
  for await (const part of child.stdout) table += String(part);
  return table
    .split('\n')
    .map((row) => row.split('\t'))
    .filter(([level, ...rest]) => level === '5' && (rest.at(-1) ?? '').trim() !== '')
    .map((cells, index) => ({
      id: `w${index}`,
      source: 'ocr',
      role: 'word',
      name: cells[11] ?? '',
      states: [],
      bounds: { x: Number(cells[6]), y: Number(cells[7]), width: Number(cells[8]), height: Number(cells[9]) },
    }));
}

const NOTES = [
  'Deskhand notes for Thursday',
  'The invoice from Miller & Sons is due on 28 November.',
  'Call Ada Lovelace about the engine, extension 4096.',
  'Total: 1,299.50 EUR, of which 207.48 tax',
  'Files: report-final.pdf, budget_2026.xlsx, photo.jpg',
  'Search for "quarterly results" and save the page.',
  'Never press Delete on the archive folder!',
  'Server alpha: 192.168.10.24, port 8443, status OK',
  'Quick brown foxes jump over eleven lazy dogs.',
  'Open Settings, then Network, then Proxy (manual).',
];

const PAGE = `<!doctype html><meta charset="utf-8"><style>
  body { font: 15px/1.5 sans-serif; margin: 0; color: #222; background: #fff }
  nav { background: #1d2b4f; color: #fff; padding: 12px 20px } nav a { color: #fff; margin-right: 24px; text-decoration: none }
  main { padding: 16px 20px } button { background: #b3541e; color: #fff; border: 0; border-radius: 6px; padding: 6px 14px; margin-right: 8px; font: inherit }
  button.plain { background: #eee; color: #222; border: 1px solid #999 } .faint { color: #777 } .dark { background: #222; color: #ddd; padding: 10px }
  table { border-collapse: collapse } td, th { border: 1px solid #cdd; padding: 4px 12px; text-align: left } th { background: #23395d; color: #fff }
</style>
<nav><a href="#">Overview</a><a href="#">Records</a><a href="#">Reports</a><a href="#">Settings</a><a href="#">Help</a></nav>
<main><h1>Customer records</h1>
<p><button>Save draft</button><button class="plain">Cancel</button><button class="plain">Export</button> <a href="#">Advanced search</a></p>
<table><tr><th>Number<th>Name<th>City<th>Balance</tr>
${[
  ['1001', 'Ada Lovelace', 'London', '250.00'],
  ['1002', 'Alan Turing', 'Manchester', '1,310.75'],
  ['1003', 'Grace Hopper', 'New York', '86.20'],
  ['1004', 'Edsger Dijkstra', 'Rotterdam', '0.00'],
  ['1005', 'Barbara Liskov', 'Boston', '512.40'],
]
  .map((cells) => `<tr><td>${cells.join('<td>')}</tr>`)
  .join('')}</table>
<p class="faint">Last synchronised three minutes ago by the night shift.</p>
<p class="dark">Terminal connected. Press Continue to start the upgrade.</p></main>`;
