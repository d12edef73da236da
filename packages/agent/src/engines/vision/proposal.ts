import {
  centerOf,
  type FrameGeometry,
  isInsideFrame,
  MAX_OPERATIONS_PER_COMMAND,
  Operation,
  type Point,
  pointsOf,
  type ScreenElement,
} from '@deskhand/protocol';
import type { z } from 'zod';
import { fromModelPoint, operationFromModel, PIXELS, type Places } from './coordinate-space.ts';
import {
  AskHuman,
  ClickElement,
  Done,
  extraSchema,
  Fail,
  FindText,
  isOperationName,
  ReadElement,
  Zoom,
} from './tools.ts';

/** One tool call as the model wrote it. */
export type ModelCall = Readonly<{
  id: string;
  name: string;
  input: unknown;
  malformed: boolean;
  /** Why it cannot be followed, found while it was translated from a provider's own tool. */
  problem?: string;
  /** Read from the model's text: no tool message may answer it. */
  written?: boolean;
}>;

/** A call that cannot be followed, with what to tell the model. */
export type Refusal = Readonly<{ callId: string; message: string }>;

export type Proposal = Readonly<
  | {
      type: 'operations';
      operations: readonly Operation[];
      /** The call each operation came from; several operations may share one. */
      callIds: readonly string[];
      ignored: readonly string[];
    }
  | { type: 'zoom'; callId: string; area: z.infer<typeof Zoom>; ignored: readonly string[] }
  | { type: 'read_screen' | 'screenshot'; callId: string; ignored: readonly string[] }
  | { type: 'find_text'; callId: string; text: string; ignored: readonly string[] }
  | { type: 'read_element'; callId: string; element: ScreenElement; ignored: readonly string[] }
  | { type: 'pointer_position'; callId: string; ignored: readonly string[] }
  | { type: 'done'; callId: string; summary: string; ignored: readonly string[] }
  | { type: 'fail'; callId: string; reason: string; ignored: readonly string[] }
  | { type: 'ask_human'; callId: string; question: string; ignored: readonly string[] }
  | { type: 'refused'; refusals: readonly Refusal[] }
>;

/** What the model's words refer to. */
export type Scene = Readonly<{
  /** The last full screenshot; null when there is none to point at. */
  geometry: FrameGeometry | null;
  places: Places;
  /** The element list as it was last shown: number 1 is the first. */
  elements: readonly ScreenElement[];
  maxOperations: number;
}>;

export const EMPTY_SCENE: Scene = {
  geometry: null,
  places: PIXELS,
  elements: [],
  maxOperations: MAX_OPERATIONS_PER_COMMAND,
};

/** Longest wait a model may ask for in one go, milliseconds. */
const MAX_WAIT_MS = 10_000;

/**
 * The model's calls → one proposal, or typed refusals; never a guess. Operations before anything else in the
 * same reply are taken; what follows a closing word is ignored and said so.
 */
export function readProposal(calls: readonly ModelCall[], scene: Scene): Proposal {
  const refusals: Refusal[] = [];
  const operations: Operation[] = [];
  const callIds: string[] = [];
  let closing: ModelCall | null = null;
  const ignored: string[] = [];
  for (const call of calls) {
    if (call.problem !== undefined) refusals.push({ callId: call.id, message: call.problem });
    else if (call.malformed)
      refusals.push({ callId: call.id, message: `The input of ${call.name} is not valid JSON.` });
    else if (isOperationName(call.name) || call.name === 'click_element') {
      if (closing !== null || operations.length >= scene.maxOperations) {
        ignored.push(call.id);
        continue;
      }
      const read = call.name === 'click_element' ? readElementClick(call, scene) : readOperation(call, scene);
      if ('message' in read) refusals.push(read);
      else {
        operations.push(read.operation);
        callIds.push(call.id);
      }
    } else {
      const problem = problemOf(call, scene);
      if (problem !== null) refusals.push(problem);
      else if (operations.length > 0 || closing !== null) ignored.push(call.id);
      else closing = call;
    }
  }
  // One bad call refuses the whole reply: half of a plan is another plan.
  if (refusals.length > 0) return { type: 'refused', refusals };
  if (operations.length > 0) return { type: 'operations', operations, callIds, ignored };
  if (closing === null) return { type: 'refused', refusals: [] };
  return closingProposal(closing, ignored, scene);
}

