import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { silentLogger } from '@deskhand/base';
import { openX11InputBackend, type X11InputBackend } from '@deskhand/daemon/input';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { ProtocolError } from '@deskhand/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ChromiumPage, keysReach, openChromiumPage } from '../helpers/chromium-page.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const LATIN = 'All work and no play makes typing exact. '.repeat(30);
const CYRILLIC = 'Съешь ещё этих мягких французских булок, да выпей чаю. '.repeat(120);

let desktop: XDesktop;
let connection: X11Connection;
let input: X11InputBackend;
let chromium: ChromiumPage;
let mapBefore: string;
const open = () => {};
const { signal } = new AbortController();

beforeAll(async () => {
  desktop = await startXDesktop();
  connection = await openX11({ display: desktop.display, log: silentLogger });
  input = await openX11InputBackend({ connection, log: silentLogger });
  chromium = await openChromiumPage(desktop);
  await chromium.page.setContent('<textarea id="text" rows="20" cols="80" autofocus></textarea>');
  await keysReach(desktop, chromium.page, '#text');
  mapBefore = await keyboardMap();
});

afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]();
  await input?.[Symbol.asyncDispose]();
  await connection?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

afterEach(async () => {
  expect(await heldInputs(desktop)).toEqual([]);
  expect(await keyboardMap()).toBe(mapBefore);
  await chromium.page.evaluate(`document.getElementById('text').value = ''`);
});

describe('text that is stopped midway', () => {
  it.each([
    ['by the gate, in the layout', LATIN],
    ['by the gate, with lent keys', CYRILLIC],
  ])('%s: ends there, exact so far, nothing held, keyboard map back', async (_name, text) => {
    let allowed = 100;
    const gate = () => {
      allowed -= 1;
      if (allowed < 0) throw new ProtocolError('LATCHED', 'The kill switch is tripped.');
    };
    await expect(input.typeText(text, gate, { signal })).rejects.toMatchObject({ code: 'LATCHED' });
    const typed = await settledValue(50);
    expect(typed.length).toBeLessThanOrEqual(100);
    expect(text.startsWith(typed)).toBe(true);
  });

  it('by the signal, even while it waits for the application', async () => {
    const stop = new AbortController();
    let characters = 0;
    const count = () => {
      characters += 1;
    };
    const typing = input.typeText(CYRILLIC, count, { signal: stop.signal });
    await eventually(() => expect(characters).toBeGreaterThan(200));
    stop.abort(new Error('stopped by the test'));
    await expect(typing).rejects.toThrow('stopped by the test');
    const typed = await settledValue();
    expect(typed.length).toBeLessThan(CYRILLIC.length);
    expect(CYRILLIC.startsWith(typed)).toBe(true);
  });

  it('by SIGKILL of the whole process: the next one repairs the keyboard map', async () => {
    const victim = spawn(process.execPath, ['--input-type=module-typescript', '--eval', VICTIM], {
      env: { ...desktop.environment, TEXT: CYRILLIC },
      cwd: import.meta.dirname,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await eventually(async () => expect(await keyboardMap()).not.toBe(mapBefore), 20_000);
    // In the middle of the text: it takes several seconds.
    await new Promise((resolve) => setTimeout(resolve, 300));
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    expect(await keyboardMap()).not.toBe(mapBefore);
    await using next = await openX11InputBackend({ connection, log: silentLogger });
    await next.releaseAll();
    const typed = await settledValue(20);
    expect(CYRILLIC.startsWith(typed)).toBe(true);
  });
});

const VICTIM = `
import { silentLogger } from '@deskhand/base';
import { openX11InputBackend } from '@deskhand/daemon/input';
import { openX11 } from '@deskhand/daemon/x11';
const connection = await openX11({ log: silentLogger });
const input = await openX11InputBackend({ connection, log: silentLogger });
await input.typeText(process.env.TEXT, () => {}, { signal: new AbortController().signal });
`;

describe('a keyboard in an unusual state', () => {
  it('Caps Lock on: text is exact all the same, and Caps Lock is on again afterwards', async () => {
    await desktop.ask('xdotool', 'key', 'Caps_Lock');
    expect(await capsLock()).toBe('on');
    await input.typeText('Mixed CASE text, Привет', open, { signal });
    expect(await settledValue(1)).toBe('Mixed CASE text, Привет');
    expect(await capsLock()).toBe('on');
    await desktop.ask('xdotool', 'key', 'Caps_Lock');
    expect(await capsLock()).toBe('off');
  });

  it('a modifier somebody holds: refused before the first character', async () => {
    await desktop.ask('xdotool', 'keydown', 'Control_L');
    try {
      await expect(input.typeText('text', open, { signal })).rejects.toMatchObject({
        code: 'TEXT_NOT_TYPEABLE',
      });
    } finally {
      await desktop.ask('xdotool', 'keyup', 'Control_L');
    }
    expect(await settledValue()).toBe('');
  });

  it('a modifier that is let go in time: typed', async () => {
    await desktop.ask('xdotool', 'keydown', 'Shift_L');
    const typing = input.typeText('lower case', open, { signal });
    await desktop.ask('xdotool', 'keyup', 'Shift_L');
    await typing;
    expect(await settledValue(1)).toBe('lower case');
  });

  it('a person who switched to the second layout of two', async () => {
    await desktop.ask('setxkbmap', '-layout', 'us,ru', '-option', 'grp:shifts_toggle');
    const before = await keyboardMap();
    await chromium.page.focus('#text');
    await desktop.ask(
      'xdotool',
      'keydown',
      'Shift_L',
      'keydown',
      'Shift_R',
      'keyup',
      'Shift_R',
      'keyup',
      'Shift_L',
    );
    await input.typeText('abc Привет 日本', open, { signal });
    expect(await settledValue(1)).toBe('abc Привет 日本');
    expect(await keyboardMap()).toBe(before);
    await desktop.ask('setxkbmap', '-layout', 'us', '-option', '');
  });

  it.each([
    ['a NUL', 'a\0b'],
    ['an escape code', 'a\u001b[31mb'],
    ['half a surrogate pair', 'a\ud83db'],
    ['a non-character', 'a\ufffeb'],
  ])('%s is refused before the first character', async (_name, text) => {
    await expect(input.typeText(text, open, { signal })).rejects.toMatchObject({ code: 'TEXT_NOT_TYPEABLE' });
    expect(await settledValue()).toBe('');
  });
});

function value(): Promise<string> {
  return chromium.page.inputValue('#text');
}

/** The value once the browser has taken everything: no change within 60 ms. */
async function settledValue(atLeast = 0): Promise<string> {
  return eventually(async () => {
    const before = await value();
    if (before.length < atLeast) throw new Error('not yet');
    await chromium.page.evaluate('new Promise((done) => setTimeout(done, 60))');
    const after = await value();
    if (after !== before) throw new Error('still typing');
    return after;
  });
}

function keyboardMap(): Promise<string> {
  return desktop.ask('xmodmap', '-pke');
}

async function capsLock(): Promise<string | undefined> {
  const state = await desktop.ask('xset', 'q');
  return state.match(/Caps Lock:\s+(on|off)/)?.[1];
}
