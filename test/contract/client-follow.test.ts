import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { ApiError, Client, ConnectionError, UnexpectedResponseError } from '@deskhand/client';
import { encodeSse, type RunEvent, SSE_KEEPALIVE } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { answerJson, errorBody, runBody, type Script, ScriptedServer } from './client-scripted-server.ts';

const runId = 'run_1';
const place = (seq: number) => ({ seq, run_id: runId, created_at: '2026-01-01T00:00:00Z' });
const story: RunEvent[] = [
  { type: 'status', status: 'queued', state: 'queued', ...place(1) },
  { type: 'status', status: 'running', state: 'running', ...place(2) },
  { type: 'reasoning', text: 'Grüße – 你好 🙂\nsecond line', ...place(3) },
  { type: 'tool_call', step: 1, tool: 'click', action_type: 'click', params: { x: 1 }, ...place(4) },
  { type: 'tool_result', step: 1, tool: 'click', success: true, ...place(5) },
  { type: 'step', steps_completed: 1, ...place(6) },
  { type: 'billing', credits_charged: 5, cost_cents: 5, ...place(7) },
  { type: 'done', status: 'succeeded', state: 'succeeded', result: null, error: null, ...place(8) },
];

const sse = (events: readonly RunEvent[]) =>
  events.map((event) => encodeSse(event, JSON.stringify(event))).join(SSE_KEEPALIVE);

/** What a server of the contract sends to this request: everything after its cursor. */
function rest(cursor: string | string[] | undefined): Buffer {
  return Buffer.from(sse(story.filter(({ seq }) => seq > Number(cursor ?? 0))));
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
  response.flushHeaders();
}

const serveStory: Script = ({ headers, url }, response) => {
  if (!url.endsWith('/events')) return answerJson(response, 200, runBody(runId, 'succeeded'));
  begin(response);
  response.end(rest(headers['last-event-id']));
};

function clientOf(server: ScriptedServer, options: { idleTimeoutMs?: number; firstBackoffMs?: number } = {}) {
  return new Client({ baseUrl: server.origin, apiKey: 'key', firstBackoffMs: 0.01, ...options });
}

async function follow(
  server: ScriptedServer,
  options: Parameters<typeof clientOf>[1] = {},
): Promise<RunEvent[]> {
  return collect(clientOf(server, options).runs.events(runId));
}

