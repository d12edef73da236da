import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/**
 * A model provider on loopback that speaks the documented wire formats of Anthropic Messages and OpenAI
 * Chat Completions: strict about what it is sent (an unknown or missing field is a recorded complaint and a
 * 400), scripted in what it answers, able to misbehave.
 */

export type ScriptedReply =
  | Readonly<{
      text?: string;
      calls?: ReadonlyArray<{ name: string; input: unknown; rawInput?: string }>;
      finish?: 'tool' | 'stop' | 'length';
      usage?: { input: number; output: number };
    }>
  | Readonly<{ fault: Fault }>;

export type Fault =
  | Readonly<{ type: 'status'; status: number; body?: unknown; headers?: Record<string, string> }>
  | Readonly<{ type: 'garbage' }>
  | Readonly<{ type: 'half' }>
  | Readonly<{ type: 'hang' }>;

export type ProviderRequest = Readonly<{
  wire: 'anthropic' | 'openai';
  /** The decoded, checked body. */
  body: Record<string, unknown>;
  key: string | undefined;
}>;

const text = z.strictObject({
  type: z.literal('text'),
  text: z.string().min(1),
  cache_control: z.unknown().optional(),
});
const anthropicImage = z.strictObject({
  type: z.literal('image'),
  source: z.strictObject({
    type: z.literal('base64'),
    media_type: z.enum(['image/jpeg', 'image/png', 'image/webp']),
    data: z.base64(),
  }),
});
const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(text)]),
  is_error: z.boolean().optional(),
});
const schemaObject = z.looseObject({
  type: z.literal('object'),
  properties: z.record(z.string(), z.unknown()),
});

/** Source: Anthropic Messages API reference, POST /v1/messages. */
export const AnthropicRequest = z.strictObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  system: z.array(text).optional(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({
          role: z.literal('user'),
          content: z.array(z.union([text, anthropicImage, toolResult])).min(1),
        }),
        z.strictObject({ role: z.literal('assistant'), content: z.array(z.union([text, toolUse])).min(1) }),
      ]),
    )
    .min(1),
  tools: z
    .array(z.strictObject({ name: z.string(), description: z.string().min(1), input_schema: schemaObject }))
    .optional(),
  tool_choice: z.strictObject({ type: z.enum(['auto', 'any']) }).optional(),
});

const openAiContent = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string().regex(/^data:image\/(?:jpeg|png|webp);base64,/) }),
  }),
]);
/** Source: OpenAI API reference, POST /v1/chat/completions. */
export const OpenAiRequest = z.strictObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1).optional(),
  max_completion_tokens: z.int().min(1).optional(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({ role: z.enum(['system', 'developer']), content: z.string().min(1) }),
        z.strictObject({
          role: z.literal('user'),
          content: z.union([z.string().min(1), z.array(openAiContent).min(1)]),
        }),
        z.strictObject({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          tool_calls: z
            .array(
              z.strictObject({
                id: z.string(),
                type: z.literal('function'),
                function: z.strictObject({ name: z.string(), arguments: z.string() }),
              }),
            )
            .optional(),
        }),
        z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
      ]),
    )
    .min(1),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name: z.string(),
          description: z.string().min(1),
          parameters: schemaObject,
          strict: z.boolean().optional(),
        }),
      }),
    )
    .optional(),
  tool_choice: z.enum(['auto', 'required']).optional(),
});

export class ScriptedProvider implements AsyncDisposable {
  readonly requests: ProviderRequest[] = [];
  /** What was wrong with the requests; a test asserts that this stays empty. */
  readonly complaints: string[] = [];
  /** Requests whose connection the client closed before an answer. */
  aborted = 0;
  readonly #replies: ScriptedReply[];
  readonly #expectedKey: string | undefined;
  readonly #server: Server;
  #calls = 0;

