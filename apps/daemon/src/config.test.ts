import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const host = { platform: 'linux', hostname: 'desk' };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (args: string[], env: Record<string, string> = {}) =>
  readConfig(['--data', folder, ...args], env, host);

describe('the daemon’s settings', () => {
  it('have defaults', () => {
    expect(read([])).toEqual({
      dataDir: folder,
      serverUrl: null,
      name: 'desk',
      virtual: null,
      pairCode: null,
      stopHotkey: 'ctrl+alt+shift+escape',
      allowUnarmed: false,
      logLevel: 'info',
      drawBorder: true,
      targetRingMs: 250,
    });
  });

  it('come from flags, then the environment, then the file', () => {
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify({ stop_hotkey: 'ctrl+alt+f1', machine_name: 'from file', model: 'the server’s' }),
    );
    expect(read([])).toMatchObject({ stopHotkey: 'ctrl+alt+f1', name: 'from file' });
    expect(read(['--name', 'flag'], { DESKHAND_STOP_HOTKEY: 'ctrl+alt+f2' })).toMatchObject({
      stopHotkey: 'ctrl+alt+f2',
      name: 'flag',
    });
  });

  it.each([
    [[], {}, true, 250],
    [['--virtual'], {}, false, 0],
    [['--virtual'], { DESKHAND_BORDER: 'on', DESKHAND_TARGET_RING_MS: '40' }, true, 40],
    [[], { DESKHAND_BORDER: 'off', DESKHAND_TARGET_RING_MS: '0' }, false, 0],
  ])('%j with %j: border %s, ring %d ms', (args, env, drawBorder, targetRingMs) => {
    expect(read(args, env as Record<string, string>)).toMatchObject({ drawBorder, targetRingMs });
  });

  it.each([
    { DESKHAND_BORDER: 'maybe' },
    { DESKHAND_TARGET_RING_MS: '1001' },
    { DESKHAND_TARGET_RING_MS: 'soon' },
  ])('refuse %j', (env) => {
    expect(() => read([], env as Record<string, string>)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it.each([
    [['--virtual'], { width: 1280, height: 800 }],
    [['--virtual=1920x1080'], { width: 1920, height: 1080 }],
    [['--virtual', '--name', 'x'], { width: 1280, height: 800 }],
  ])('%j makes a private desktop of %j', (args, size) => {
    expect(read(args).virtual).toEqual(size);
  });

  it('complete the address of the server and hide the pairing code', () => {
    const config = read(['--server', 'https://desk.example', '--pair-code', 'ABCD-1234']);
    expect(config.serverUrl?.href).toBe('wss://desk.example/link');
    expect(JSON.stringify(config)).not.toContain('ABCD-1234');
    expect(config.pairCode?.reveal()).toBe('ABCD-1234');
  });

  it('name every problem at once', () => {
    writeFileSync(join(folder, 'config.json'), '{"machine_name": 5}');
    const attempt = () =>
      read(['--server', 'http://desk.example', '--virtual=big'], { DESKHAND_STOP_HOTKEY: 'escape' });
    expect(attempt).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    for (const part of ['encrypted', '--virtual', 'machine_name', 'DESKHAND_STOP_HOTKEY'])
      expect(attempt).toThrow(part);
  });

  it.each([
    [['--nonsense']],
    [['--server', 'not a url']],
    [['--virtual=10x10']],
    [['--name', 'x'.repeat(65)]],
  ])('refuse %j', (args) => {
    expect(() => read(args)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('let runs start unarmed only when the person says so, by flag, environment or file', () => {
    const allowed = (args: string[], env: Record<string, string>) => read(args, env).allowUnarmed;
    expect(allowed([], {})).toBe(false);
    expect(allowed(['--allow-unarmed'], {})).toBe(true);
    expect(allowed([], { DESKHAND_ALLOW_UNARMED: '1' })).toBe(true);
    expect(allowed([], { DESKHAND_ALLOW_UNARMED: '0' })).toBe(false);
    expect(() => allowed([], { DESKHAND_ALLOW_UNARMED: 'perhaps' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
