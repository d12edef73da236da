import { spawn } from 'node:child_process';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { NativeWindowSystem } from './native-window-system.ts';
import { SystemHelper } from './system-helper.ts';

const row = (id: string, more: Record<string, unknown> = {}) => ({
  id,
  pid: 42,
  application: 'Notes',
  program: '/Applications/Notes.app/Contents/MacOS/Notes',
  title: `window ${id}`,
  bounds: { x: 10, y: 20, width: 300, height: 200 },
  active: false,
  minimized: false,
  managed: true,
  ...more,
});

describe('windows of macOS and Windows, as their helper tells', () => {
  const asked: unknown[] = [];
  let rows = [row('1')];
  const windows = new NativeWindowSystem({
    scale: () => 2,
    helper: {
      ask: async (request) => {
        asked.push(request);
        if (request.operation === 'focus')
          rows = rows.map((each) => ({ ...each, active: each.id === request.id }));
        return request.operation === 'list' ? rows : true;
      },
      async [Symbol.asyncDispose]() {},
    },
  });
  beforeEach(() => {
    asked.length = 0;
    rows = [
      row('menu', { managed: false, bounds: { x: 0, y: 0, width: 50, height: 50 } }),
      row('front', { active: true }),
      row('hidden', { minimized: true, bounds: { x: 0, y: 0, width: 900, height: 900 } }),
      row('back', { bounds: { x: 0, y: 0, width: 800, height: 600 }, application: 'Browser' }),
    ];
  });

  it('are listed front to back in physical pixels, without menus', async () => {
    const found = await windows.windows();
    expect(found.map(({ id }) => id)).toEqual(['front', 'hidden', 'back']);
    expect(found[0]?.bounds).toEqual({ x: 20, y: 40, width: 600, height: 400 });
    expect((await windows.activeWindow())?.id).toBe('front');
  });

  it.each([
    [{ x: 30, y: 50 }, 'menu'],
    [{ x: 110, y: 60 }, 'front'],
    [{ x: 1500, y: 1100 }, 'back'],
    [{ x: 1700, y: 1700 }, undefined],
  ])('a click at %j reaches %s', async (point, id) => {
    expect((await windows.windowAt(point))?.id).toBe(id);
  });

  it('belong to the program that the system names', async () => {
    expect(await windows.identity('front')).toEqual({
      names: ['Notes'],
      pid: 42,
      program: '/Applications/Notes.app/Contents/MacOS/Notes',
    });
    rows = [row('w', { application: 'notepad', program: 'C:\\Windows\\notepad.exe' })];
    expect((await windows.identity('w')).names).toEqual(['notepad', 'notepad.exe']);
  });

  it('are told what to do in the system’s own coordinates', async () => {
    await windows.focus('back');
    await windows.move('back', { x: 100, y: 50, width: 640, height: 480 });
    await windows.maximize('back', false);
    expect(asked.filter((request) => (request as { operation: string }).operation !== 'list')).toEqual([
      { operation: 'focus', id: 'back' },
      { operation: 'move', id: 'back', bounds: { x: 50, y: 25, width: 320, height: 240 } },
      { operation: 'restore', id: 'back' },
    ]);
  });

  it('that have gone are said to have gone', async () => {
    await expect(windows.close('nobody')).rejects.toMatchObject({ code: 'WINDOW_NOT_FOUND' });
  });
});

describe('the helper process', () => {
  const answering = (script: string) =>
    new SystemHelper(() => spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] }));
  const helpers: SystemHelper[] = [];
  afterAll(() => Promise.all(helpers.map((helper) => helper[Symbol.asyncDispose]())));
  const open = (script: string) => {
    const helper = answering(script);
    helpers.push(helper);
    return helper;
  };
  const eachLine = (body: string) =>
    `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => { ${body} })`;

  it('stays, and answers one question after the other', async () => {
    const helper = open(
      `let n = 0; ${eachLine('n += 1; console.log(JSON.stringify({ result: [n, JSON.parse(line).id] }))')}`,
    );
    const answers = [1, 2, 3].map((id) => helper.ask({ operation: 'x', id }));
    expect(await Promise.all(answers)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });

  it('that objects is quoted; one that dies is started again', async () => {
    const helper = open(
      eachLine(
        `if (line.includes('die')) process.exit(1); console.log(JSON.stringify({ problem: 'no such window' }))`,
      ),
    );
    await expect(helper.ask({ operation: 'x' })).rejects.toMatchObject({
      code: 'INVALID_STATE',
      message: expect.stringContaining('no such window'),
    });
    await expect(helper.ask({ operation: 'die' })).rejects.toMatchObject({ code: 'FEATURE_NOT_AVAILABLE' });
    await expect(helper.ask({ operation: 'x' })).rejects.toMatchObject({ code: 'INVALID_STATE' });
  });
});
