import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeElectron } from '../../test/fake-electron.ts';
import { quoteExec, setAutostart } from './autostart.ts';

describe('autostart', () => {
  let configHome: string;
  beforeEach(() => {
    configHome = mkdtempSync(join(tmpdir(), 'dh-autostart-'));
  });
  afterEach(() => rmSync(configHome, { recursive: true, force: true }));

  it('writes and removes a desktop entry on Linux', () => {
    const { app } = new FakeElectron();
    const options = { app, platform: 'linux', configHome, executable: '/opt/Desk hand/overlay' } as const;
    const file = join(configHome, 'autostart', 'dev.deskhand.overlay.desktop');
    setAutostart(true, options);
    expect(readFileSync(file, 'utf8')).toContain('Exec="/opt/Desk hand/overlay"');
    setAutostart(false, options);
    expect(existsSync(file)).toBe(false);
    setAutostart(false, options);
    expect(app.loginItem).toBeUndefined();
  });

  it.each(['macos', 'windows'] as const)('asks the system on %s', (platform) => {
    const { app } = new FakeElectron();
    setAutostart(true, { app, platform, configHome, executable: '/x' });
    expect(app.loginItem).toEqual({ openAtLogin: true });
  });

  it('quotes what a shell or the entry format would read as something else', () => {
    expect(quoteExec('/a b/$(x)`y`"z"\\%f')).toBe('"/a b/\\$(x)\\`y\\`\\"z\\"\\\\%%f"');
  });
});
