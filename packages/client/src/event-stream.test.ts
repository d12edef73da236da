import { describe, expect, it } from 'vitest';
import { EventStreamError, EventStreamParser, type ServerSentEvent } from './event-stream.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

function parse(chunks: readonly Uint8Array[]): ServerSentEvent[] {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

describe('EventStreamParser', () => {
  it.each<[what: string, text: string, events: ServerSentEvent[]]>([
    [
      'a frame of ours',
      'id: 7\nevent: text\ndata: {"a":1}\n\n',
      [{ id: '7', event: 'text', data: '{"a":1}' }],
    ],
    ['only data', 'data: x\n\n', [{ id: '', event: 'message', data: 'x' }]],
    ['several data lines', 'data: a\ndata:\ndata: b\n\n', [{ id: '', event: 'message', data: 'a\n\nb' }]],
    ['no space, two spaces', 'data:a\ndata:  b\n\n', [{ id: '', event: 'message', data: 'a\n b' }]],
    ['colons in the value', 'data: a:b: c\n\n', [{ id: '', event: 'message', data: 'a:b: c' }]],
    ['a field without a colon', 'data\n\n', [{ id: '', event: 'message', data: '' }]],
    ['comments', ': keepalive\n\n:x\ndata: a\n: y\n\n', [{ id: '', event: 'message', data: 'a' }]],
    ['unknown fields', 'retry: 5\nfoo: bar\ndata: a\n\n', [{ id: '', event: 'message', data: 'a' }]],
    ['an event without data', 'event: ping\n\ndata: a\n\n', [{ id: '', event: 'message', data: 'a' }]],
    [
      'an id that lasts',
      'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n',
      [
        { id: '1', event: 'message', data: 'a' },
        { id: '1', event: 'message', data: 'b' },
        { id: '', event: 'message', data: 'c' },
      ],
    ],
    ['an id with NUL', 'id: 1\ndata: a\nid: 2\0\n\n', [{ id: '1', event: 'message', data: 'a' }]],
    ['a byte order mark', '\ufeffdata: a\n\n', [{ id: '', event: 'message', data: 'a' }]],
    ['an unfinished event', 'data: a\n\ndata: b\n', [{ id: '', event: 'message', data: 'a' }]],
    ['nothing', '', []],
  ])('understands %s', (_what, text, events) => {
    expect(parse([bytesOf(text)])).toEqual(events);
  });

  const story =
    ': hello\n\nid: 1\nevent: a\ndata: Grüße 🙂\ndata: 2\n\nid: 2\ndata: {"x":"\\r"}\n\n: k\n\ndata:\n\n';
  const expected = parse([bytesOf(story)]);

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('reads the same with %s line ends, split in two at any byte', (_name, lineEnd) => {
    const bytes = bytesOf(story.replaceAll('\n', lineEnd));
    for (let at = 0; at <= bytes.length; at += 1)
      expect(parse([bytes.subarray(0, at), bytes.subarray(at)]), `split at ${at}`).toEqual(expected);
  });

  it.each(['\n', '\r\n', '\r'])('reads the same byte by byte, with empty chunks between (%j)', (lineEnd) => {
    const bytes = bytesOf(story.replaceAll('\n', lineEnd));
    const chunks = Array.from(bytes, (byte) => [Uint8Array.of(byte), new Uint8Array()]).flat();
    expect(parse(chunks)).toEqual(expected);
    expect(expected).toHaveLength(3);
  });

  it('reports an event with the chunk that ends it, not later', () => {
    const parser = new EventStreamParser();
    expect(parser.push(bytesOf('data: a\r'))).toEqual([]);
    expect(parser.push(bytesOf('\r'))).toHaveLength(1);
    expect(parser.push(bytesOf('\ndata: b\n\n'))).toHaveLength(1);
  });

  it('counts comments', () => {
    const parser = new EventStreamParser();
    parser.push(bytesOf(': keepalive\n\n: keepalive\n\ndata: a'));
    expect(parser.comments).toBe(2);
  });

  it.each([
    ['one endless line', ['data: ', 'x'.repeat(60), 'x'.repeat(60)]],
    ['endless lines of one event', Array.from({ length: 20 }, () => 'data: xxxxx\n')],
    ['comments inside an event', ['data: x\n', ...Array.from({ length: 20 }, () => ': xxxxxxxx\n')]],
  ])('refuses %s', (_what, chunks) => {
    const parser = new EventStreamParser(100);
    expect(() => chunks.map((chunk) => parser.push(bytesOf(chunk)))).toThrow(EventStreamError);
  });

  it('keepalives never add up to the limit', () => {
    const parser = new EventStreamParser(100);
    for (let count = 0; count < 100; count += 1) parser.push(bytesOf(': keepalive\n\n'));
    expect(parser.push(bytesOf('data: a\n\n'))).toHaveLength(1);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parse([Uint8Array.of(0x64, 0xff)])).toThrow(EventStreamError);
  });
});
