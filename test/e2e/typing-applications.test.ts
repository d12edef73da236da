import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openX11InputBackend, type X11InputBackend } from '@deskhand/daemon/input';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ChromiumPage, keysReach, openChromiumPage } from '../helpers/chromium-page.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { TYPING_CORPUS } from './typing-corpus.ts';

let desktop: XDesktop;
let connection: X11Connection;
let input: X11InputBackend;
const { signal } = new AbortController();
const open = () => {};

beforeAll(async () => {
  desktop = await startXDesktop();
  connection = await openX11({ display: desktop.display, log: silentLogger });
  input = await openX11InputBackend({ connection, log: silentLogger });
});

afterAll(async () => {
  await input?.[Symbol.asyncDispose]();
  await connection?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

afterEach(async () => {
  // The X server's own list of devices is the judge, not the tool that typed.
  expect(await heldInputs(desktop)).toEqual([]);
});

describe.each(['us', 'de', 'fr', 'es', 'ru', 'gr', 'jp'])(
  'typing into a Chromium text area, layout %s',
  (layout) => {
    let chromium: ChromiumPage;
    beforeAll(async () => {
      await useLayout(layout);
      chromium = await openChromiumPage(desktop);
      await chromium.page.setContent('<textarea id="text" rows="20" cols="80"></textarea>');
      await keysReach(desktop, chromium.page, '#text');
    });
    afterAll(() => chromium?.[Symbol.asyncDispose]());

    it.each(Object.keys(TYPING_CORPUS))('%s', async (name) => {
      const text = TYPING_CORPUS[name] as string;
      await chromium.page.evaluate(EMPTY_AND_FOCUS);
      const before = await keyboardMap();
      await input.typeText(text, open, { signal });
      await eventually(async () => expect(await chromium.page.inputValue('#text')).toBe(text));
      expect(await keyboardMap()).toBe(before);
    });
  },
);

const EMPTY_AND_FOCUS = `(() => {
  const area = document.getElementById('text');
  area.value = '';
  area.focus();
})()`;

// us(intl) has dead keys where ' " ` ~ ^ are; us(dvorak) has its shortcuts elsewhere.
describe.each(['us', 'de', 'fr', 'us(intl)', 'us(dvorak)'])(
  'typing into a text editor that saves a file, layout %s',
  (layout) => {
    let file: string;
    beforeAll(async () => {
      await useLayout(layout);
      file = join(desktop.folder, `note-${layout}.txt`);
      await writeFile(file, '');
    });

    it('every class of text, byte for byte', async () => {
      const editor = await desktop.mousepad(file);
      for (const [name, text] of Object.entries({ ...TYPING_CORPUS, tabs: 'a\tb\t\tc' })) {
        await chord('ctrl', 'a');
        await chord('delete');
        await input.typeText(text, open, { signal });
        await chord('ctrl', 's');
        await eventually(async () => expect([name, await readFile(file, 'utf8')]).toEqual([name, text]));
      }
      await editor.close();
    });
  },
);

describe('typing into a terminal', () => {
  it('every class of text reaches the program that runs there, byte for byte', async () => {
    await useLayout('us');
    const file = join(desktop.folder, 'terminal.txt');
    const ready = join(desktop.folder, 'terminal.ready');
    const terminal = await desktop.startWindow(
      'xterm',
      ['-u8', '-e', 'sh', '-c', `stty -icanon -echo; : > ${ready}; cat > ${file}`],
      ['--class', 'xterm'],
      { LC_ALL: 'C.UTF-8' },
    );
    await eventually(() => readFile(ready));
    await eventually(async () => {
      expect(Number(await desktop.ask('xdotool', 'getactivewindow'))).toBe(Number(terminal.windowId));
    });
    let expected = '';
    for (const text of Object.values(TYPING_CORPUS)) {
      expected += `${text}\n`;
      await input.typeText(`${text}\n`, open, { signal });
    }
    await eventually(async () => expect(await readFile(file, 'utf8')).toBe(expected));
    await terminal.close();
  });
});

/** @param name a layout, with its variant in brackets. */
async function useLayout(name: string): Promise<void> {
  const [, layout = name, variant = ''] = /^(\w+)\((\w+)\)$/.exec(name) ?? [];
  await desktop.ask('setxkbmap', '-layout', layout, '-variant', variant);
}

async function chord(...keys: string[]): Promise<void> {
  for (const key of keys) await input.key(key, true);
  for (const key of keys.reverse()) await input.key(key, false);
}

/** `xmodmap` reads the map through its own connection. */
async function keyboardMap(): Promise<string> {
  return desktop.ask('xmodmap', '-pke');
}
