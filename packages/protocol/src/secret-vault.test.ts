import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeTypedText, secretNamesIn, withSecrets } from './secret-reference.ts';
import { SecretVault } from './secret-vault.ts';

const VALUE = 'correct-horse-ü-🔑';
const bank = { urls: ['https://bank.example'], apps: [] };
let folder: string;
let vault: SecretVault;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-vault-'));
  vault = new SecretVault(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => readFileSync(vault.path, 'utf8');

describe('the vault', () => {
  it('[SEC6] keeps values sealed, in files of the person alone', async () => {
    await vault.set('bank', VALUE, bank);
    expect(file()).not.toContain(VALUE);
    for (const name of ['secrets.json', 'secrets.key'])
      expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0);
    expect(vault.list()).toEqual([{ name: 'bank', ...bank, setAt: expect.any(String) }]);
    const { value, bindings } = await new SecretVault(folder).open('bank');
    expect(value.reveal()).toBe(VALUE);
    expect(JSON.stringify(value)).not.toContain(VALUE);
    expect(bindings).toEqual(bank);
  });

  it('replaces, lists and removes', async () => {
    await vault.set('a', '1', bank);
    await vault.set('b', '2', { urls: [], apps: ['gedit'] });
    await vault.set('a', '3', bank);
    expect((await vault.open('a')).value.reveal()).toBe('3');
    expect(vault.list().map(({ name }) => name)).toEqual(['b', 'a']);
    expect(vault.remove('a')).toBe(true);
    expect(vault.remove('a')).toBe(false);
    await expect(vault.open('a')).rejects.toMatchObject({ code: 'SECRET_UNKNOWN' });
  });

  it('[SEC6] does not open what was bound to another place by hand', async () => {
    await vault.set('bank', VALUE, bank);
    writeFileSync(vault.path, file().replace('https://bank.example', 'https://evil.example'));
    const failure = await vault.open('bank').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    expect(String(failure)).not.toContain(VALUE);
  });

  it('does not open with a key that others can read, another one, or none', async () => {
    await vault.set('bank', VALUE, bank);
    const key = join(folder, 'secrets.key');
    chmodSync(key, 0o644);
    await expect(vault.open('bank')).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    chmodSync(key, 0o600);
    writeFileSync(key, Buffer.alloc(32, 1).toString('base64'));
    await expect(vault.open('bank')).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    rmSync(key);
    await expect(vault.open('bank')).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    writeFileSync(vault.path, '{"version":1,');
    await expect(vault.open('bank')).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
  });

  it.each([
    ['a name with a slash', '../x', VALUE, bank],
    ['no value', 'x', '', bank],
    ['a line end', 'x', 'a\nb', bank],
    ['no place', 'x', VALUE, { urls: [], apps: [] }],
    ['every address', 'x', VALUE, { urls: ['*'], apps: [] }],
    ['every host', 'x', VALUE, { urls: ['https://*'], apps: [] }],
    ['every host of a domain', 'x', VALUE, { urls: ['https://*.'], apps: [] }],
    ['a star among programs', 'x', VALUE, { urls: [], apps: ['*'] }],
  ])('refuses %s', async (_what, name, value, places) => {
    await expect(vault.set(name, value, places)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    expect(vault.list()).toEqual([]);
  });
});

describe('a placeholder', () => {
  it('[SEC6] is what everybody but hands sees', () => {
    const text = 'ann:{{secret:bank.pin}} and {{ secret:b }}{{secret:b}}';
    expect(secretNamesIn(text)).toEqual(['bank.pin', 'b']);
    expect(withSecrets(text, (name) => `<${name}$&>`)).toBe('ann:<bank.pin$&> and <b$&><b$&>');
    expect(describeTypedText(text)).toBe(
      '[4 characters]{{secret:bank.pin}}[5 characters]{{secret:b}}{{secret:b}}',
    );
  });

  it.each(['{{secret:}}', '{{secret:a b}}', '{secret:a}', '{{Secret:a}}', '{{secret:../a}}'])(
    '%s is plain text',
    (text) => expect(secretNamesIn(text)).toEqual([]),
  );
});