function closingProposal(call: ModelCall, ignored: readonly string[], scene: Scene): Proposal {
  const callId = call.id;
  switch (call.name) {
    case 'zoom':
      return { type: 'zoom', callId, area: areaFromModel(Zoom.parse(call.input), scene), ignored };
    case 'read_screen':
    case 'screenshot':
    case 'pointer_position':
      return { type: call.name, callId, ignored };
    case 'find_text':
      return { type: 'find_text', callId, text: FindText.parse(call.input).text, ignored };
    case 'read_element': {
      const element = scene.elements[ReadElement.parse(call.input).element - 1];
      if (element === undefined) return { type: 'refused', refusals: [] };
      return { type: 'read_element', callId, element, ignored };
    }
    case 'done':
      return { type: 'done', callId, summary: Done.parse(call.input).summary, ignored };
    case 'fail':
      return { type: 'fail', callId, reason: Fail.parse(call.input).reason, ignored };
    default:
      return { type: 'ask_human', callId, question: AskHuman.parse(call.input).question, ignored };
  }
}

function areaFromModel(area: z.infer<typeof Zoom>, { places, geometry }: Scene): z.infer<typeof Zoom> {
  const start = fromModelPoint(places, geometry, { x: area.x, y: area.y });
  const end = fromModelPoint(places, geometry, { x: area.x + area.width, y: area.y + area.height });
  return { ...start, width: end.x - start.x, height: end.y - start.y };
}

function problemOf(call: ModelCall, scene: Scene): Refusal | null {
  const schema = extraSchema(call.name);
  // `raw` and whatever else a model invents is never run.
  if (schema === undefined)
    return { callId: call.id, message: `There is no tool “${call.name.slice(0, 60)}”.` };
  const read = schema.safeParse(call.input);
  if (!read.success) return { callId: call.id, message: `${call.name}: ${issues(read.error)}` };
  const { element } = read.data as { element?: number };
  return element === undefined ? null : missingElement(call, element, scene);
}

function missingElement(call: ModelCall, element: number, { elements }: Scene): Refusal | null {
  if (element <= elements.length) return null;
  const known = elements.length === 0 ? 'is empty' : `has ${elements.length} entries`;
  return { callId: call.id, message: `${call.name}: no element ${element}; the last list ${known}.` };
}

function readElementClick(call: ModelCall, scene: Scene): { operation: Operation } | Refusal {
  const read = ClickElement.safeParse(call.input);
  if (!read.success) return { callId: call.id, message: `${call.name}: ${issues(read.error)}` };
  const { element: number, ...click } = read.data;
  const missing = missingElement(call, number, scene);
  const element = scene.elements[number - 1];
  if (missing !== null || element === undefined)
    return missing ?? { callId: call.id, message: `${call.name}: no element ${number}.` };
  return placed(call, { type: 'click', point: centerOf(element.bounds), ...click }, scene);
}

function readOperation(call: ModelCall, scene: Scene): { operation: Operation } | Refusal {
  const input = typeof call.input === 'object' && call.input !== null ? call.input : {};
  const read = Operation.safeParse({ ...input, type: call.name });
  if (!read.success) return { callId: call.id, message: `${call.name}: ${issues(read.error)}` };
  const operation = operationFromModel(scene.places, scene.geometry, read.data);
  if (operation.type === 'wait' && operation.ms > MAX_WAIT_MS)
    return { callId: call.id, message: `wait: at most ${MAX_WAIT_MS} ms at a time.` };
  return placed(call, operation, scene);
}

function placed(
  call: ModelCall,
  operation: Operation,
  { geometry }: Scene,
): { operation: Operation } | Refusal {
  const points = pointsOf(operation);
  if (points.length > 0 && geometry === null)
    return { callId: call.id, message: `${call.name}: there is no screenshot to point at.` };
  const outside = geometry === null ? undefined : points.find((point) => !isInsideFrame(geometry, point));
  if (outside !== undefined && geometry !== null)
    return {
      callId: call.id,
      message: `${call.name}: the point ${inWords(outside)} lies outside the screenshot of ${geometry.image.width}x${geometry.image.height} pixels.`,
    };
  return { operation };
}

function inWords({ x, y }: Point): string {
  return `${Math.round(x)},${Math.round(y)}`;
}

function issues(error: z.ZodError): string {
  return error.issues
    .slice(0, 4)
    .map(({ path, message }) => `${path.length === 0 ? 'input' : path.join('.')}: ${message}`)
    .join('; ');
}
