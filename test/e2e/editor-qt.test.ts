import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openX11InputBackend, type X11InputBackend } from '@deskhand/daemon/input';
import { openSenses, type Senses } from '@deskhand/daemon/senses';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { centerOf } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldInputs } from '../helpers/held-inputs.ts';
import { eventually, type RunningProgram, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { TYPING_CORPUS } from './typing-corpus.ts';

/** A Qt application: its toolkit reads keys and tells of itself in its own way. */
let desktop: XDesktop;
let connection: X11Connection;
let input: X11InputBackend;
let senses: Senses;
let file: string;
let editor: RunningProgram;
const { signal } = new AbortController();

beforeAll(async () => {
  desktop = await startXDesktop();
  connection = await openX11({ display: desktop.display, log: silentLogger });
  input = await openX11InputBackend({ connection, log: silentLogger });
  senses = await openSenses({
    display: desktop.display,
    env: desktop.env,
    dataDir: desktop.folder,
    virtual: true,
    log: silentLogger,
  });
  file = join(desktop.folder, 'qt.txt');
  await writeFile(file, '');
  editor = await desktop.startWindow('featherpad', ['--standalone', file], ['--class', 'featherpad']);
  await eventually(async () => {
    expect(Number(await desktop.ask('xdotool', 'getactivewindow'))).toBe(Number(editor.windowId));
  });
});

afterAll(async () => {
  await senses?.[Symbol.asyncDispose]();
  await input?.[Symbol.asyncDispose]();
  await connection?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

describe('a Qt editor', () => {
  it.each(Object.entries({ ...TYPING_CORPUS, tabs: 'a\tb\t\tc' }))(
    'gets exactly what is typed: %s',
    async (_name, text) => {
      await chord('ctrl', 'a');
      await chord('delete');
      await input.typeText(text, () => {}, { signal });
      await chord('ctrl', 's');
      // It ends every file with a newline of its own.
      await eventually(async () => expect(await readFile(file, 'utf8')).toBe(`${text}\n`));
      expect(await heldInputs(desktop)).toEqual([]);
    },
  );

  it('tells its menus and its text, and a click on a menu opens it', async () => {
    const elements = await eventually(async () => {
      const found = await senses.accessibility.elements(await senses.windows.activeWindow(), { signal });
      if (!found.some(({ name }) => name === 'Edit'))
        throw new Error(`no menu among ${found.map(({ name }) => name)}`);
      return found;
    });
    const menu = elements.find(({ name }) => name === 'Edit');
    expect(elements.some(({ states }) => states.includes('editable'))).toBe(true);
    await input.moveTo(centerOf(menu?.bounds ?? expect.fail('no menu')));
    await input.button('left', true);
    await input.button('left', false);
    await eventually(async () => {
      const open = await senses.accessibility.elements(await senses.windows.activeWindow(), { signal });
      expect(open.map(({ name }) => name)).toContain('Undo');
    });
    await input.key('escape', true);
    await input.key('escape', false);
  });
});

async function chord(...keys: string[]): Promise<void> {
  for (const key of keys) await input.key(key, true);
  for (const key of keys.reverse()) await input.key(key, false);
}
