import { describe, expect, it } from 'vitest';
import { ProtocolError } from './errors.ts';
import { encodeLine, LineDecoder } from './line-codec.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const lines = (decoder: LineDecoder, ...chunks: Uint8Array[]) =>
  chunks.flatMap((chunk) => [...decoder.push(chunk)]);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return (error as ProtocolError).code;
  }
  return expect.fail('it was accepted');
}

describe('[LOCAL3] lines', () => {
  const messages = [{ type: 'stop', id: '1' }, { text: 'Grüße 🙂\nzweite\u2028Zeile' }, {}, { n: [1, 2] }];
  const stream = bytesOf(messages.map(encodeLine).join('\n'));

  it('come out as they went in, split in two at any byte', () => {
    for (let at = 0; at <= stream.length; at += 1) {
      const decoded = lines(new LineDecoder(), stream.subarray(0, at), stream.subarray(at));
      expect(
        decoded.map((line) => JSON.parse(line) as unknown),
        `split at ${at}`,
      ).toEqual(messages);
    }
  });

  it('come out byte by byte, empty chunks between', () => {
    const chunks = Array.from(stream, (byte) => [Uint8Array.of(byte), new Uint8Array()]).flat();
    expect(lines(new LineDecoder(), ...chunks)).toHaveLength(messages.length);
  });

  it('a message is one line, whatever is in it', () => {
    expect(encodeLine({ text: 'a\nb\r\nc' }).indexOf('\n')).toBe(
      encodeLine({ text: 'a\nb\r\nc' }).length - 1,
    );
  });

  it('an unfinished line stays back until its end comes', () => {
    const decoder = new LineDecoder();
    expect(lines(decoder, bytesOf('{"a"'))).toEqual([]);
    expect(lines(decoder, bytesOf(':1}\n{"b":'))).toEqual(['{"a":1}']);
    expect(lines(decoder, bytesOf('2}\n'))).toEqual(['{"b":2}']);
  });

  it('the caller’s buffer may be reused', () => {
    const decoder = new LineDecoder();
    const buffer = bytesOf('abc');
    lines(decoder, buffer);
    buffer.fill(0x78);
    expect(lines(decoder, bytesOf('\n'))).toEqual(['abc']);
  });
});

describe('[LOCAL3] limits', () => {
  it('a line of exactly the limit passes, one byte more does not, however it is chunked', () => {
    expect(lines(new LineDecoder(10), bytesOf('0123456789\n'))).toEqual(['0123456789']);
    expect(codeOf(() => lines(new LineDecoder(10), bytesOf('0123456789a\n')))).toBe('MESSAGE_TOO_LARGE');
    const single = Array.from(bytesOf('0123456789a'), (byte) => Uint8Array.of(byte));
    expect(codeOf(() => lines(new LineDecoder(10), ...single))).toBe('MESSAGE_TOO_LARGE');
  });

  it('counts bytes of this line only', () => {
    expect(lines(new LineDecoder(4), bytesOf('abcd\nefgh\n🙂\n'))).toEqual(['abcd', 'efgh', '🙂']);
    expect(codeOf(() => lines(new LineDecoder(3), bytesOf('🙂\n')))).toBe('MESSAGE_TOO_LARGE');
  });

  it.each([
    ['an impossible byte', [0xff]],
    ['half a character', [0xf0, 0x9f]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
  ])('bytes that are not UTF-8 are refused: %s', (_what, bytes) => {
    expect(codeOf(() => lines(new LineDecoder(), Uint8Array.from([...bytes, 10])))).toBe('MALFORMED_MESSAGE');
  });

  it('[KILL5] a stop in front of garbage in the same chunk is handed on first', () => {
    const chunk = Uint8Array.from([...bytesOf('{"type":"stop"}\n'), 0xff, 0x0a]);
    const seen: string[] = [];
    expect(
      codeOf(() => {
        for (const line of new LineDecoder().push(chunk)) seen.push(line);
      }),
    ).toBe('MALFORMED_MESSAGE');
    expect(seen).toEqual(['{"type":"stop"}']);
  });
});
