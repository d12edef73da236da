import { z } from 'zod';
import { openAiError } from './openai-chat-wire.ts';
import { headerOf, inPieces, type Piece, type Wire } from './wire.ts';

/** Source: OpenAI API reference, POST /v1/responses with `stream`; "Computer use" guide. */
const imageUrl = z.string().regex(/^data:image\/(?:jpeg|png|webp);base64,/);
const inputContent = z.union([
  z.strictObject({ type: z.literal('input_text'), text: z.string().min(1) }),
  z.strictObject({
    type: z.literal('input_image'),
    image_url: imageUrl,
    detail: z.enum(['auto', 'low', 'high', 'original']).optional(),
  }),
]);
const safetyCheck = z.strictObject({
  id: z.string(),
  code: z.string().optional(),
  message: z.string().optional(),
});
const Item = z.union([
  z.strictObject({ role: z.enum(['system', 'developer']), content: z.string().min(1) }),
  z.strictObject({ role: z.literal('user'), content: z.array(inputContent).min(1) }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([
      z.string().min(1),
      z.array(z.strictObject({ type: z.literal('output_text'), text: z.string() })).min(1),
    ]),
    id: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('function_call'),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
    id: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('function_call_output'), call_id: z.string(), output: z.string() }),
  z.strictObject({
    type: z.literal('computer_call'),
    id: z.string(),
    call_id: z.string(),
    status: z.enum(['in_progress', 'completed', 'incomplete']),
    actions: z.array(z.looseObject({ type: z.string() })).min(1),
    pending_safety_checks: z.array(safetyCheck),
  }),
  z.strictObject({
    type: z.literal('computer_call_output'),
    call_id: z.string(),
    output: z.strictObject({
      type: z.literal('computer_screenshot'),
      image_url: imageUrl,
      detail: z.enum(['auto', 'low', 'high', 'original']).optional(),
    }),
    acknowledged_safety_checks: z.array(safetyCheck).optional(),
  }),
]);
const Request = z.strictObject({
  model: z.string().min(1),
  stream: z.literal(true),
  store: z.literal(false),
  max_output_tokens: z.int().min(16),
  include: z.array(z.literal('reasoning.encrypted_content')).optional(),
  input: z.array(Item).min(1),
  tools: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('computer') }),
        z.strictObject({
          type: z.literal('function'),
          name: z.string(),
          description: z.string().min(1),
          parameters: z.looseObject({
            type: z.literal('object'),
            properties: z.record(z.string(), z.unknown()),
          }),
          strict: z.boolean().optional(),
        }),
      ]),
    )
    .optional(),
  tool_choice: z.enum(['auto', 'required']).optional(),
});
type Request = z.infer<typeof Request>;

export const openAiResponsesWire: Wire = {
  name: 'responses',
  path: /^\/v1\/responses$/,
  key: (request) => headerOf(request, 'authorization')?.replace(/^Bearer /, ''),
  body: Request,
  orderProblem: (body) => orderProblem(body as Request),
  pieces({ text, calls = [], finish, usage }, body, newId): Piece[] {
    const response = { id: newId('resp'), created_at: 1_700_000_000, model: body.model };
    const pieces: Piece[] = [];
    const say = (type: string, fields: Record<string, unknown>) => {
      pieces.push({ event: type, data: { type, sequence_number: pieces.length, ...fields } });
    };
    say('response.created', { response });
    say('response.in_progress', { response });
    let index = 0;
    if (text !== undefined) {
      const item = {
        type: 'message',
        id: newId('msg'),
        role: 'assistant',
        status: 'in_progress',
        content: [],
      };
      say('response.output_item.added', { output_index: index, item });
      for (const delta of inPieces(text))
        say('response.output_text.delta', {
          item_id: item.id,
          output_index: index,
          content_index: 0,
          delta,
        });
      say('response.output_item.done', {
        output_index: index,
        item: {
          ...item,
          status: 'completed',
          content: [{ type: 'output_text', text, annotations: [] }],
        },
      });
      index += 1;
    }
    for (const { name, input, rawInput } of calls) {
      if (name === 'computer') {
        const { actions, pending_safety_checks = [] } = input as {
          actions: unknown;
          pending_safety_checks?: unknown;
        };
        const item = { type: 'computer_call', id: newId('cu'), call_id: newId('call') };
        const added = { ...item, status: 'in_progress', actions: [], pending_safety_checks: [] };
        say('response.output_item.added', { output_index: index, item: added });
        say('response.output_item.done', {
          output_index: index,
          item: { ...item, status: 'completed', actions, pending_safety_checks },
        });
      } else {
        const item = { type: 'function_call', id: newId('fc'), call_id: newId('call'), name };
        const json = rawInput ?? JSON.stringify(input);
        say('response.output_item.added', {
          output_index: index,
          item: { ...item, arguments: '', status: 'in_progress' },
        });
        for (const delta of inPieces(json))
          say('response.function_call_arguments.delta', {
            item_id: item.id,
            output_index: index,
            delta,
          });
        say('response.output_item.done', {
          output_index: index,
          item: { ...item, arguments: json, status: 'completed' },
        });
      }
      index += 1;
    }
    const tokens = {
      input_tokens: usage?.input ?? 100,
      input_tokens_details: { cached_tokens: usage?.cached ?? 0 },
      output_tokens: usage?.output ?? 20,
      output_tokens_details: { reasoning_tokens: 0 },
    };
    const isCut = finish === 'length';
    say(isCut ? 'response.incomplete' : 'response.completed', {
      response: {
        ...response,
        usage: tokens,
        incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
      },
    });
    return pieces;
  },
  ending: '',
  error: openAiError,
  streamError: () => ({
    event: 'error',
    data: {
      type: 'error',
      sequence_number: 2,
      error: { type: 'server_error', code: 'server_error', message: 'The server is overloaded', param: null },
    },
  }),
};

/** Every call has its output somewhere after it, of its own kind. */
function orderProblem({ input }: Request): string | null {
  const open = new Map<string, string>();
  for (const item of input) {
    if (!('type' in item)) {
      if (item.role === 'user' && open.size > 0) return 'a call has no output';
      continue;
    }
    if (item.type === 'function_call' || item.type === 'computer_call') open.set(item.call_id, item.type);
    else {
      if (open.get(item.call_id) !== item.type.replace(/_output$/, '')) return 'an output answers no call';
      open.delete(item.call_id);
    }
  }
  return open.size > 0 ? 'a call has no output' : null;
}
