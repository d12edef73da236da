import { z } from 'zod';
import { headerOf, inPieces, type Piece, type Wire, wordsFor } from './wire.ts';

/** Source: Gemini API reference, models.streamGenerateContent with `alt=sse`. */
const Part = z.union([
  z.strictObject({ text: z.string().min(1) }),
  z.strictObject({
    inlineData: z.strictObject({
      mimeType: z.enum(['image/jpeg', 'image/png', 'image/webp']),
      data: z.base64(),
    }),
  }),
  z.strictObject({
    functionCall: z.strictObject({
      id: z.string().optional(),
      name: z.string(),
      args: z.record(z.string(), z.unknown()),
    }),
    thoughtSignature: z.string().optional(),
  }),
  z.strictObject({
    functionResponse: z.strictObject({
      id: z.string().optional(),
      name: z.string(),
      response: z.record(z.string(), z.unknown()),
    }),
  }),
]);
const Request = z.strictObject({
  contents: z.array(z.strictObject({ role: z.enum(['user', 'model']), parts: z.array(Part).min(1) })).min(1),
  systemInstruction: z
    .strictObject({ parts: z.array(z.strictObject({ text: z.string().min(1) })).min(1) })
    .optional(),
  generationConfig: z.strictObject({ maxOutputTokens: z.int().min(1) }),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z
          .array(
            z.strictObject({
              name: z.string().max(64),
              description: z.string().min(1),
              parametersJsonSchema: z
                .looseObject({ type: z.literal('object') })
                .refine(isKnownSchema, 'a keyword Gemini does not know')
                .optional(),
            }),
          )
          .min(1),
      }),
    )
    .optional(),
  toolConfig: z
    .strictObject({ functionCallingConfig: z.strictObject({ mode: z.enum(['AUTO', 'ANY']) }) })
    .optional(),
});
type Request = z.infer<typeof Request>;

/** Keywords of JSON Schema the reference lists for `parametersJsonSchema`; others are errors at Google. */
const SCHEMA_KEYWORDS: ReadonlySet<string> = new Set([
  ...[
    '$id',
    '$defs',
    '$ref',
    '$anchor',
    'type',
    'format',
    'title',
    'description',
    'const',
    'default',
    'enum',
  ],
  ...['items', 'prefixItems', 'minItems', 'maxItems', 'minimum', 'maximum', 'anyOf', 'oneOf', 'properties'],
  ...['additionalProperties', 'required', 'propertyOrdering', 'minLength', 'maxLength', 'pattern'],
]);

function isKnownSchema(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return true;
  const { properties, items, anyOf, ...rest } = schema as Record<string, unknown>;
  if (Object.keys(rest).some((keyword) => !SCHEMA_KEYWORDS.has(keyword))) return false;
  const inner = [...Object.values((properties ?? {}) as object), items, ...((anyOf ?? []) as unknown[])];
  return inner.every(isKnownSchema);
}

export const googleWire: Wire = {
  name: 'google',
  path: /^\/v1(?:beta)?\/models\/[^/:]+:streamGenerateContent\?alt=sse$/,
  key: (request) => headerOf(request, 'x-goog-api-key'),
  body: Request,
  orderProblem: (body) => orderProblem(body as Request),
  pieces({ text, calls = [], finish, usage }, _body, newId): Piece[] {
    const input = usage?.input ?? 100;
    const output = usage?.output ?? 20;
    const chunk = (parts: unknown[], last: object = {}): Piece => ({
      data: {
        candidates: [{ content: { role: 'model', parts }, index: 0, ...last }],
        usageMetadata: {
          promptTokenCount: input,
          cachedContentTokenCount: usage?.cached ?? 0,
          candidatesTokenCount: output,
          totalTokenCount: input + output,
        },
        modelVersion: 'scripted',
        responseId: newId('resp'),
      },
    });
    const pieces = inPieces(text ?? '').map((part) => chunk([{ text: part }]));
    // Arguments are an object here; what is no JSON cannot be sent at all.
    for (const { name, input: args, rawInput } of calls)
      pieces.push(chunk([{ functionCall: { name, args: rawInput === undefined ? args : {} } }]));
    pieces.push(chunk([{ text: '' }], { finishReason: finish === 'length' ? 'MAX_TOKENS' : 'STOP' }));
    return pieces;
  },
  ending: '',
  error: (status, kind) => ({
    error: {
      code: status,
      message: kind === 'key' ? 'API key not valid. Please pass a valid API key.' : wordsFor(status),
      status: { key: 'INVALID_ARGUMENT', busy: 'RESOURCE_EXHAUSTED', fault: 'INTERNAL' }[kind],
    },
  }),
  streamError: () => ({
    data: { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } },
  }),
};

/** Turns alternate; a turn of calls is followed by one that answers each, in the same number. */
function orderProblem({ contents }: Request): string | null {
  let open: string[] = [];
  for (const { role, parts } of contents) {
    const answers = parts.flatMap((part) => ('functionResponse' in part ? [part.functionResponse.name] : []));
    if (role === 'user' && answers.join() !== open.join()) return 'calls and responses do not match';
    open = parts.flatMap((part) => ('functionCall' in part ? [part.functionCall.name] : []));
  }
  return contents.at(-1)?.role === 'user' ? null : 'the last turn is not the user’s';
}
