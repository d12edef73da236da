import { describe, expect, it } from 'vitest';
import { LIMITS } from './decode.ts';
import { ProtocolError } from './errors.ts';
import { decodeFrameMessage, encodeFrameMessage, FrameHeader } from './frame-message.ts';

const header = FrameHeader.parse({ type: 'frame', frameId: 'frm_0123456789abcdef' });
const picture = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);

function codeOf(message: Uint8Array): string {
  try {
    decodeFrameMessage(message);
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return (error as ProtocolError).code;
  }
  return expect.fail('it was accepted');
}

/** A message whose header says and holds what it likes. */
function forged(headerLength: number, headerText: string | Uint8Array, bytes = picture): Uint8Array {
  const text = typeof headerText === 'string' ? new TextEncoder().encode(headerText) : headerText;
  const message = new Uint8Array(4 + text.length + bytes.length);
  new DataView(message.buffer).setUint32(0, headerLength);
  message.set(text, 4);
  message.set(bytes, 4 + text.length);
  return message;
}

describe('[FRAME2] a frame on the link', () => {
  it('survives a round trip, byte for byte', () => {
    const decoded = decodeFrameMessage(encodeFrameMessage(header, picture));
    expect(decoded.header).toEqual(header);
    expect(decoded.bytes).toEqual(picture);
  });

  it('is read where it lies in a larger buffer, and not copied', () => {
    const message = encodeFrameMessage(header, picture);
    const larger = new Uint8Array(message.length + 20).fill(0xee);
    larger.set(message, 7);
    const decoded = decodeFrameMessage(larger.subarray(7, 7 + message.length));
    expect(decoded.bytes).toEqual(picture);
    expect(decoded.bytes.buffer).toBe(larger.buffer);
  });

  it('cut anywhere, it is refused or lacks bytes; it never reads beyond its end', () => {
    const message = encodeFrameMessage(header, picture);
    const headerEnd = message.length - picture.length;
    for (let length = 0; length <= headerEnd; length += 1)
      expect(codeOf(message.subarray(0, length)), `cut at ${length}`).toBe('MALFORMED_MESSAGE');
    for (const length of [headerEnd + 1, message.length - 1])
      expect(decodeFrameMessage(message.subarray(0, length)).bytes).toHaveLength(length - headerEnd);
  });

  const json = JSON.stringify(header);
  it.each<[what: string, message: Uint8Array]>([
    ['a header length of four billion', forged(0xffff_ffff, json)],
    ['a header longer than its limit', forged(5000, ' '.repeat(5000))],
    ['a header that ends in the picture', forged(json.length + 1, json)],
    ['a header that ends early', forged(json.length - 1, json)],
    ['no header', forged(0, '')],
    ['a header that is not JSON', forged(4, 'null'.replace('n', 'N'))],
    ['a header of another type', forged(35, '{"type":"picture","frameId":"frm_1"}')],
    ['a header with more in it', encodeFrameMessage({ ...header, path: '/etc' } as never, picture)],
    ['a header that is not UTF-8', forged(2, Uint8Array.of(0xff, 0xfe))],
    ['no picture', encodeFrameMessage(header, new Uint8Array())],
  ])('%s is refused', (_what, message) => {
    expect(codeOf(message)).toBe('MALFORMED_MESSAGE');
  });

  it('[LINK4] over the limit it is refused by its size alone', () => {
    expect(codeOf(new Uint8Array(LIMITS.linkBinaryBytes + 1))).toBe('MESSAGE_TOO_LARGE');
  });
});
