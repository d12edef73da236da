/**
 * Hints between processes: lossy, unordered across senders, never the truth. In one process it loses nothing,
 * and its users must not rely on that.
 */
export interface Bus {
  publish(subject: string, bytes: Uint8Array): void;
  /** @returns its own unsubscribe. Listeners must not throw. */
  subscribe(subject: string, listener: (bytes: Uint8Array) => void): () => void;
  /** @throws ProtocolError UPSTREAM_UNAVAILABLE when nobody serves the subject, UPSTREAM_TIMEOUT. */
  request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** One server per subject and process; the newest replaces the older. @returns its own end. */
  serve(subject: string, handler: (bytes: Uint8Array) => Promise<Uint8Array>): () => void;
}
