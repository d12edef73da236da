import type { lookup } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { addressKind, checkWebhookUrl, guardedLookup } from './webhook-target.ts';

describe('addresses', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd00::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['169.254.169.254', 'forbidden'],
    ['0.0.0.0', 'forbidden'],
    ['224.0.0.1', 'forbidden'],
    ['255.255.255.255', 'forbidden'],
    ['fe80::1', 'forbidden'],
    ['64:ff9b::a00:1', 'forbidden'],
    ['::', 'forbidden'],
    ['::10.0.0.1', 'forbidden'],
    ['::7f00:1', 'forbidden'],
    ['3fff::1', 'forbidden'],
    ['5f00::1', 'forbidden'],
    ['fe80::1%eth0', 'forbidden'],
  ])('%s is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });
});

describe('webhook URLs', () => {
  it.each([
    ['https://example.com/hook', false, true],
    ['https://example.com:8443/hook', false, true],
    ['http://localhost:3000/', false, true],
    ['http://127.0.0.1:3000/', false, true],
    ['http://[::1]:3000/', false, true],
    ['http://example.com/', false, false],
    ['https://10.0.0.1/', false, false],
    ['https://10.0.0.1/', true, true],
    ['http://10.0.0.1/', true, true],
    ['http://0x7f.1/', false, true],
    ['https://2130706433/', false, true],
    ['https://169.254.169.254/', true, false],
    ['https://[fe80::1]/', true, false],
    ['https://user@example.com/', false, false],
    ['ftp://example.com/', false, false],
    ['not a url', false, false],
  ])('%s with private networks %s: %s', (url, privateNetworks, good) => {
    const check = () => checkWebhookUrl(url, { privateNetworks });
    if (good) expect(check()).toBeInstanceOf(URL);
    else expect(check).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }));
  });
});

describe('the lookup of a delivery', () => {
  const resolveTo = (...addresses: string[]) =>
    ((_host: string, _options: unknown, callback: (error: null, found: unknown) => void) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as unknown as typeof lookup;
  const look = (url: string, privateNetworks: boolean, ...addresses: string[]) =>
    new Promise((resolve) => {
      guardedLookup(new URL(url), { privateNetworks }, resolveTo(...addresses))(
        'name',
        { all: true },
        (error, found) =>
          resolve(
            error === null ? (found as Array<{ address: string }>).map(({ address }) => address) : 'refused',
          ),
      );
    });

  it('lets a public name reach public addresses only, whatever it resolves to this time', async () => {
    expect(await look('https://rebind.example/', false, '93.184.216.34')).toEqual(['93.184.216.34']);
    expect(await look('https://rebind.example/', false, '127.0.0.1')).toBe('refused');
    expect(await look('https://rebind.example/', false, '10.0.0.1', '8.8.8.8')).toEqual(['8.8.8.8']);
    expect(await look('https://rebind.example/', true, '10.0.0.1')).toEqual(['10.0.0.1']);
    expect(await look('https://rebind.example/', true, '169.254.169.254')).toBe('refused');
    expect(await look('http://localhost:1/', false, '127.0.0.1', '::1')).toEqual(['127.0.0.1', '::1']);
    expect(await look('http://name.localhost/', false, '8.8.8.8')).toBe('refused');
    expect(await look('http://desk.lan/', true, '8.8.8.8', '10.0.0.1')).toEqual(['10.0.0.1']);
  });
});
