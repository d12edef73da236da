import { describe, expect, it } from 'vitest';
import { decodeText } from './decode.ts';
import { encodeSse, RUN_EVENT_TYPES, RunEvent, RunEventPayload, SSE_KEEPALIVE } from './events.ts';

/** The strictest of the known readers: splits on blank lines, then takes `^id: `, `^event: `, `^data: `. */
function readFrames(stream: string): { id: string; event: string; data: string }[] {
  const frames = stream.split('\n\n');
  expect(frames.pop(), 'the stream ends with a blank line').toBe('');
  return frames
    .filter((frame) => !frame.startsWith(':'))
    .map((frame) => {
      const match = /^id: (\d+)\nevent: ([a-z_]+)\ndata: (.*)$/.exec(frame);
      if (match === null) return expect.fail(`not a frame: ${JSON.stringify(frame)}`);
      const [, id = '', event = '', data = ''] = match;
      return { id, event, data };
    });
}

describe('[SSE1] encodeSse', () => {
  it('is id, event, data, blank line, to the letter', () => {
    expect(encodeSse({ seq: 7, type: 'billing' }, '{"credits_charged":10}')).toBe(
      'id: 7\nevent: billing\ndata: {"credits_charged":10}\n\n',
    );
  });

  it.each([
    'plain',
    'two\nlines',
    'two\r\nlines',
    'a\rreturn',
    'a blank\n\nline and data: {"forged":1}\n\n',
    'separators \u2028 and \u2029 and \u0085',
    'Grüße 🙂 你好 \u0000 \ufeff',
    '',
  ])('keeps any text on one line and whole: %j', (text) => {
    const event = RunEvent.parse({
      type: 'text',
      text,
      seq: 12,
      run_id: 'run_1',
      created_at: '2026-01-01T00:00:00Z',
    });
    const stream = `${SSE_KEEPALIVE}${encodeSse(event, JSON.stringify(event))}${SSE_KEEPALIVE}`;
    const [frame, ...more] = readFrames(stream);
    expect(more).toEqual([]);
    expect(frame).toMatchObject({ id: '12', event: 'text' });
    expect(decodeText(RunEvent, frame?.data ?? '')).toEqual(event);
  });

  it('[SSE2] a keepalive is a comment: no id, no data', () => {
    expect(SSE_KEEPALIVE).toBe(': keepalive\n\n');
  });
});

describe('[SSE3] event types', () => {
  it('the list of types is the union', () => {
    const members = RunEventPayload.options.map((option) => option.shape.type.value);
    expect([...members].sort()).toEqual([...RUN_EVENT_TYPES].sort());
  });

  it('no payload field has a name that the place in the log needs', () => {
    for (const option of RunEventPayload.options)
      for (const reserved of ['seq', 'run_id', 'created_at'])
        expect(Object.keys(option.shape), `${option.shape.type.value}`).not.toContain(reserved);
  });
});
