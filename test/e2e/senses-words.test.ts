import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@deskhand/base';
import { openSenses, type Senses } from '@deskhand/daemon/senses';
import { centerOf, contains, type Rect, type ScreenElement } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordsOfTerminal } from '../helpers/written-words.ts';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { startTargetWindow, type TargetWindow } from '../target-app/target-window.ts';

let desktop: XDesktop;
let senses: Senses;
let target: TargetWindow;

beforeAll(async () => {
  desktop = await startXDesktop();
  senses = await openOwnSenses();
  target = await startTargetWindow(desktop);
});

afterAll(async () => {
  await senses?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

function openOwnSenses(): Promise<Senses> {
  return openSenses({
    display: desktop.display,
    env: desktop.env,
    dataDir: desktop.folder,
    virtual: true,
    log: silentLogger,
  });
}

/** A picture of the screen by another program. */
async function picture(region: Rect) {
  const { x, y, width, height } = region;
  const { stdout } = await promisify(execFile)(
    'import',
    ['-window', 'root', '-depth', '8', '-crop', `${width}x${height}+${x}+${y}`, '+repage', 'rgb:-'],
    { env: desktop.environment, encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 },
  );
  return { width, height, format: 'rgb' as const, pixels: new Uint8Array(stdout) };
}

async function read(region: Rect): Promise<readonly ScreenElement[]> {
  const found = await senses.words.read(await picture(region), { signal: AbortSignal.timeout(30_000) });
  return found.map((item) => ({
    ...item,
    bounds: { ...item.bounds, x: item.bounds.x + region.x, y: item.bounds.y + region.y },
  }));
}

async function windowArea(title: string): Promise<Rect> {
  const found = (await senses.windows.windows()).find((window) => window.title === title);
  if (found === undefined) throw new Error(`no window ${title}`);
  return found.bounds;
}

/** Processes of text readers that this process started. */
async function readers(): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(process.pid)]);
  const own = stdout
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
  const names = await Promise.all(
    own.map(async (pid) => ({ pid, name: await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '') })),
  );
  return names.filter(({ name }) => name.trim() === 'tesseract').map(({ pid }) => pid);
}

