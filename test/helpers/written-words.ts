import type { Rect } from '@deskhand/protocol';
import type { Page } from 'playwright-core';
import type { TargetWindow } from '../target-app/target-window.ts';
import type { RunningProgram, XDesktop } from './x-desktop.ts';

/** A word an application shows, and where: told by the application itself, never read from pixels. Desktop pixels. */
export type WrittenWord = Readonly<{ text: string; box: Rect }>;

/** An application whose words are known, and the area of its window to read. */
export type KnownWords = Readonly<{ application: string; area: Rect; words: readonly WrittenWord[] }>;

/** What a page shows, by its own layout. */
export async function wordsOfPage(page: Page): Promise<KnownWords> {
  const { area, words } = (await page.evaluate(WORDS_OF_PAGE)) as Omit<KnownWords, 'application'>;
  return { application: 'Chromium page', area, words };
}

/** A terminal is a grid: the size of its cells and of its border are in its window's hints. */
export async function wordsOfTerminal(
  desktop: XDesktop,
  terminal: RunningProgram,
  lines: readonly string[],
): Promise<KnownWords> {
  const id = terminal.windowId ?? '';
  const hints = await desktop.ask('xprop', '-id', id, 'WM_NORMAL_HINTS');
  const pair = (name: string) => {
    const found = new RegExp(`${name}: (\\d+) by (\\d+)`).exec(hints);
    if (found === null) throw new Error(`no ${name} among the hints of the terminal`);
    return [Number(found[1]), Number(found[2])] as const;
  };
  const [cellWidth, cellHeight] = pair('resize increment');
  const [baseWidth, baseHeight] = pair('base size');
  const { x, y, width, height } = await areaOf(desktop, id);
  const words = lines.flatMap((line, row) =>
    [...line.matchAll(/\S+/g)].map(({ 0: text, index }) => ({
      text,
      box: {
        x: x + baseWidth / 2 + index * cellWidth,
        y: y + baseHeight / 2 + row * cellHeight,
        width: text.length * cellWidth,
        height: cellHeight,
      },
    })),
  );
  return { application: 'xterm, white on black', area: { x, y, width, height }, words };
}

/** Buttons of the Tk window, as it wrote their places down. */
export async function wordsOfTarget(desktop: XDesktop, target: TargetWindow): Promise<KnownWords> {
  const words = ['Apply', 'Discard', 'Help'].map((text) => ({ text, box: target.places[text] as Rect }));
  return { application: 'Tk window', area: await areaOf(desktop, target.windowId ?? ''), words };
}

/** Words of a GTK text view and menu bar, by their own accessibility objects over D-Bus. */
export async function wordsOfEditor(
  desktop: XDesktop,
  editor: RunningProgram,
  parts: Readonly<{
    text: string;
    textObject: Readonly<{ bus: string; path: string }>;
    menus: readonly WrittenWord[];
  }>,
): Promise<KnownWords> {
  const { text, textObject, menus } = parts;
  const address = /string "(.*)"/.exec(
    await desktop.ask(
      'dbus-send',
      ...['--session', '--print-reply', '--dest=org.a11y.Bus', '/org/a11y/bus', 'org.a11y.Bus.GetAddress'],
    ),
  )?.[1];
  const area = await areaOf(desktop, editor.windowId ?? '');
  const words: WrittenWord[] = [...menus];
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    const reply = await desktop.ask(
      'dbus-send',
      ...[`--bus=${address}`, '--print-reply', `--dest=${textObject.bus}`, textObject.path],
      ...[
        'org.a11y.atspi.Text.GetRangeExtents',
        `int32:${index}`,
        `int32:${index + word.length}`,
        'uint32:0',
      ],
    );
    const [x = 0, y = 0, width = 0, height = 0] = [...reply.matchAll(/int32 (-?\d+)/g)].map((found) =>
      Number(found[1]),
    );
    if (x + width <= area.x + area.width && y + height <= area.y + area.height)
      words.push({ text: word, box: { x, y, width, height } });
  }
  return { application: 'Mousepad (GTK)', area, words };
}

/** The window's own area. */
async function areaOf(desktop: XDesktop, windowId: string): Promise<Rect> {
  const text = await desktop.ask('xwininfo', '-id', windowId);
  const number = (name: string) => Number(new RegExp(`${name}:\\s+(-?\\d+)`).exec(text)?.[1]);
  return {
    x: number('Absolute upper-left X'),
    y: number('Absolute upper-left Y'),
    width: number('Width'),
    height: number('Height'),
  };
}

const WORDS_OF_PAGE = `(() => {
  const bars = outerHeight - innerHeight;
  const words = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (['SCRIPT', 'STYLE'].includes(node.parentElement.tagName)) continue;
    for (const { 0: text, index } of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + text.length);
      const box = range.getBoundingClientRect();
      if (box.width === 0 || box.top < 0 || box.bottom > innerHeight || box.left < 0 || box.right > innerWidth) continue;
      words.push({ text, box: { x: screenX + box.left, y: screenY + bars + box.top, width: box.width, height: box.height } });
    }
  }
  return { area: { x: screenX, y: screenY + bars, width: innerWidth, height: innerHeight }, words };
})()`;
