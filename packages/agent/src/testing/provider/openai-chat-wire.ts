import { z } from 'zod';
import { headerOf, inPieces, type Piece, type Wire, wordsFor } from './wire.ts';

/** Source: OpenAI API reference, POST /v1/chat/completions with `stream`. */
const content = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string().regex(/^data:image\/(?:jpeg|png|webp);base64,/) }),
  }),
]);
const Request = z.strictObject({
  model: z.string().min(1),
  stream: z.literal(true),
  stream_options: z.strictObject({ include_usage: z.literal(true) }),
  max_tokens: z.int().min(1).optional(),
  max_completion_tokens: z.int().min(1).optional(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({ role: z.enum(['system', 'developer']), content: z.string().min(1) }),
        z.strictObject({
          role: z.literal('user'),
          content: z.union([z.string().min(1), z.array(content).min(1)]),
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
          parameters: z.looseObject({
            type: z.literal('object'),
            properties: z.record(z.string(), z.unknown()),
          }),
          strict: z.boolean().optional(),
        }),
      }),
    )
    .optional(),
  tool_choice: z.enum(['auto', 'required']).optional(),
});
type Request = z.infer<typeof Request>;

export const openAiChatWire: Wire = {
  name: 'openai',
  path: /^\/v1\/chat\/completions$/,
  key: (request) => headerOf(request, 'authorization')?.replace(/^Bearer /, ''),
  body: Request,
  orderProblem: (body) => orderProblem(body as Request),
  pieces({ text, calls = [], finish, usage }, body, newId): Piece[] {
    const id = newId('chatcmpl');
    const chunk = (delta: unknown, finishReason: string | null = null): Piece => ({
      data: {
        id,
        object: 'chat.completion.chunk',
        created: 1_700_000_000,
        model: body.model,
        choices: [{ index: 0, delta, finish_reason: finishReason }],
      },
    });
    const pieces: Piece[] = [chunk({ role: 'assistant', content: '' })];
    for (const part of inPieces(text ?? '')) pieces.push(chunk({ content: part }));
    calls.forEach(({ name, input, rawInput }, index) => {
      const [first = '', ...rest] = inPieces(rawInput ?? JSON.stringify(input));
      const start = { index, id: newId('call'), type: 'function', function: { name, arguments: first } };
      pieces.push(chunk({ tool_calls: [start] }));
      for (const part of rest) pieces.push(chunk({ tool_calls: [{ index, function: { arguments: part } }] }));
    });
    const reason = { tool: 'tool_calls', stop: 'stop', length: 'length' }[
      finish ?? (calls.length === 0 ? 'stop' : 'tool')
    ];
    const input = usage?.input ?? 100;
    const output = usage?.output ?? 20;
    pieces.push(chunk({}, reason), {
      data: {
        id,
        object: 'chat.completion.chunk',
        created: 1_700_000_000,
        model: body.model,
        choices: [],
        usage: {
          prompt_tokens: input,
          completion_tokens: output,
          total_tokens: input + output,
          prompt_tokens_details: { cached_tokens: usage?.cached ?? 0 },
        },
      },
    });
    return pieces;
  },
  ending: 'data: [DONE]\n\n',
  error: openAiError,
  streamError: () => ({
    data: { error: { message: 'The server is overloaded', type: 'server_error', code: null, param: null } },
  }),
};

export function openAiError(status: number, kind: 'key' | 'busy' | 'fault'): unknown {
  return kind === 'key'
    ? {
        error: {
          message: 'Incorrect API key provided',
          type: 'invalid_request_error',
          code: 'invalid_api_key',
          param: null,
        },
      }
    : { error: { message: wordsFor(status), type: 'server_error', code: null, param: null } };
}

function orderProblem({ messages }: Request): string | null {
  const open = new Set<string>();
  for (const message of messages) {
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id)) return 'a tool message answers no call';
      continue;
    }
    if (open.size > 0) return 'a call has no tool message';
    if (message.role === 'assistant') for (const { id } of message.tool_calls ?? []) open.add(id);
  }
  return open.size > 0 ? 'a call has no tool message' : null;
}
