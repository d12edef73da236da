import { ClickAction, OPERATION_TRAITS, Operation, type OperationType } from '@deskhand/protocol';
import { jsonSchema, type ToolSet, tool } from 'ai';
import { z } from 'zod';
import { nativeComputerTool } from './language-model.ts';
import type { CoordinateSpace, ModelProfile } from './model-profiles.ts';

const elementNumber = z.int().min(1).max(10_000).meta({ description: 'Number in the last element list.' });

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
export const ClickElement = ClickAction.omit({ type: true, point: true })
  .extend({ element: elementNumber })
  .meta({ description: 'Click the middle of an element of the last list: surer than guessing a point.' });
export const ReadElement = z.strictObject({ element: elementNumber }).meta({
  description:
    'Everything known about one element of the last list: its whole name, value, description and states.',
});
export const FindText = z.strictObject({ text: z.string().min(1).max(500) }).meta({
  description:
    'Find where a text stands on the screen, in elements and, by character recognition, in the picture. Answers with places.',
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

const EXTRA = {
  click_element: ClickElement,
  read_element: ReadElement,
  find_text: FindText,
  zoom: Zoom,
  read_screen: ReadScreen,
  done: Done,
  fail: Fail,
  ask_human: AskHuman,
} as const;
/** Only providers' own tools ask for these; every step shows the screen anyway. */
const SILENT_EXTRA = { screenshot: z.strictObject({}), pointer_position: z.strictObject({}) } as const;
type ExtraSchema = (typeof EXTRA)[keyof typeof EXTRA] | (typeof SILENT_EXTRA)[keyof typeof SILENT_EXTRA];

/** What a provider's own computer tool does already. */
const POINTER_AND_KEYS: ReadonlySet<string> = new Set<OperationType>([
  'click',
  'move',
  'drag',
  'scroll',
  'type_text',
  'key_press',
  'key_combo',
  'wait',
]);

/**
 * Every tool a model sees, generated from the one operation schema; there is no second definition. Where the
 * provider has a computer tool of its own, that takes the place of pointer and keys.
 * Calls are executed by nobody here: they come back as a proposal.
 * @param image size of the screenshots the model gets, pixels.
 */
export function toolsFor(profile: ModelProfile, image: Readonly<{ width: number; height: number }>): ToolSet {
  const native = nativeComputerTool(profile, image);
  const tools: ToolSet = native === null ? {} : { computer: native };
  const { space } = profile;
  for (const option of Operation.options) {
    const name = option.shape.type.value;
    if (native !== null && POINTER_AND_KEYS.has(name)) continue;
    const meta = option.meta();
    tools[name] = tool({
      description: String(meta?.description ?? meta?.title ?? name),
      inputSchema: jsonSchema(inSpace(space, withoutType(z.toJSONSchema(option, { io: 'input' })))),
    });
  }
  for (const [name, schema] of Object.entries(EXTRA)) {
    if (name === 'zoom' && hasZoom(profile)) continue;
    tools[name] = tool({
      description: inSpace(space, String(schema.meta()?.description ?? name)),
      inputSchema: jsonSchema(clean(z.toJSONSchema(schema, { io: 'input' }))),
    });
  }
  return tools;
}

export function isOperationName(name: string): name is OperationType {
  return Object.hasOwn(OPERATION_TRAITS, name);
}

export function extraSchema(name: string): ExtraSchema | undefined {
  const all: Readonly<Record<string, ExtraSchema>> = { ...EXTRA, ...SILENT_EXTRA };
  return Object.hasOwn(all, name) ? all[name] : undefined;
}

function hasZoom({ grammar, tool: version }: ModelProfile): boolean {
  return grammar === 'anthropic_computer' && version !== 'computer_20250124';
}

/** The schema speaks of pixels; a model that gives thousandths is told of those instead. */
function inSpace<T extends Json | string>(space: CoordinateSpace, value: T): T {
  if (space !== 'thousandths') return value;
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
