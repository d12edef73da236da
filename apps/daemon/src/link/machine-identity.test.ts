import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@deskhand/base';
import { MachineId } from '@deskhand/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLoopback, mayShowToken, readMachineIdentity, writeMachineIdentity } from './machine-identity.ts';
import { linkAddress } from './server-link.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-identity-'));
  path = join(folder, 'machine.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const identity = (serverUrl: string) => ({
  machineId: MachineId.parse('m-1'),
  token: new Secret('a-token-of-some-length'),
  serverUrl,
});

describe('machine.json', () => {
  it('keeps who we are, for our eyes only', () => {
    expect(readMachineIdentity(path)).toBeUndefined();
    writeMachineIdentity(path, identity('wss://desk.example/link'));
    writeMachineIdentity(path, identity('wss://other.example/link'));
    const read = readMachineIdentity(path);
    expect(read).toMatchObject({ machineId: 'm-1', serverUrl: 'wss://other.example/link' });
    expect(read?.token.reveal()).toBe('a-token-of-some-length');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', '[]', '{"machine_id":"m"}'])('refuses a damaged one: %j', (text) => {
    writeFileSync(path, text);
    expect(() => readMachineIdentity(path)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('whom a token is shown', () => {
  it.each([
    ['wss://desk.example/link', 'wss://desk.example/link', true],
    ['wss://desk.example/link', 'wss://desk.example:444/link', false],
    ['wss://desk.example/link', 'wss://evil.example/link', false],
    ['wss://desk.example/link', 'ws://127.0.0.1:80/link', false],
    ['ws://127.0.0.1:1/link', 'ws://127.0.0.1:2/link', true],
    ['ws://127.0.0.1:1/link', 'ws://localhost:2/link', true],
    ['ws://127.0.0.1:1/link', 'wss://desk.example/link', false],
  ])('paired with %s, dialling %s: %s', (paired, dialled, shown) => {
    expect(mayShowToken(identity(paired), new URL(dialled))).toBe(shown);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['localhost', true],
    ['[::1]', true],
    ['127.0.0.1.evil.example', false],
    ['127.evil.example', false],
    ['localhost.evil.example', false],
    ['0.0.0.0', false],
    ['10.0.0.1', false],
  ])('%s is this computer: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('where to dial', () => {
  it.each([
    ['https://desk.example', 'wss://desk.example/link'],
    ['wss://desk.example/link', 'wss://desk.example/link'],
    ['https://desk.example/behind/proxy/', 'wss://desk.example/behind/proxy/link'],
    ['http://127.0.0.1:8787', 'ws://127.0.0.1:8787/link'],
    ['ws://[::1]:9/', 'ws://[::1]:9/link'],
  ])('%s means %s', (text, expected) => {
    expect(linkAddress(new URL(text)).href).toBe(expected);
  });

  it.each([
    'http://desk.example',
    'ws://10.0.0.7:8787',
    'ftp://desk.example',
    'https://me:secret@desk.example',
  ])('refuses %s', (text) => {
    expect(() => linkAddress(new URL(text))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
