import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultDataFolder } from '@deskhand/base/data-folder';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetDone } from '../commands/desk.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { serverAccess } from './credentials.ts';
import { dataFolder, ensureDataFolder } from './data-folder.ts';
import { effectiveConfig } from './effective-config.ts';
import { examine } from './examine.ts';
import { LocalDesk } from './local-desk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'deskhand-desk-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('data folder', () => {
  it('is the platform’s own, the environment’s or the flag’s, in that rising order', () => {
    expect(defaultDataFolder({}, 'linux', '/home/a')).toBe('/home/a/.local/share/deskhand');
    expect(defaultDataFolder({ XDG_DATA_HOME: '/x' }, 'linux', '/home/a')).toBe('/x/deskhand');
    expect(defaultDataFolder({}, 'darwin', '/Users/a')).toBe('/Users/a/Library/Application Support/Deskhand');
    expect(dataFolder(undefined, { DESKHAND_DATA: '/d' }, 'linux')).toBe('/d');
    expect(dataFolder(undefined, { DESKHAND_DATA: '', XDG_DATA_HOME: '/x' }, 'linux')).toBe('/x/deskhand');
    expect(dataFolder('/f', { DESKHAND_DATA: '/d' }, 'linux')).toBe('/f');
  });

  it('says what to do when it is a file', () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    expect(() => ensureDataFolder(file)).toThrow(expect.objectContaining({ code: 'DATA_FOLDER_UNWRITABLE' }));
  });
});

describe('server access', () => {
  it('says how to start when nothing ever ran here', () => {
    expect(() => serverAccess(folder, {})).toThrow(
      expect.objectContaining({ code: 'NOT_RUNNING', todo: expect.stringContaining('deskhand up') }),
    );
  });

  it('reads this computer’s credentials, and lets the environment win', () => {
    writeFileSync(
      path.join(folder, 'credentials.json'),
      JSON.stringify({ api_key: 'k', test_api_key: 't', base_url: 'http://127.0.0.1:1/v1/' }),
    );
    expect(serverAccess(folder, {})).toEqual({ baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'k' });
    expect(serverAccess(folder, { DESKHAND_BASE_URL: 'http://h/v1', DESKHAND_API_KEY: 'e' })).toEqual({
      baseUrl: 'http://h/v1',
      apiKey: 'e',
    });
  });

  it('does not guess when the credentials are damaged', () => {
    writeFileSync(path.join(folder, 'credentials.json'), '{"api_key":');
    expect(() => serverAccess(folder, {})).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('stop with nothing running', () => {
  it('latches by file, and reset clears it', async () => {
    const desk = new LocalDesk(folder, { XDG_RUNTIME_DIR: folder });
    expect(desk.latch().tripped).toBe(false);
    expect(await desk.stop('because')).toEqual(['latch_file']);
    expect(desk.latch()).toMatchObject({ tripped: true, by: 'cli', reason: 'because' });
    // A second stop keeps the first one's story.
    await desk.stop('again');
    expect(desk.latch()).toMatchObject({ reason: 'because' });
    await desk.reset();
    expect(desk.latch().tripped).toBe(false);
  });
});

describe('doctor', () => {
  const around = {
    env: {},
    platform: 'linux' as const,
    dataFolder: '/tmp',
    running: undefined,
    senses: [],
  };

  it('fails with the command to run when there is neither a display nor Xvfb', () => {
    const display = examine({ ...around, which: () => undefined }).find(
      (finding) => finding.name === 'display',
    );
    expect(display).toMatchObject({ state: 'fail', todo: expect.stringContaining('apt-get install') });
  });

  it.each([
    ['sway', 'wlr-screencopy: 800x600', undefined, 'stop hotkey'],
    ['ubuntu:GNOME', 'portal-screen-cast: 800x600', undefined, 'GNOME 43 without a screen only'],
    ['Hyprland', 'portal-screen-cast: 800x600', true, 'never run'],
    ['GNOME', 'x11-shm: 800x600', undefined, 'Xorg session'],
  ])('says what Wayland means on %s for eyes by %s', (desktop, detail, notRun, todo) => {
    const senses = [{ name: 'capture', state: 'ok' as const, detail, ms: 1 }];
    const env = { WAYLAND_DISPLAY: 'wayland-0', XDG_CURRENT_DESKTOP: desktop };
    const display = examine({ ...around, env, senses, which: () => undefined }).find(
      ({ name }) => name === 'display',
    );
    expect(display).toMatchObject({ state: 'warn', todo: expect.stringContaining(todo) });
    expect(display?.notRun).toBe(notRun);
  });

  it('has something to do for every warning and failure', () => {
    for (const finding of examine({
      ...around,
      env: { DESKHAND_MODEL: 'nonsense' },
      which: () => undefined,
    })) {
      if (finding.state !== 'ok') expect(finding.todo, finding.name).toBeTruthy();
    }
  });

  it('shows where a setting comes from and never a secret', () => {
    writeFileSync(
      path.join(folder, 'config.json'),
      JSON.stringify({ model: 'builtin', openai_api_key: 'sk-hidden' }),
    );
    const { settings } = effectiveConfig(folder, 'environment', { ANTHROPIC_API_KEY: 'sk-also-hidden' });
    expect(settings.find(({ name }) => name === 'DESKHAND_MODEL')).toMatchObject({
      value: 'builtin',
      source: 'config.json',
    });
    expect(settings.find(({ name }) => name === 'ANTHROPIC_API_KEY')).toMatchObject({
      value: 'set',
      source: 'environment',
    });
    expect(JSON.stringify(settings)).not.toContain('hidden');
  });
});

describe('exit codes', () => {
  it.each([
    ['succeeded', 0],
    ['failed', 1],
    ['cancelled', 3],
    ['timed_out', 4],
    ['awaiting_human', 5],
  ] as const)('%s → %i', (status, code) => {
    expect(exitCodeOf(status)).toBe(code);
  });
});

describe('what a reset says it did', () => {
  const stopHotkey = { chord: 'Ctrl+Alt+Shift+Esc', armed: true };
  it.each([
    ['a desktop that runs', { control: 'armed', controlReason: null, stopHotkey }, /^Armed\./],
    ['none that runs', undefined, /^Armed\./],
    [
      'a locked one',
      { control: 'paused', controlReason: 'The screen is locked.', stopHotkey },
      /^The stop is reset, but nothing may run yet: The screen is locked\.$/,
    ],
    [
      'one whose hotkey is taken',
      {
        control: 'armed',
        controlReason: null,
        stopHotkey: { ...stopHotkey, armed: false, reason: 'Taken.' },
      },
      /no run starts: .*NOT ARMED: Taken\./,
    ],
    [
      'one that may run without',
      { control: 'armed', controlReason: null, stopHotkey: { ...stopHotkey, armed: false, override: true } },
      /^Armed\./,
    ],
  ] as const)('%s', (_what, state, words) => {
    expect(resetDone(state)).toMatch(words);
  });
});
