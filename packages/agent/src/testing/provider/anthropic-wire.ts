import { z } from 'zod';
import { headerOf, inPieces, type Piece, type Wire, wordsFor } from './wire.ts';

/** Source: Anthropic API reference, POST /v1/messages with `stream`; "Computer use tool". */
const cacheControl = z.strictObject({ type: z.literal('ephemeral') });
const text = z.strictObject({
  type: z.literal('text'),
  text: z.string().min(1),
  cache_control: cacheControl.optional(),
});
const image = z.strictObject({
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
  toolset_name: z.literal('computer').optional(),
});
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(z.union([text, image])).min(1)]),
  is_error: z.boolean().optional(),
  toolset_name: z.literal('computer').optional(),
});
const functionTool = z.strictObject({
  name: z.string(),
  description: z.string().min(1),
  input_schema: z.looseObject({
    type: z.literal('object'),
    properties: z.record(z.string(), z.unknown()),
  }),
  eager_input_streaming: z.boolean().optional(),
});
const display = {
  name: z.literal('computer'),
  display_width_px: z.int().min(1),
  display_height_px: z.int().min(1),
};
const computerTool = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('computer_20250124'), ...display }),
  z.strictObject({ type: z.literal('computer_20251124'), ...display, enable_zoom: z.boolean().optional() }),
  z.strictObject({
    type: z.literal('computer_toolset_20260801'),
    configs: z.record(z.string(), z.strictObject({ enabled: z.boolean() })).optional(),
  }),
]);
const Request = z.strictObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  stream: z.literal(true),
  system: z.array(text).optional(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({
          role: z.literal('user'),
          content: z.array(z.union([text, image, toolResult])).min(1),
        }),
        z.strictObject({ role: z.literal('assistant'), content: z.array(z.union([text, toolUse])).min(1) }),
      ]),
    )
    .min(1),
  tools: z.array(z.union([functionTool, computerTool])).optional(),
  tool_choice: z.strictObject({ type: z.enum(['auto', 'any']) }).optional(),
});
type Request = z.infer<typeof Request>;

const BETAS: Readonly<Record<string, string>> = {
  computer_20250124: 'computer-use-2025-01-24',
  computer_20251124: 'computer-use-2025-11-24',
};

export const anthropicWire: Wire = {
  name: 'anthropic',
  path: /^\/v1\/messages$/,
  key: (request) => headerOf(request, 'x-api-key'),
  headerProblem(request, body) {
    if (headerOf(request, 'anthropic-version') !== '2023-06-01') return 'anthropic-version is missing';
    const beta = BETAS[computerOf(body as Request) ?? ''];
    return beta === undefined || headerOf(request, 'anthropic-beta')?.split(',').includes(beta) === true
      ? null
      : `anthropic-beta lacks ${beta}`;
  },
  body: Request,
  orderProblem: (body) => orderProblem(body as Request),
  pieces({ text: words, calls = [], finish, usage }, body, newId): Piece[] {
    const message = {
      id: newId('msg'),
      type: 'message',
      role: 'assistant',
      model: body.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: {
        input_tokens: (usage?.input ?? 100) - (usage?.cached ?? 0),
        cache_read_input_tokens: usage?.cached ?? 0,
        cache_creation_input_tokens: 0,
        output_tokens: 1,
      },
    };
    const pieces: Piece[] = [event({ type: 'message_start', message }), event({ type: 'ping' })];
    let index = 0;
    if (words !== undefined) {
      pieces.push(
        event({ type: 'content_block_start', index, content_block: { type: 'text', text: '' } }),
        ...inPieces(words).map((part) =>
          event({ type: 'content_block_delta', index, delta: { type: 'text_delta', text: part } }),
        ),
        event({ type: 'content_block_stop', index }),
      );
      index += 1;
    }
    const isToolset = computerOf(body as Request) === 'computer_toolset_20260801';
    for (const { name, input, rawInput } of calls) {
      const isMember = name === 'computer' && isToolset;
      const { action, ...member } = (input ?? {}) as { action?: string };
      const start = {
        type: 'tool_use',
        id: newId('toolu'),
        name: isMember ? action : name,
        input: {},
        ...(isMember ? { toolset_name: 'computer' } : {}),
      };
      const json = rawInput ?? JSON.stringify(isMember ? member : input);
      pieces.push(
        event({ type: 'content_block_start', index, content_block: start }),
        ...inPieces(json).map((part) =>
          event({
            type: 'content_block_delta',
            index,
            delta: { type: 'input_json_delta', partial_json: part },
          }),
        ),
        event({ type: 'content_block_stop', index }),
      );
      index += 1;
    }
    const reason = { tool: 'tool_use', stop: 'end_turn', length: 'max_tokens' }[
      finish ?? (calls.length === 0 ? 'stop' : 'tool')
    ];
    pieces.push(
      event({
        type: 'message_delta',
        delta: { stop_reason: reason, stop_sequence: null },
        usage: { output_tokens: usage?.output ?? 20 },
      }),
      event({ type: 'message_stop' }),
    );
    return pieces;
  },
  ending: '',
  error: (status, kind) => ({
    type: 'error',
    error: {
      type: { key: 'authentication_error', busy: 'rate_limit_error', fault: 'api_error' }[kind],
      message: kind === 'key' ? 'invalid x-api-key' : wordsFor(status),
    },
  }),
  streamError: () => event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
};

function event(data: { type: string } & Record<string, unknown>): Piece {
  return { event: data.type, data };
}

function computerOf({ tools = [] }: Request): string | undefined {
  return tools.map((tool) => ('type' in tool ? tool.type : undefined)).find((type) => type !== undefined);
}

/** Roles alternate; every tool_use is answered in the very next message, results first. */
function orderProblem({ messages }: Request): string | null {
  let open: Array<{ id: string; toolset: string | undefined }> = [];
  let role = 'assistant';
  for (const message of messages) {
    if (message.role === role) return `two messages of ${role} in a row`;
    role = message.role;
    if (message.role === 'user') {
      const answered = message.content.flatMap((part) => (part.type === 'tool_result' ? [part] : []));
      for (const { id, toolset } of open) {
        const result = answered.find((part) => part.tool_use_id === id);
        if (result === undefined) return 'a tool_use has no tool_result in the next message';
        if (result.toolset_name !== toolset) return 'a tool_result names another toolset than its call';
      }
      if (answered.some((part) => !open.some(({ id }) => id === part.tool_use_id)))
        return 'a tool_result answers no tool_use';
      const firstOther = message.content.findIndex(({ type }) => type !== 'tool_result');
      if (firstOther >= 0 && message.content.slice(firstOther).some(({ type }) => type === 'tool_result'))
        return 'a tool_result stands after other content';
      open = [];
    } else
      open = message.content.flatMap((part) =>
        part.type === 'tool_use' ? [{ id: part.id, toolset: part.toolset_name }] : [],
      );
  }
  return role === 'user' ? null : 'the last message is not the user’s';
}
