import { OPERATION_TRAITS, Operation, type OperationType } from '@deskhand/protocol';
import { jsonSchema, type ToolSet, tool } from 'ai';
import { z } from 'zod';
import type { CoordinateSpace } from './coordinate-space.ts';

/** What a model may answer besides operations. */
export const Zoom = z
  .strictObject({
    x: z.number().min(0),
    y: z.number().min(0),
    width: z.number().min(8),
    height: z.number().min(8),
  })
  .meta({
    description:
      'See a part of the last full screenshot at full resolution, for small text. Pixels of that screenshot. Changes nothing on the machine; later coordinates still belong to the full screenshot.',
  });
export const ReadScreen = z.strictObject({}).meta({
  description:
    'Read the text of the screen by character recognition, with places. Slow; use it where the element list is empty.',
});
export const Done = z.strictObject({ summary: z.string().min(1).max(4000) }).meta({
  description: 'The task is completely done and you have seen the proof on the screen. Say what was done.',
});
export const Fail = z
  .strictObject({ reason: z.string().min(1).max(4000) })
  .meta({ description: 'The task cannot be done. Say exactly why.' });
export const AskHuman = z.strictObject({ question: z.string().min(1).max(2000) }).meta({
  description:
    'Ask the person: for passwords and other secrets (they type them), for a decision the task leaves open, before anything irreversible the task does not ask for.',
});

const EXTRA = { zoom: Zoom, read_screen: ReadScreen, done: Done, fail: Fail, ask_human: AskHuman } as const;
export type ExtraName = keyof typeof EXTRA;

/** Tools the daemon answers; a desktop's policy may still refuse each. */
export const OPERATION_NAMES = Object.keys(OPERATION_TRAITS) as OperationType[];

/**
 * Every tool a model sees, generated from the one operation schema; there is no second definition.
 * Calls are executed by nobody here: they come back as a proposal.
 */
export function toolsForModel(space: CoordinateSpace): ToolSet {
  const tools: ToolSet = {};
  for (const option of Operation.options) {
    const name = option.shape.type.value;
    const meta = option.meta();
    tools[name] = tool({
      description: String(meta?.description ?? meta?.title ?? name),
      inputSchema: jsonSchema(inSpace(space, withoutType(z.toJSONSchema(option, { io: 'input' })))),
    });
  }
  for (const [name, schema] of Object.entries(EXTRA))
    tools[name] = tool({
      description: inSpace(space, String(schema.meta()?.description ?? name)),
      inputSchema: jsonSchema(clean(z.toJSONSchema(schema, { io: 'input' }))),
    });
  return tools;
}

export function isOperationName(name: string): name is OperationType {
  return Object.hasOwn(OPERATION_TRAITS, name);
}

export function extraSchema(name: string): (typeof EXTRA)[ExtraName] | undefined {
  return Object.hasOwn(EXTRA, name) ? EXTRA[name as ExtraName] : undefined;
}

/** The schema speaks of pixels; a model that gives thousandths is told of those instead. */
function inSpace<T extends Json | string>(space: CoordinateSpace, value: T): T {
  if (space === 'pixels') return value;
  return JSON.parse(JSON.stringify(value).replaceAll('Pixels of', 'Thousandths of')) as T;
}

type Json = Record<string, unknown>;

/** The tool's name says the type; the model need not repeat it. */
function withoutType(schema: object): Json {
  const { properties, required, ...rest } = clean(schema);
  const { type: _type, ...others } = (properties ?? {}) as Json;
  const needed = ((required ?? []) as string[]).filter((name) => name !== 'type');
  return { ...rest, properties: others, ...(needed.length === 0 ? {} : { required: needed }) };
}

/** Providers refuse or ignore these; descriptions carry what matters. */
function clean(schema: object): Json {
  const { $schema: _schema, title: _title, description: _description, ...rest } = schema as Json;
  return rest;
}
