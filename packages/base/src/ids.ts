/** Random bytes fetched at once: a call per id costs more than the id. */
const POOL_BYTES = 2048;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** `count` lowercase hex characters from the platform's cryptographic random source. */
export function randomHex(count: number): string {
  let text = '';
  while (text.length < count) {
    if (used === POOL_BYTES) {
      globalThis.crypto.getRandomValues(pool);
      used = 0;
    }
    text += HEX[pool[used] ?? 0];
    // Some of these are keys: what was given out is not kept.
    pool[used] = 0;
    used += 1;
  }
  return text.slice(0, count);
}
