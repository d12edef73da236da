import { connect } from 'node:net';
import { raceSignal } from '@deskhand/base';

const MAGIC = 'i3-ipc';
const HEADER_BYTES = MAGIC.length + 8;
const CEILING_MS = 2000;
export const SWAY_MESSAGE = { command: 0, tree: 4 } as const;

/**
 * One question to sway over its socket (the i3 protocol: magic, length, type, text). A connection per question: it
 * costs a tenth of a millisecond and outlives a restart of the compositor.
 */
export async function askSway(
  path: string,
  type: (typeof SWAY_MESSAGE)[keyof typeof SWAY_MESSAGE],
  text = '',
): Promise<unknown> {
  const socket = connect(path);
  try {
    const answer = new Promise<unknown>((resolve, reject) => {
      let received = Buffer.alloc(0);
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('sway hung up')));
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < HEADER_BYTES) return;
        const length = received.readUInt32LE(MAGIC.length);
        if (received.length < HEADER_BYTES + length) return;
        try {
          resolve(JSON.parse(received.toString('utf8', HEADER_BYTES, HEADER_BYTES + length)));
        } catch (error) {
          reject(error);
        }
      });
      const payload = Buffer.from(text);
      const header = Buffer.alloc(HEADER_BYTES);
      header.write(MAGIC);
      header.writeUInt32LE(payload.length, MAGIC.length);
      header.writeUInt32LE(type, MAGIC.length + 4);
      socket.write(Buffer.concat([header, payload]));
    });
    return await raceSignal(answer, AbortSignal.timeout(CEILING_MS));
  } finally {
    socket.destroy();
  }
}
