export type VerifyWebhookInput = Readonly<{
  /** The run's `webhook_secret`, `whsec_…`, whole. */
  secret: string;
  /** The `Coasty-Signature` header, or what stands in its place when it is missing. */
  header: string | null | undefined;
  /** The body exactly as received. Parsing and printing it again changes bytes and breaks the signature. */
  body: string | Uint8Array;
  /** The receiver's clock, in unix seconds. @default now */
  nowSeconds?: number;
  /** How far the signature's time may lie from now, either way, in seconds; the limit itself is allowed. @default 300 */
  toleranceSeconds?: number;
}>;

/**
 * Whether a webhook is genuine. A refusal is an answer:
 *   malformed   the header is missing, or is not `t=<unix seconds>,v1=<64 lowercase hex digits>`
 *   stale       genuine or not, it is too old or from the future; says nothing about the signature
 *   mismatch    signed with another secret, or the body was changed
 */
export type WebhookVerification =
  | Readonly<{ ok: true; signedAtSeconds: number }>
  | Readonly<{ ok: false; reason: 'malformed' | 'stale' | 'mismatch' }>;

/** More would only cost time: a sender that rotates secrets signs with two. */
const MAX_SIGNATURES = 8;

/** Checks `Coasty-Signature` (v1-api.md section 4); compared in constant time by WebCrypto. */
export async function verifyWebhook(input: VerifyWebhookInput): Promise<WebhookVerification> {
  const parts = parseHeader(input.header);
  if (parts === undefined) return { ok: false, reason: 'malformed' };
  const signedAtSeconds = Number(parts.timestamp);
  const nowSeconds = input.nowSeconds ?? Date.now() / 1000;
  // Written so that a clock or a tolerance that is not a number refuses.
  if (!(Math.abs(nowSeconds - signedAtSeconds) <= (input.toleranceSeconds ?? 300)))
    return { ok: false, reason: 'stale' };
  const key = await importSecret(input.secret, 'verify');
  const message = signedMessage(parts.timestamp, input.body);
  let matches = 0;
  // Every candidate is tried, so that the time taken does not tell which one matched.
  for (const signature of parts.signatures)
    if (await crypto.subtle.verify('HMAC', key, signature, message)) matches += 1;
  return matches > 0 ? { ok: true, signedAtSeconds } : { ok: false, reason: 'mismatch' };
}

/** The header a server would send; for tests of receivers. */
export async function signWebhook(input: {
  secret: string;
  body: string | Uint8Array;
  timestampSeconds: number;
}): Promise<string> {
  const timestamp = String(Math.trunc(input.timestampSeconds));
  const key = await importSecret(input.secret, 'sign');
  const digest = await crypto.subtle.sign('HMAC', key, signedMessage(timestamp, input.body));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `t=${timestamp},v1=${hex}`;
}

/** WebCrypto's key type, by a name that Node's and the browser's type libraries share. */
type HmacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

function importSecret(secret: string, usage: 'sign' | 'verify'): Promise<HmacKey> {
  if (secret === '')
    throw new TypeError('The webhook secret is empty; it is in the answer that created the run.');
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [usage]);
}

/** `<t>.<body>` as bytes. */
function signedMessage(timestamp: string, body: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const prefix = new TextEncoder().encode(`${timestamp}.`);
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const message = new Uint8Array(prefix.length + bytes.length);
  message.set(prefix);
  message.set(bytes, prefix.length);
  return message;
}

type SignatureParts = { timestamp: string; signatures: Uint8Array<ArrayBuffer>[] };

/** Parts with names we do not know are left for later versions; a bad `t` or `v1` spoils the whole. */
function parseHeader(header: string | null | undefined): SignatureParts | undefined {
  if (typeof header !== 'string' || header.length > 4096) return undefined;
  let timestamp: string | undefined;
  const signatures: Uint8Array<ArrayBuffer>[] = [];
  for (const part of header.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 1) return undefined;
    const name = part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    if (name === 't') {
      if (timestamp !== undefined || !/^\d{1,12}$/.test(value)) return undefined;
      timestamp = value;
    } else if (name === 'v1') {
      if (!/^[0-9a-f]{64}$/.test(value) || signatures.length === MAX_SIGNATURES) return undefined;
      signatures.push(Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
    }
  }
  return timestamp === undefined || signatures.length === 0 ? undefined : { timestamp, signatures };
}
