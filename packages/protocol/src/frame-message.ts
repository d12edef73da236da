import { z } from 'zod';
import { decodeText, LIMITS } from './decode.ts';
import { ProtocolError } from './errors.ts';
import { FrameId } from './ids.ts';

/**
 * Binary message of the link: 4 bytes header length (big endian), the header as JSON, the picture's bytes.
 */
export const FrameHeader = z.strictObject({ type: z.literal('frame'), frameId: FrameId });
export type FrameHeader = z.infer<typeof FrameHeader>;

const MAX_HEADER_BYTES = 4096;

export function encodeFrameMessage(header: FrameHeader, bytes: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const message = new Uint8Array(4 + json.length + bytes.length);
  new DataView(message.buffer).setUint32(0, json.length);
  message.set(json, 4);
  message.set(bytes, 4 + json.length);
  return message;
}

/**
 * @returns header and a view into `message` (not a copy).
 * @throws ProtocolError MALFORMED_MESSAGE, MESSAGE_TOO_LARGE
 */
export function decodeFrameMessage(message: Uint8Array): { header: FrameHeader; bytes: Uint8Array } {
  if (message.length > LIMITS.linkBinaryBytes)
    throw new ProtocolError(
      'MESSAGE_TOO_LARGE',
      `A frame message of at most ${LIMITS.linkBinaryBytes} bytes was expected.`,
    );
  if (message.length < 4)
    throw new ProtocolError('MALFORMED_MESSAGE', 'A frame message needs a 4-byte header length.');
  const headerLength = new DataView(message.buffer, message.byteOffset, message.byteLength).getUint32(0);
  if (headerLength > MAX_HEADER_BYTES || 4 + headerLength > message.length)
    throw new ProtocolError('MALFORMED_MESSAGE', 'The frame header is longer than its message allows.');
  const header = decodeText(FrameHeader, headerText(message.subarray(4, 4 + headerLength)), MAX_HEADER_BYTES);
  const bytes = message.subarray(4 + headerLength);
  if (bytes.length === 0)
    throw new ProtocolError('MALFORMED_MESSAGE', 'The frame message carries no picture.');
  return { header, bytes };
}

function headerText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'The frame header is not UTF-8.', {}, { cause });
  }
}