describe('words read from pixels', () => {
  it('lie on the things they are written on, so that a click there reaches them', async () => {
    const words = await read(await windowArea('Target window'));
    for (const name of ['Apply', 'Discard', 'Help']) {
      const word = words.find((item) => item.name === name);
      expect(word, `${name} among ${words.map((item) => item.name)}`).toBeDefined();
      const middle = centerOf(word?.bounds as Rect);
      expect(contains(target.places[name] as Rect, middle)).toBe(true);
      await desktop.ask(
        'xdotool',
        'mousemove',
        String(Math.round(middle.x)),
        String(Math.round(middle.y)),
        'click',
        '1',
      );
      await eventually(async () => {
        const pressed = (await target.events()).filter((event) => event.type === 'pressed');
        expect(pressed.at(-1)).toMatchObject({ name });
      });
    }
  });

  it('are joined to lines where they stand together, and only there', async () => {
    const names = (await read(await windowArea('Target window'))).map((item) => item.name);
    expect(names).toContain('Target window');
    expect(names).not.toContain('Apply Discard Help');
  });

  it('are read from light text on dark ground', async () => {
    await desktop.xterm('bash', '-c', 'echo Alpha Bravo Charlie; echo Delta: 4096; sleep 60');
    await eventually(async () => {
      const title = (await senses.windows.activeWindow())?.title ?? '';
      const names = (await read(await windowArea(title))).map((item) => item.name);
      expect(names).toContain('Alpha Bravo Charlie');
      expect(names).toContain('4096');
    });
  });

  it('are found where the application itself says they are, white on black too', async () => {
    const lines = [
      'Invoice 4096 from Miller is due',
      'Search the archive for report.pdf',
      'Total 1,299.50 EUR',
    ];
    const file = join(desktop.folder, 'known-words.txt');
    await writeFile(file, lines.join('\r\n'));
    const terminal = await desktop.startWindow(
      'xterm',
      [
        ...['-fa', 'DejaVu Sans Mono', '-fs', '11', '-bg', 'black', '-fg', 'white'],
        ...['-e', 'sh', '-c', `cat ${file}; exec sleep 1000`],
      ],
      ['--class', 'xterm'],
    );
    const known = await wordsOfTerminal(desktop, terminal, lines);
    await eventually(async () => {
      const found = (await read(known.area)).filter((item) => item.role === 'word');
      const missed = known.words.filter(
        ({ text, box }) => !found.some((word) => word.name === text && contains(box, centerOf(word.bounds))),
      );
      // One of fourteen may be misread.
      expect(missed.length, `missed: ${missed.map(({ text }) => text)}`).toBeLessThanOrEqual(1);
    });
    await terminal.close();
  });

  it('are read again after somebody killed the reader, and no reader is left at the end', async () => {
    await using own = await openOwnSenses();
    const others = new Set(await readers());
    const shown = (await senses.windows.windows()).find((window) => window.title === 'Target window');
    await senses.windows.focus(shown?.id ?? '');
    const image = await picture(await windowArea('Target window'));
    const first = await own.words.read(image, { signal: AbortSignal.timeout(30_000) });
    const mine = (await readers()).filter((pid) => !others.has(pid));
    expect(mine.length).toBeGreaterThan(0);
    for (const pid of mine) process.kill(pid, 'SIGKILL');
    // A little paler: nothing of it is known.
    const paler = { ...image, pixels: image.pixels.map((level) => Math.round(level * 0.97)) };
    const again = await eventually(() => own.words.read(paler, { signal: AbortSignal.timeout(30_000) }));
    expect((await readers()).filter((pid) => !others.has(pid) && !mine.includes(pid))).not.toEqual([]);
    expect(again.map((item) => item.name)).toEqual(expect.arrayContaining(['Apply', 'Discard']));
    expect(first.map((item) => item.name)).toEqual(expect.arrayContaining(['Apply', 'Discard']));
    await own[Symbol.asyncDispose]();
    await eventually(async () => {
      expect((await readers()).filter((pid) => !others.has(pid))).toEqual([]);
    });
  });

  it('are known again where the picture moved: no reader is asked', async () => {
    await using own = await openOwnSenses();
    const others = new Set(await readers());
    const image = await picture(await windowArea('Target window'));
    const first = await own.words.read(image, { signal: AbortSignal.timeout(30_000) });
    const names = first.map((item) => item.name);
    expect(names).toEqual(expect.arrayContaining(['Apply', 'Discard']));
    // Six rows of white above: everything lies lower, and the picture has another size.
    const rows = 6 * image.width * 3;
    const pixels = new Uint8Array(image.pixels.length + rows).fill(255);
    pixels.set(image.pixels, rows);
    const lower = { ...image, height: image.height + 6, pixels };
    const mine = (await readers()).filter((pid) => !others.has(pid));
    expect(mine.length).toBeGreaterThan(0);
    for (const pid of mine) process.kill(pid, 'SIGKILL');
    const again = await own.words.read(lower, { signal: AbortSignal.timeout(30_000) });
    expect(again.map((item) => item.name)).toEqual(names);
    expect(again.map((item) => item.bounds.y - 6)).toEqual(first.map((item) => item.bounds.y));
    expect((await readers()).filter((pid) => !others.has(pid) && !mine.includes(pid))).toEqual([]);
  });

  it('end with the reason of whoever stopped the reading', async () => {
    const image = await picture({ x: 0, y: 0, width: 1280, height: 800 });
    const abort = new AbortController();
    const reading = senses.words.read(image, { signal: abort.signal });
    abort.abort(new Error('kill switch'));
    await expect(reading).rejects.toThrow('kill switch');
  });

  it('are read without anything installed, too, and a stop is heard', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    await using bare = await openOwnSenses().finally(() => {
      process.env.PATH = path;
    });
    expect(bare.words.name).toBe('tesseract.js');
    await target.close();
    const again = await startTargetWindow(desktop);
    const image = await picture(await windowArea('Target window'));
    const abort = new AbortController();
    const stopped = bare.words.read(image, { signal: abort.signal });
    abort.abort(new Error('kill switch'));
    await expect(stopped).rejects.toThrow('kill switch');
    const words = await bare.words.read(image, { signal: AbortSignal.timeout(40_000) });
    expect(words.map((item) => item.name)).toEqual(expect.arrayContaining(['Apply', 'Discard', 'Help']));
    await again.close();
  });

  it('say nothing about an empty picture', async () => {
    const pixels = new Uint8Array(200 * 100 * 3).fill(255);
    const nothing = { width: 200, height: 100, format: 'rgb' as const, pixels };
    expect(await senses.words.read(nothing, { signal: AbortSignal.timeout(30_000) })).toEqual([]);
  });
});
