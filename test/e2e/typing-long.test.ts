import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openX11InputBackend, type X11InputBackend } from '@deskhand/daemon/input';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { ProtocolError } from '@deskhand/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ChromiumPage, keysReach, openChromiumPage } from '../helpers/chromium-page.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
let connection: X11Connection;
let input: X11InputBackend;
let chromium: ChromiumPage;
let mapBefore: string;
const open = () => {};
const { signal } = new AbortController();

/** Ideographs one after another: nearly every character is a new one. */
const ideographs = (count: number) =>
  Array.from({ length: count }, (_, index) => String.fromCodePoint(0x4e00 + ((index * 37) % 8000))).join('');

beforeAll(async () => {
  desktop = await startXDesktop();
  connection = await openX11({ display: desktop.display, log: silentLogger });
  input = await openX11InputBackend({ connection, log: silentLogger });
  chromium = await openChromiumPage(desktop);
  await chromium.page.setContent('<textarea id="text" rows="20" cols="80"></textarea>');
  await keysReach(desktop, chromium.page, '#text');
  mapBefore = await desktop.ask('xmodmap', '-pke');
});
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]();
  await input?.[Symbol.asyncDispose]();
  await connection?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(await heldInputs(desktop)).toEqual([]);
  expect(await desktop.ask('xmodmap', '-pke')).toBe(mapBefore);
  await chromium.page.fill('#text', '');
});

describe('long text outside the layout', () => {
  it('thousands of different characters, newlines and tabs between, arrive exactly', async () => {
    const lines = Array.from({ length: 12 }, (_, line) => `${line}: ${ideographs(300).slice(line * 20)}`);
    const text = `${lines.join('\n')}\nend`;
    await input.typeText(text, open, { signal });
    await eventually(async () => expect(await chromium.page.inputValue('#text')).toBe(text), 20_000);
  });

  it('the clipboard holds what it held: text, seen by another program', async () => {
    await copyWithXclip('UTF8_STRING', 'kept: Grüße 日本');
    await input.typeText(ideographs(600), open, { signal });
    await eventually(async () => expect(await chromium.page.inputValue('#text')).toBe(ideographs(600)));
    expect(await desktop.ask('xclip', '-selection', 'clipboard', '-o')).toBe('kept: Grüße 日本');
    // Once more: now the old content is ours to give back.
    await input.typeText(ideographs(500), open, { signal });
    expect(await desktop.ask('xclip', '-selection', 'clipboard', '-o')).toBe('kept: Grüße 日本');
  });

  it('the clipboard holds what it held: a picture larger than one request', async () => {
    const picture = Buffer.alloc(700_000, 'picture bytes ');
    await copyWithXclip('image/png', picture);
    await input.typeText(ideographs(600), open, { signal });
    await desktop.ask('sh', '-c', `xclip -selection clipboard -t image/png -o > ${desktop.folder}/back.bin`);
    expect((await readFile(join(desktop.folder, 'back.bin'))).equals(picture)).toBe(true);
  });

  it('a gate that closes before the paste: nothing typed, nothing pressed, clipboard untouched', async () => {
    await copyWithXclip('UTF8_STRING', 'mine');
    const gate = () => {
      throw new ProtocolError('LATCHED', 'tripped');
    };
    await expect(input.typeText(ideographs(600), gate, { signal })).rejects.toMatchObject({
      code: 'LATCHED',
    });
    expect(await chromium.page.inputValue('#text')).toBe('');
    expect(await desktop.ask('xclip', '-selection', 'clipboard', '-o')).toBe('mine');
  });

  it('in a terminal it is typed, not pasted', async () => {
    const file = join(desktop.folder, 'long.txt');
    await writeFile(file, '');
    const terminal = await desktop.startWindow(
      'xterm',
      ['-u8', '-e', 'sh', '-c', `stty -icanon -echo; cat > ${file}`],
      ['--class', 'xterm'],
      { LC_ALL: 'C.UTF-8' },
    );
    await eventually(async () => {
      expect(Number(await desktop.ask('xdotool', 'getactivewindow'))).toBe(Number(terminal.windowId));
    });
    await eventually(async () => {
      await desktop.ask('xdotool', 'key', 'x');
      expect((await readFile(file)).length).toBeGreaterThan(0);
    });
    await eventually(async () => expect(await readFile(file, 'utf8')).toMatch(/^x+$/));
    const text = ideographs(400);
    await input.typeText(text, open, { signal });
    await eventually(
      async () => expect((await readFile(file, 'utf8')).replace(/^x+/, '')).toBe(text),
      20_000,
    );
    await terminal.close();
  });
});

describe('long text of the layout', () => {
  it('10,000 characters, byte for byte in a terminal, no faster than an application reads', async () => {
    const file = join(desktop.folder, 'ten-thousand.txt');
    const terminal = await desktop.startWindow(
      'xterm',
      ['-u8', '-e', 'sh', '-c', `stty -icanon -echo; cat > ${file}`],
      ['--class', 'xterm'],
      { LC_ALL: 'C.UTF-8' },
    );
    await eventually(async () => {
      await desktop.ask('xdotool', 'key', 'x');
      expect((await readFile(file)).length).toBeGreaterThan(0);
    });
    await eventually(async () => expect(await readFile(file, 'utf8')).toMatch(/^x+$/));
    const text = 'The quick brown fox (no. 7) jumps over {the} lazy dog; "really"? \n'
      .repeat(152)
      .slice(0, 10_000);
    await input.typeText(text, open, { signal });
    await eventually(
      async () => expect((await readFile(file, 'utf8')).replace(/^x+/, '')).toBe(text),
      20_000,
    );
    await terminal.close();
  });
});

/** xclip stays and serves the selection until somebody else owns it. */
async function copyWithXclip(target: string, content: string | Buffer): Promise<void> {
  const file = join(desktop.folder, 'copied');
  await writeFile(file, content);
  desktop.start('xclip', ['-quiet', '-selection', 'clipboard', '-t', target, '-i', file]);
  await eventually(async () => {
    const targets = await desktop.ask('xclip', '-selection', 'clipboard', '-t', 'TARGETS', '-o');
    expect(targets).toContain(target);
    if (typeof content === 'string')
      expect(await desktop.ask('xclip', '-selection', 'clipboard', '-o')).toBe(content);
  });
}
