/** Bytes by their content: the id is the SHA-256 in lowercase hex, so storing twice stores once. */
export interface Blobs {
  /** @throws ProtocolError DB_UNAVAILABLE when there is no room; nothing is stored then. */
  put(bytes: Uint8Array): Promise<string>;
  get(id: string): Promise<Uint8Array | null>;
  /** Quiet when it is not there. */
  remove(id: string): Promise<void>;
}