async function collect(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const collected: RunEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

describe('[SSE5] following a run', () => {
  it('brings every event once and in order when the stream is cut at any byte', async () => {
    const whole = rest(undefined);
    let cutAt = 0;
    await using server = await ScriptedServer.start((request, response) => {
      if (cutAt === -1) return serveStory(request, response, 0);
      begin(response);
      response.write(whole.subarray(0, cutAt), () => response.destroy());
      cutAt = -1;
    });
    for (let offset = 1; offset <= whole.length; offset += 1) {
      cutAt = offset;
      expect(await follow(server), `cut after ${offset} bytes`).toEqual(story);
    }
    expect(whole.length).toBeGreaterThan(1000);
  });

  it('brings everything when every single connection is cut after a few events', async () => {
    const largest = Math.max(...story.map((event) => Buffer.byteLength(sse([event]))));
    await using server = await ScriptedServer.start(({ headers }, response) => {
      begin(response);
      const bytes = rest(headers['last-event-id']);
      response.write(bytes.subarray(0, largest + 40), () => response.destroy());
    });
    expect(await follow(server)).toEqual(story);
    expect(server.requests.length).toBeGreaterThan(3);
  });

  it('resumes by Last-Event-ID, which is the last event it handed on', async () => {
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index > 0) return serveStory(request, response, index);
      begin(response);
      response.write(sse(story.slice(0, 3)), () => response.destroy());
    });
    expect(await follow(server)).toEqual(story);
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '3']);
  });

  it('reads a stream that comes byte by byte', async () => {
    await using server = await ScriptedServer.start(async (_request, response) => {
      begin(response);
      response.socket?.setNoDelay(true);
      for (const byte of rest(undefined)) {
        response.write(Uint8Array.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    });
    expect(await follow(server)).toEqual(story);
  });

  it('drops what it has seen when the server replays from the start each time', async () => {
    await using server = await ScriptedServer.start((_request, response, index) => {
      begin(response);
      response.write(sse(story.slice(0, index + 2)), () => response.destroy());
    });
    expect(await follow(server)).toEqual(story);
  });

  it('begins after the given place', async () => {
    await using server = await ScriptedServer.start(serveStory);
    const events = await collect(clientOf(server).runs.events(runId, { after: 5 }));
    expect(events).toEqual(story.slice(5));
    expect(server.requests[0]?.headers['last-event-id']).toBe('5');
  });

  it('ends when a finished run has nothing after the given place', async () => {
    await using server = await ScriptedServer.start(serveStory);
    expect(await collect(clientOf(server).runs.events(runId, { after: 8 }))).toEqual([]);
  });

  it('does not take an empty stream of an open run for its end', async () => {
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index > 3) return serveStory(request, response, index);
      if (!request.url.endsWith('/events')) return answerJson(response, 200, runBody(runId, 'running'));
      begin(response);
      response.end();
    });
    expect(await follow(server)).toEqual(story);
  });

  it('takes nothing after `done`', async () => {
    await using server = await ScriptedServer.start((_request, response) => {
      begin(response);
      response.end(sse([...story, { type: 'text', text: 'late', ...place(9) }]));
    });
    expect(await follow(server)).toEqual(story);
  });

  it('skips event types it does not know and does not ask for them again', async () => {
    const unknown = { type: 'hologram', depth: 3, ...place(3) };
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index > 0) return serveStory(request, response, index);
      begin(response);
      const bytes = sse(story.slice(0, 2)) + encodeSse(unknown, JSON.stringify(unknown));
      response.write(bytes, () => response.destroy());
    });
    expect((await follow(server)).map(({ seq }) => seq)).toEqual([1, 2, 4, 5, 6, 7, 8]);
    expect(server.requests[1]?.headers['last-event-id']).toBe('3');
  });

  it('comes back to a server that was restarted', async () => {
    const first = await ScriptedServer.start((_request, response) => {
      begin(response);
      response.write(sse(story.slice(0, 4)));
    });
    const events: RunEvent[] = [];
    let second: ScriptedServer | undefined;
    for await (const event of clientOf(first, { firstBackoffMs: 5 }).runs.events(runId)) {
      events.push(event);
      if (event.seq !== 4) continue;
      await first[Symbol.asyncDispose]();
      second = await ScriptedServer.start(serveStory, first.port);
    }
    await second?.[Symbol.asyncDispose]();
    expect(events).toEqual(story);
  });

  it('waits out 503 and 429 and obeys Retry-After', async () => {
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index === 0) answerJson(response, 503, errorBody('SERVICE_UNAVAILABLE'));
      else if (index === 1) answerJson(response, 429, errorBody('RATE_LIMITED'), { 'retry-after': '0' });
      else serveStory(request, response, index);
    });
    expect(await follow(server)).toEqual(story);
  });

  it('takes a silent connection for dead and a keepalive for life', async () => {
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index > 0) return serveStory(request, response, index);
      begin(response);
      response.write(sse(story.slice(0, 2)) + SSE_KEEPALIVE);
    });
    expect(await follow(server, { idleTimeoutMs: 50 })).toEqual(story);
    expect(server.requests[1]?.headers['last-event-id']).toBe('2');
  });

  it('gives up, naming the address, on a server that stays away', async () => {
    await using server = await ScriptedServer.start((_request, response) => {
      response.destroy();
    });
    const error = await failureOf(follow(server, { firstBackoffMs: 0.000_01 }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toContain(server.origin);
    expect(server.requests).toHaveLength(20);
  });

  it.each([401, 403, 404, 500])('throws %i at once', async (status) => {
    await using server = await ScriptedServer.start((_request, response) =>
      answerJson(response, status, errorBody('RUN_NOT_FOUND')),
    );
    const error = await failureOf(follow(server));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status, code: 'RUN_NOT_FOUND' });
    expect(server.requests).toHaveLength(1);
  });
});

