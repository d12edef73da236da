import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig, SETTINGS } from './config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'deskhand-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (env: Record<string, string> = {}, file?: unknown) => {
  if (file !== undefined) writeFileSync(path.join(folder, 'config.json'), JSON.stringify(file));
  return readConfig({ DESKHAND_DATA: folder, ...env });
};

describe('configuration', () => {
  it('has a default for everything, loopback and port 8787 among them', () => {
    const config = read();
    expect([config.host, config.port, config.run_step_cents, config.run_step_v1_cents]).toEqual([
      '127.0.0.1',
      8787,
      5,
      8,
    ]);
    expect(config.sources.port).toBe('default');
    for (const [name, setting] of Object.entries(SETTINGS)) {
      expect(setting.schema.safeParse(setting.fallback).success, name).toBe(true);
      expect(setting.why, name).toMatch(/\.$/);
    }
  });

  it('takes the environment over the file over the default, and remembers which', () => {
    const config = read({ DESKHAND_PORT: '0' }, { port: 9000, run_step_cents: 7 });
    expect([config.port, config.sources.port]).toEqual([0, 'environment']);
    expect([config.run_step_cents, config.sources.run_step_cents]).toEqual([7, 'file']);
  });

  it('reads lists, numbers and yes or no from text', () => {
    const config = read({
      DESKHAND_ALLOWED_HOSTS: 'a.example, b.example:80',
      DESKHAND_WEBHOOK_RETRY_SECONDS: '1, 2',
      DESKHAND_WEBHOOK_PRIVATE_NETWORKS: 'yes',
      DESKHAND_WALLET_CENTS: '100',
    });
    expect(config.allowed_hosts).toEqual(['a.example', 'b.example:80']);
    expect(config.webhook_retry_seconds).toEqual([1, 2]);
    expect(config.webhook_private_networks).toBe(true);
    expect(config.wallet_cents).toBe(100);
  });

  it('reports all problems together, by the name to change', () => {
    expect(() =>
      read({ DESKHAND_PORT: '70000', DESKHAND_LOG_LEVEL: 'loud' }, { run_step_cents: 'five' }),
    ).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        details: {
          details: expect.arrayContaining([
            expect.objectContaining({ key: 'DESKHAND_PORT', source: 'environment' }),
            expect.objectContaining({ key: 'DESKHAND_LOG_LEVEL' }),
            expect.objectContaining({ key: 'run_step_cents', source: 'file' }),
          ]),
        },
      }),
    );
  });

  it('takes several literal keys, and says which one is wrong and why without quoting it', () => {
    const keys = (text: string) =>
      read({ DESKHAND_EXTRA_API_KEYS: text }).extra_api_keys.map((key) => key.reveal());
    expect(keys('sk-coasty-test-offline, sk-coasty-live-0123456789abcdef')).toEqual([
      'sk-coasty-test-offline',
      'sk-coasty-live-0123456789abcdef',
    ]);
    for (const [text, problem] of [
      ['sk-coasty-test-offline; sk-coasty-test-second1', 'key 1 of 1 holds a space, semicolon'],
      ['sk-coasty-test-offline sk-coasty-test-second1', 'key 1 of 1 holds a space'],
      ['"sk-coasty-test-offline"', 'quote'],
      ['["sk-coasty-test-offline"]', 'bracket'],
      [
        'sk-coasty-test-offline,my-own-secret-0123',
        'key 2 of 2 does not begin with sk-coasty-live-, sk-coasty-test-, cua_sk_',
      ],
      ['sk-coasty-test-', 'key 1 of 1 has 15 characters; 16 to 256 are wanted'],
    ] as const) {
      const refused = () => keys(text);
      expect(refused, text).toThrow(problem);
      expect(refused, text).toThrow('separated by commas');
      expect(refused, text).not.toThrow(/offline|second1|my-own/);
    }
  });

  it('leaves other parts’ keys in the shared file alone', () => {
    const config = read({}, { stop_hotkey: 'F12', machine_name: 'desk', api_key: 'k', port: 1234 });
    expect([config.port, config.warnings]).toEqual([1234, []]);
  });

  it('names what nobody reads, and the setting that was probably meant', () => {
    const { port, warnings } = read({}, { prot: 9000, stop_hotkeys: 'F12', '\u202eevil': 1 });
    expect(port).toBe(8787);
    expect(warnings).toEqual([
      'config.json: "prot" is no setting and changes nothing. Did you mean "port"?',
      'config.json: "stop_hotkeys" is no setting and changes nothing. Did you mean "stop_hotkey"?',
      'config.json: "evil" is no setting and changes nothing.',
    ]);
  });

  it('keeps provider keys as secrets and the client’s own key out', () => {
    const config = read({ ANTHROPIC_API_KEY: 'sk-ant-1', DESKHAND_API_KEY: 'sk-coasty-live-x' });
    expect(Object.keys(config.providerKeys)).toEqual(['ANTHROPIC_API_KEY']);
    expect(JSON.stringify(config)).not.toContain('sk-ant-1');
  });
});
