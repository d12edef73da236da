import type { RawImage } from '@deskhand/daemon/ports';
import { centerOf, contains, type Rect, type ScreenElement } from '@deskhand/protocol';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

/** A picture of text whose every line is known, with its box in the picture. */
export type WrittenCrop = Readonly<{
  name: string;
  sizePx: number;
  image: RawImage;
  words: number;
  lines: ReadonlyArray<Readonly<{ text: string; box: Rect }>>;
}>;

const FONTS = ['DejaVu Sans', 'Noto Sans', 'Nimbus Roman', 'DejaVu Sans Mono'];
const SIZES_PX = [12, 14, 17, 24];
const GROUNDS = {
  'dark on light': 'background:#fff;color:#222',
  'light on dark': 'background:#1e2228;color:#d8dee4',
};
/** What screens show: prose, names, numbers, paths, code. About 45 words each. */
const TEXTS = [
  [
    'The invoice from Miller & Sons is due on 28 November 2026.',
    'Call Ada Lovelace about the engine, extension 4096, before noon.',
    'Total: 1,299.50 EUR, of which 207.48 tax and 12.00 shipping',
    'Never press Delete on the archive folder without asking Grace first!',
    'Search for "quarterly results" and save the page as results.html',
  ],
  [
    'Server alpha: 192.168.10.24, port 8443, status OK since 06:41',
    'Files: report-final.pdf, budget_2026.xlsx, photo.jpg, notes.txt',
    'git commit -m "Fix typo in README" && git push origin main',
    'Open Settings, then Network, then Proxy (manual), then Apply',
    'user.name=deskhand; retries=3; timeout_ms=1500; debug=false; level=info',
  ],
];
const TOOLBAR =
  'File|Edit|View|History|Bookmarks|Tools|Help|Sign in|New order|Export CSV|Print|Refresh|Filter (3)';

/** Rendered by Chromium, as screens render: hinted and smoothed. Some 40 crops. */
export async function renderCrops(): Promise<WrittenCrop[]> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1600, height: 500 } });
    const crops: WrittenCrop[] = [];
    for (const [font, sizePx, [ground, style], text] of kinds()) {
      const lines = text.map((line) => `<div><span>${escaped(line)}</span></div>`).join('');
      const bar = TOOLBAR.split('|')
        .map((label) => `<span style="margin-right:${sizePx}px">${label}</span>`)
        .join('');
      await page.setContent(
        `<body style="margin:0;${style}"><div id="crop" style="display:inline-block;padding:8px;white-space:nowrap;font:${sizePx}px/1.5 '${font}'">${lines}<div style="background:#2b5797;color:#fff;padding:4px">${bar}</div></div>`,
      );
      await page.evaluate('document.fonts.ready.then(() => true)');
      const crop = page.locator('#crop');
      const { data, info } = await sharp(await crop.screenshot())
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const places = (await page.evaluate(
        '[...document.querySelectorAll("#crop span")].map((e) => { const { x, y, width, height } = e.getBoundingClientRect(); return { text: e.textContent, box: { x, y, width, height } }; })',
      )) as WrittenCrop['lines'];
      crops.push({
        name: `${font} ${sizePx}px, ${ground}`,
        sizePx,
        image: { width: info.width, height: info.height, format: 'rgb', pixels: new Uint8Array(data) },
        words: places.flatMap(({ text: line }) => line.split(' ')).length,
        lines: places,
      });
    }
    return crops;
  } finally {
    await browser.close();
  }
}

function* kinds() {
  let turn = 0;
  for (const font of FONTS)
    for (const sizePx of SIZES_PX)
      for (const ground of Object.entries(GROUNDS)) {
        yield [font, sizePx, ground, TEXTS[(turn >> 1) % TEXTS.length] as string[]] as const;
        turn += 1;
      }
}

/** Characters and how many of them are wrong, missing or too many: by lines, white space does not count. */
export function misread(crop: WrittenCrop, found: readonly ScreenElement[]) {
  const words = found.filter(({ role }) => role === 'word');
  let characters = 0;
  let wrong = 0;
  for (const { text, box } of crop.lines) {
    const wanted = text.replaceAll(' ', '');
    const got = words
      .filter(({ bounds }) => contains(box, centerOf(bounds)))
      .sort((a, b) => a.bounds.x - b.bounds.x)
      .map(({ name }) => name)
      .join('')
      .replaceAll(' ', '');
    characters += wanted.length;
    wrong += distance(wanted, got);
  }
  return { characters, wrong };
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [row, character] of [...a].entries()) {
    const current = [row + 1];
    for (let column = 1; column <= b.length; column += 1)
      current.push(
        Math.min(
          (previous[column] as number) + 1,
          (current[column - 1] as number) + 1,
          (previous[column - 1] as number) + (character === b[column - 1] ? 0 : 1),
        ),
      );
    previous = current;
  }
  return previous[b.length] as number;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