describe('[SSE6] a stream that is not ours', () => {
  it.each<[what: string, contentType: string, body: string | Uint8Array]>([
    ['a page', 'text/html', '<html>'],
    ['JSON', 'application/json', JSON.stringify(story)],
    ['no content type', '', sse(story)],
    ['a look-alike content type', 'text/event-streams', sse(story)],
    ['words for data', 'text/event-stream', 'id: 1\nevent: text\ndata: hush-hush\n\n'],
    [
      'a known type with wrong fields',
      'text/event-stream',
      'data: {"seq":1,"type":"status","status":"hush-hush"}\n\n',
    ],
    ['an event without a place', 'text/event-stream', 'data: {"type":"text","text":"hush-hush"}\n\n'],
    ['bytes that are not UTF-8', 'text/event-stream', Uint8Array.of(0x64, 0x3a, 0xff, 0xfe, 0x0a, 0x0a)],
    ['an event without end', 'text/event-stream', `data: ${'x'.repeat(5 * 1024 * 1024)}`],
  ])('%s is refused once, unquoted', async (_what, contentType, body) => {
    await using server = await ScriptedServer.start((_request, response) => {
      response.writeHead(200, contentType === '' ? {} : { 'content-type': contentType });
      response.end(body);
    });
    const error = await failureOf(follow(server));
    expect(error).toBeInstanceOf(UnexpectedResponseError);
    expect((error as Error).message).not.toContain('hush-hush');
    expect(server.requests).toHaveLength(1);
  });
});

describe('stopping to follow', () => {
  /** A run that never ends. */
  async function endless(): Promise<{ server: ScriptedServer; closed: Promise<void> } & AsyncDisposable> {
    const closed = Promise.withResolvers<void>();
    const server = await ScriptedServer.start((_request, response) => {
      response.on('close', () => closed.resolve());
      begin(response);
      response.write(sse(story.slice(0, 2)));
    });
    return { server, closed: closed.promise, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  it('leaving the loop closes the connection', async () => {
    await using run = await endless();
    for await (const event of clientOf(run.server).runs.events(runId)) if (event.seq === 2) break;
    await run.closed;
  });

  it('aborting throws the signal’s reason, closes the connection and leaves no listener', async () => {
    await using run = await endless();
    const controller = new AbortController();
    const reason = new Error('the person pressed Ctrl-C');
    const following = (async () => {
      for await (const event of clientOf(run.server).runs.events(runId, { signal: controller.signal }))
        if (event.seq === 2) setImmediate(() => controller.abort(reason));
    })();
    expect(await failureOf(following)).toBe(reason);
    await run.closed;
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('many reconnects leave no listener on the caller’s signal', async () => {
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index > 10) return serveStory(request, response, index);
      begin(response);
      response.write(SSE_KEEPALIVE, () => response.destroy());
    });
    const { signal } = new AbortController();
    const events = await collect(clientOf(server).runs.events(runId, { signal }));
    expect(events).toEqual(story);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('wait', () => {
  it('follows to the end and returns the run as it ended', async () => {
    await using server = await ScriptedServer.start(serveStory);
    const seen: number[] = [];
    const run = await clientOf(server).runs.wait(runId, { onEvent: ({ seq }) => seen.push(seq) });
    expect(run.status).toBe('succeeded');
    expect(seen).toEqual(story.map(({ seq }) => seq));
  });
});

describe('log', () => {
  it('gives the stored events and leaves out types it does not know', async () => {
    await using server = await ScriptedServer.start((_request, response) =>
      answerJson(response, 200, {
        run_id: runId,
        data: [...story, { type: 'hologram', ...place(9) }],
        request_id: 'req_1',
      }),
    );
    expect(await clientOf(server).runs.log(runId)).toEqual(story);
  });
});
