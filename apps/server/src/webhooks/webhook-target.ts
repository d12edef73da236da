import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { ProtocolError } from '@deskhand/protocol';

/** Everything that is not a public unicast address (IANA special-purpose registries). */
const NOT_PUBLIC = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  NOT_PUBLIC.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  // Unspecified, loopback, and IPv4 addresses in their oldest IPv6 clothes.
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  NOT_PUBLIC.addSubnet(net, bits, 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');

export type AddressKind = 'public' | 'loopback' | 'private' | 'forbidden';

export function addressKind(address: string): AddressKind {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  // An IPv4 address in IPv6 clothes is that IPv4 address.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return addressKind(mapped);
  const hexMapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (hexMapped !== null) {
    const high = Number.parseInt(hexMapped[1] ?? '0', 16);
    const low = Number.parseInt(hexMapped[2] ?? '0', 16);
    return addressKind(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
  }
  if (LOOPBACK.check(address, family)) return 'loopback';
  if (PRIVATE.check(address, family)) return 'private';
  return NOT_PUBLIC.check(address, family) ? 'forbidden' : 'public';
}

export type TargetRules = Readonly<{ privateNetworks: boolean }>;

/**
 * Checks a webhook URL before it is accepted: https, or http to loopback (and to private networks where
 * the operator allows them); no user info, no address that is reserved.
 * @throws ProtocolError VALIDATION_ERROR naming `webhook_url`
 */
export function checkWebhookUrl(text: string, rules: TargetRules): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refused('webhook_url must be an absolute URL', 'url_parsing');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refused('webhook_url must be https', 'url_scheme');
  if (url.username !== '' || url.password !== '')
    throw refused('webhook_url must not contain a user name or password', 'url_userinfo');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const kind: AddressKind | 'name' =
    isIP(host) !== 0
      ? addressKind(host)
      : host === 'localhost' || host.endsWith('.localhost')
        ? 'loopback'
        : 'name';
  if (kind === 'forbidden')
    throw refused('webhook_url names an address that is not reachable in public', 'url_target');
  if (kind === 'private' && !rules.privateNetworks)
    throw refused(
      'webhook_url names a private address; this server does not send there (setting webhook_private_networks)',
      'url_target',
    );
  if (
    url.protocol === 'http:' &&
    kind !== 'loopback' &&
    !(rules.privateNetworks && (kind === 'private' || kind === 'name'))
  )
    throw refused('webhook_url must be https', 'url_scheme');
  return url;
}

/**
 * A DNS lookup for outgoing webhooks that only lets allowed addresses through. It runs for the very connection
 * that is made, so a name that resolves differently a second time gains nothing.
 */
export function guardedLookup(url: URL, rules: TargetRules, lookup: typeof systemLookup = systemLookup) {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const saysLoopback = host === 'localhost' || host.endsWith('.localhost');
  const allowed = (address: string): boolean => {
    const kind = addressKind(address);
    // http is for this computer and, where allowed, its network: a name that means somewhere else gets nothing.
    if (kind === 'public') return url.protocol === 'https:';
    if (kind === 'loopback') return saysLoopback;
    return kind === 'private' && rules.privateNetworks;
  };
  type Callback = (
    error: Error | null,
    address: string | Array<{ address: string; family: number }>,
    family?: number,
  ) => void;
  return (
    hostname: string,
    options: { all?: boolean; family?: number | string },
    callback: Callback,
  ): void => {
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error) {
        callback(error, '');
        return;
      }
      const good = addresses.filter(({ address }) => allowed(address));
      const [first] = good;
      if (first === undefined) callback(new Error('the name resolves to an address that is not allowed'), '');
      else if (options.all) callback(null, good);
      else callback(null, first.address, first.family);
    });
  };
}

function refused(msg: string, type: string): ProtocolError {
  return new ProtocolError('VALIDATION_ERROR', `${msg}.`, {
    details: [{ loc: ['body', 'webhook_url'], msg, type }],
  });
}
