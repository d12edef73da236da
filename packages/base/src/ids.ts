/** `count` lowercase hex characters from the platform's cryptographic random source. */
export function randomHex(count: number): string {
  const bytes = new Uint8Array(Math.ceil(count / 2));
  globalThis.crypto.getRandomValues(bytes);
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text.slice(0, count);
}
