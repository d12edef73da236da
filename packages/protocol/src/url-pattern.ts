/**
 * Addresses as the browser understands them, and patterns over them. Text comparison is what tricks are made
 * for: `https://bank.example@evil.example/`, `HTTPS://BANK.EXAMPLE.:443`, `https:\\evil.example`, look-alike letters.
 */

export type CanonicalUrl = Readonly<{
  /** Without the colon. */
  scheme: string;
  /** Lower case, Punycode, without a trailing dot; empty for `data:`, `about:` and the like. */
  host: string;
  /** The one in effect, also where it is the scheme's usual one; empty where there is none. */
  port: string;
  /** Path and query. */
  path: string;
  /** The whole, without user name, password and fragment. */
  href: string;
}>;

const USUAL_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443', ws: '80', wss: '443' };
/** Schemes whose address is another one inside. */
const WRAPPERS = /^(?:view-source|blob|filesystem|feed):/i;

/** @returns null for what no browser takes for an address. A bare host counts as https. */
export function canonicalUrl(text: string): CanonicalUrl | null {
  // As browsers do: line breaks and tabs vanish, whatever they were meant to hide.
  let wanted = text.replace(/[\t\n\r]/g, '').trim();
  for (let depth = 0; depth < 4 && WRAPPERS.test(wanted); depth += 1) wanted = wanted.replace(WRAPPERS, '');
  const hasScheme = /^[a-z][a-z0-9+.-]*:/i.test(wanted) && !/^[^/:]+:\d+([/?#]|$)/.test(wanted);
  let url: URL;
  try {
    url = new URL(hasScheme ? wanted : `https://${wanted}`);
  } catch {
    return null;
  }
  const scheme = url.protocol.slice(0, -1).toLowerCase();
  const host = withoutDots(url.hostname);
  const port = url.port !== '' ? url.port : host === '' ? '' : (USUAL_PORTS[scheme] ?? '');
  const path = `${url.pathname}${url.search}`;
  const place = host === '' ? '' : `//${host}${url.port === '' ? '' : `:${url.port}`}`;
  return { scheme, host, port, path, href: `${scheme}:${place}${path}` };
}

/** Scheme, host and port, as a person may be shown them; null where there is no host. */
export function originOf(text: string): string | null {
  const url = canonicalUrl(text);
  if (url === null || url.host === '') return null;
  const usual = USUAL_PORTS[url.scheme] === url.port || url.port === '';
  return `${url.scheme}://${url.host}${usual ? '' : `:${url.port}`}`;
}

export type UrlPattern = Readonly<{
  /** Each part may hold `*`; null: any. */
  scheme: string | null;
  host: string | null;
  port: string | null;
  path: string | null;
}>;

/**
 * `https://bank.example/*`, `bank.example`, `*.bank.example` (also the host itself), `127.0.0.1:8080/admin*`,
 * `chrome:*`. A star in the host never reaches into the path, nor one in the path into the host.
 */
export function parseUrlPattern(text: string): UrlPattern {
  const pattern = text.trim();
  const opaque = /^([a-z*][a-z0-9+.*-]*):(?!\/\/)(.*)$/i.exec(pattern);
  if (opaque !== null && !/^\d/.test(opaque[2] ?? '') && !/^[^/]*\.[^/]*:/.test(pattern))
    return { scheme: (opaque[1] as string).toLowerCase(), host: null, port: null, path: opaque[2] || null };
  const parts = /^(?:([a-z*][a-z0-9+.*-]*):\/\/)?([^/?]*)(.*)$/is.exec(pattern);
  const [, scheme = '', authority = '', path = ''] = parts ?? [];
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::([\d*]+))?$/.exec(authority) ?? ['', authority];
  return {
    scheme: scheme === '' || scheme === '*' ? null : scheme.toLowerCase(),
    host: host === '' || host === '*' ? null : hostPattern(host),
    port: port === '' || port === '*' ? null : port,
    path: path === '' || path === '/*' || path === '*' ? null : path,
  };
}

/**
 * @param options.exactPort a pattern without a port means the scheme's usual one, and one without a scheme
 *   means https (http on this computer): for what is bound to one place.
 */
export function urlMatches(
  pattern: UrlPattern,
  url: CanonicalUrl,
  options: { exactPort?: boolean } = {},
): boolean {
  if (pattern.scheme !== null && !wildcard(pattern.scheme, url.scheme)) return false;
  if (pattern.host !== null && !hostMatches(pattern.host, url.host)) return false;
  if (pattern.path !== null && !wildcard(pattern.path, url.path, true)) return false;
  if (pattern.port !== null) return pattern.port === url.port;
  if (options.exactPort !== true || url.host === '') return true;
  if (pattern.scheme === null && url.scheme !== 'https' && !isThisComputer(url.host)) return false;
  return url.port === (USUAL_PORTS[url.scheme] ?? '');
}

export function isThisComputer(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || /^127\.|^\[::1\]$/.test(host);
}

function hostMatches(pattern: string, host: string): boolean {
  if (pattern.startsWith('*.') && host === pattern.slice(2)) return true;
  return wildcard(pattern, host);
}

/** Punycode label by label, since a star is no label. */
function hostPattern(text: string): string {
  return withoutDots(text.toLowerCase())
    .split('.')
    .map((label) => {
      if (label.includes('*') || label.startsWith('[')) return label;
      try {
        return new URL(`http://${label}.invalid`).hostname.slice(0, -'.invalid'.length);
      } catch {
        return label;
      }
    })
    .join('.');
}

function withoutDots(host: string): string {
  return host.replace(/\.+$/, '');
}

/** `*` stands for anything; the rest is compared as it stands. Linear in the text for any pattern. */
export function wildcard(pattern: string, text: string, caseSensitive = false): boolean {
  const fold = (value: string) => (caseSensitive ? value : value.toLowerCase());
  const [first = '', ...others] = fold(pattern).split('*');
  const subject = fold(text);
  if (others.length === 0) return subject === first;
  if (!subject.startsWith(first)) return false;
  let at = first.length;
  const last = others.pop() ?? '';
  for (const part of others) {
    const found = subject.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return subject.length - last.length >= at && subject.endsWith(last);
}
