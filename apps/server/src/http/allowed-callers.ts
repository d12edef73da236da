import { hostname, networkInterfaces } from 'node:os';
import { ProtocolError } from '@deskhand/protocol';

/**
 * Which names this server answers to, and which web pages may call it. A page that a person visits can make their
 * browser send requests to loopback (also after rebinding its own name to 127.0.0.1): Host and Origin give it away.
 */
export class AllowedCallers {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor(hosts: Iterable<string>, origins: Iterable<string>) {
    this.#hosts = new Set([...hosts].map((host) => host.toLowerCase()));
    this.#origins = new Set([...origins].map((origin) => origin.toLowerCase()));
  }

  /** @param port the one that was really bound. */
  static of(parts: {
    host: string;
    port: number;
    publicUrl: string | null;
    hosts: readonly string[];
    origins: readonly string[];
  }): AllowedCallers {
    const names = new Set(['127.0.0.1', 'localhost', '[::1]', bracketed(parts.host)]);
    if (parts.host === '0.0.0.0' || parts.host === '::') {
      names.add(hostname());
      for (const addresses of Object.values(networkInterfaces()))
        for (const { address } of addresses ?? []) names.add(bracketed(address));
    }
    const hosts = [...names].flatMap((name) =>
      parts.port === 80 ? [name, `${name}:80`] : [`${name}:${parts.port}`],
    );
    for (const host of parts.hosts) hosts.push(host, `${host}:${parts.port}`);
    if (parts.publicUrl !== null) hosts.push(new URL(parts.publicUrl).host);
    const origins = [...parts.origins];
    if (parts.publicUrl !== null) origins.push(new URL(parts.publicUrl).origin);
    return new AllowedCallers(hosts, origins);
  }

  /**
   * @returns the origin to name in CORS headers, or null for a request that is not from a web page.
   * @throws ProtocolError FORBIDDEN_ORIGIN
   */
  check(host: string | undefined, origin: string | undefined): string | null {
    if (host === undefined || !this.#hosts.has(host.toLowerCase()))
      throw new ProtocolError('FORBIDDEN_ORIGIN', 'This server is not called by that name (Host header).');
    if (origin === undefined) return null;
    const lower = origin.toLowerCase();
    // Our own pages: the documentation calls the API it describes.
    if (lower === `http://${host.toLowerCase()}` || this.#origins.has(lower)) return origin;
    throw new ProtocolError('FORBIDDEN_ORIGIN', 'Web pages of that origin may not call this server.');
  }
}

function bracketed(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}