  constructor(options: { replies: readonly ScriptedReply[]; expectedKey?: string }) {
    this.#replies = [...options.replies];
    this.#expectedKey = options.expectedKey;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Base URL as each provider's client wants it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Replies that nobody asked for. */
  get leftOver(): number {
    return this.#replies.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableEnded) this.aborted += 1;
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const wire =
      request.url === '/v1/messages' ? 'anthropic' : request.url === '/v1/chat/completions' ? 'openai' : null;
    if (wire === null || request.method !== 'POST')
      return this.#complain(response, `unexpected ${request.method} ${request.url}`, 404);
    const key =
      wire === 'anthropic'
        ? headerOf(request, 'x-api-key')
        : headerOf(request, 'authorization')?.replace(/^Bearer /, '');
    if (wire === 'anthropic' && headerOf(request, 'anthropic-version') !== '2023-06-01')
      this.complaints.push('anthropic-version is missing');
    if (this.#expectedKey !== undefined && key !== this.#expectedKey)
      return send(response, 401, keyError(wire));
    const schema = wire === 'anthropic' ? AnthropicRequest : OpenAiRequest;
    const read = schema.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (!read.success) return this.#complain(response, z.prettifyError(read.error), 400);
    const body = read.data as Record<string, unknown>;
    const order =
      wire === 'anthropic'
        ? anthropicOrder(read.data as z.infer<typeof AnthropicRequest>)
        : openAiOrder(read.data as z.infer<typeof OpenAiRequest>);
    if (order !== null) return this.#complain(response, order, 400);
    this.requests.push({ wire, body, key });
    const reply = this.#replies.shift();
    if (reply === undefined) return this.#complain(response, 'asked once too often', 400);
    if ('fault' in reply) return misbehave(response, reply.fault, wire);
    send(response, 200, wire === 'anthropic' ? this.#anthropic(reply, body) : this.#openAi(reply, body));
  }

  #anthropic(reply: Exclude<ScriptedReply, { fault: Fault }>, body: Record<string, unknown>): unknown {
    const content: unknown[] = [];
    if (reply.text !== undefined) content.push({ type: 'text', text: reply.text });
    for (const { name, input } of reply.calls ?? [])
      content.push({ type: 'tool_use', id: this.#id('toolu'), name, input });
    const finish = { tool: 'tool_use', stop: 'end_turn', length: 'max_tokens' }[
      reply.finish ?? (reply.calls === undefined ? 'stop' : 'tool')
    ];
    return {
      id: this.#id('msg'),
      type: 'message',
      role: 'assistant',
      model: body.model,
      content,
      stop_reason: finish,
      stop_sequence: null,
      usage: { input_tokens: reply.usage?.input ?? 100, output_tokens: reply.usage?.output ?? 20 },
    };
  }

  #openAi(reply: Exclude<ScriptedReply, { fault: Fault }>, body: Record<string, unknown>): unknown {
    const calls = (reply.calls ?? []).map(({ name, input, rawInput }) => ({
      id: this.#id('call'),
      type: 'function',
      function: { name, arguments: rawInput ?? JSON.stringify(input) },
    }));
    const finish = { tool: 'tool_calls', stop: 'stop', length: 'length' }[
      reply.finish ?? (calls.length === 0 ? 'stop' : 'tool')
    ];
    const input = reply.usage?.input ?? 100;
    const output = reply.usage?.output ?? 20;
    return {
      id: this.#id('chatcmpl'),
      object: 'chat.completion',
      created: 1_700_000_000,
      model: body.model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: reply.text ?? null,
            ...(calls.length === 0 ? {} : { tool_calls: calls }),
          },
          finish_reason: finish,
        },
      ],
      usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
    };
  }

  #complain(response: ServerResponse, complaint: string, status: number): void {
    this.complaints.push(complaint);
    send(response, status, { error: { type: 'invalid_request_error', message: complaint } });
  }

  #id(prefix: string): string {
    this.#calls += 1;
    return `${prefix}_${this.#calls}`;
  }
}

/** Roles alternate; every tool_use is answered in the very next message, results first. */
function anthropicOrder({ messages }: z.infer<typeof AnthropicRequest>): string | null {
  let open: string[] = [];
  let role = 'assistant';
  for (const message of messages) {
    if (message.role === role) return `two messages of ${role} in a row`;
    role = message.role;
    if (message.role === 'user') {
      const answered = message.content.flatMap((part) =>
        part.type === 'tool_result' ? [part.tool_use_id] : [],
      );
      if (open.some((id) => !answered.includes(id)))
        return 'a tool_use has no tool_result in the next message';
      if (answered.some((id) => !open.includes(id))) return 'a tool_result answers no tool_use';
      const firstOther = message.content.findIndex(({ type }) => type !== 'tool_result');
      if (firstOther >= 0 && message.content.slice(firstOther).some(({ type }) => type === 'tool_result'))
        return 'a tool_result stands after other content';
      open = [];
    } else open = message.content.flatMap((part) => (part.type === 'tool_use' ? [part.id] : []));
  }
  return role === 'user' ? null : 'the last message is not the user’s';
}

function openAiOrder({ messages }: z.infer<typeof OpenAiRequest>): string | null {
  let open = new Set<string>();
  for (const message of messages) {
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id)) return 'a tool message answers no call';
    } else {
      if (open.size > 0) return 'a call has no tool message';
      if (message.role === 'assistant') open = new Set(message.tool_calls?.map(({ id }) => id) ?? []);
    }
  }
  return null;
}

function misbehave(response: ServerResponse, fault: Fault, wire: 'anthropic' | 'openai'): void {
  switch (fault.type) {
    case 'status':
      send(response, fault.status, fault.body ?? genericError(wire, fault.status), fault.headers);
      return;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('<html>gateway</html>');
      return;
    case 'half':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id":"msg_1","type":"mess', () => response.destroy());
      return;
    case 'hang':
      return;
  }
}

function genericError(wire: 'anthropic' | 'openai', status: number): unknown {
  return wire === 'anthropic'
    ? {
        type: 'error',
        error: { type: status === 429 ? 'rate_limit_error' : 'api_error', message: `scripted ${status}` },
      }
    : { error: { message: `scripted ${status}`, type: 'server_error', code: null, param: null } };
}

function keyError(wire: 'anthropic' | 'openai'): unknown {
  return wire === 'anthropic'
    ? { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } }
    : {
        error: {
          message: 'Incorrect API key provided',
          type: 'invalid_request_error',
          code: 'invalid_api_key',
          param: null,
        },
      };
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
