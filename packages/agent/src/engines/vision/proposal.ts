import { type FrameGeometry, isInsideFrame, MAX_OPERATIONS_PER_COMMAND, Operation } from '@deskhand/protocol';
import type { z } from 'zod';
import { pointsOf } from '../../action-policy.ts';
import { type CoordinateSpace, fromModelPoint, operationFromModel } from './coordinate-space.ts';
import { AskHuman, Done, extraSchema, Fail, isOperationName, Zoom } from './tools.ts';

/** One tool call as the model wrote it. */
export type ModelCall = Readonly<{ id: string; name: string; input: unknown; malformed: boolean }>;

/** A call that cannot be followed, with what to tell the model. */
export type Refusal = Readonly<{ callId: string; message: string }>;

export type Proposal = Readonly<
  | {
      type: 'operations';
      operations: readonly Operation[];
      callIds: readonly string[];
      ignored: readonly string[];
    }
  | { type: 'zoom'; callId: string; area: z.infer<typeof Zoom>; ignored: readonly string[] }
  | { type: 'read_screen'; callId: string; ignored: readonly string[] }
  | { type: 'done'; callId: string; summary: string; ignored: readonly string[] }
  | { type: 'fail'; callId: string; reason: string; ignored: readonly string[] }
  | { type: 'ask_human'; callId: string; question: string; ignored: readonly string[] }
  | { type: 'refused'; refusals: readonly Refusal[] }
>;

/** Longest wait a model may ask for in one go, milliseconds. */
const MAX_WAIT_MS = 10_000;

/**
 * The model's calls → one proposal, or typed refusals; never a guess. Operations before anything else in the
 * same reply are taken; what follows a closing word is ignored and said so.
 */
export function readProposal(
  calls: readonly ModelCall[],
  geometry: FrameGeometry | null,
  space: CoordinateSpace = 'pixels',
  maxOperations: number = MAX_OPERATIONS_PER_COMMAND,
): Proposal {
  const refusals: Refusal[] = [];
  const operations: Operation[] = [];
  const callIds: string[] = [];
  let closing: ModelCall | null = null;
  const ignored: string[] = [];
  for (const call of calls) {
    if (call.malformed)
      refusals.push({ callId: call.id, message: `The input of ${call.name} is not valid JSON.` });
    else if (isOperationName(call.name)) {
      if (closing !== null || operations.length >= maxOperations) {
        ignored.push(call.id);
        continue;
      }
      const read = readOperation(call, geometry, space);
      if ('message' in read) refusals.push(read);
      else {
        operations.push(read.operation);
        callIds.push(call.id);
      }
    } else {
      const problem = problemOf(call);
      if (problem !== null) refusals.push(problem);
      else if (operations.length > 0 || closing !== null) ignored.push(call.id);
      else closing = call;
    }
  }
  // One bad call refuses the whole reply: half of a plan is another plan.
  if (refusals.length > 0) return { type: 'refused', refusals };
  if (operations.length > 0) return { type: 'operations', operations, callIds, ignored };
  if (closing === null) return { type: 'refused', refusals: [] };
  return closingProposal(closing, ignored, geometry, space);
}

function closingProposal(
  call: ModelCall,
  ignored: readonly string[],
  geometry: FrameGeometry | null,
  space: CoordinateSpace,
): Proposal {
  const callId = call.id;
  switch (call.name) {
    case 'zoom':
      return { type: 'zoom', callId, area: areaFromModel(Zoom.parse(call.input), geometry, space), ignored };
    case 'read_screen':
      return { type: 'read_screen', callId, ignored };
    case 'done':
      return { type: 'done', callId, summary: Done.parse(call.input).summary, ignored };
    case 'fail':
      return { type: 'fail', callId, reason: Fail.parse(call.input).reason, ignored };
    default:
      return { type: 'ask_human', callId, question: AskHuman.parse(call.input).question, ignored };
  }
}

function areaFromModel(
  area: z.infer<typeof Zoom>,
  geometry: FrameGeometry | null,
  space: CoordinateSpace,
): z.infer<typeof Zoom> {
  const start = fromModelPoint(space, geometry, { x: area.x, y: area.y });
  const end = fromModelPoint(space, geometry, { x: area.x + area.width, y: area.y + area.height });
  return { ...start, width: end.x - start.x, height: end.y - start.y };
}

function problemOf(call: ModelCall): Refusal | null {
  const schema = extraSchema(call.name);
  // `raw` and whatever else a model invents is never run.
  if (schema === undefined)
    return { callId: call.id, message: `There is no tool “${call.name.slice(0, 60)}”.` };
  const read = schema.safeParse(call.input);
  return read.success ? null : { callId: call.id, message: `${call.name}: ${issues(read.error)}` };
}

function readOperation(
  call: ModelCall,
  geometry: FrameGeometry | null,
  space: CoordinateSpace,
): { operation: Operation } | Refusal {
  const input = typeof call.input === 'object' && call.input !== null ? call.input : {};
  const read = Operation.safeParse({ ...input, type: call.name });
  if (!read.success) return { callId: call.id, message: `${call.name}: ${issues(read.error)}` };
  const operation = operationFromModel(space, geometry, read.data);
  if (operation.type === 'wait' && operation.ms > MAX_WAIT_MS)
    return { callId: call.id, message: `wait: at most ${MAX_WAIT_MS} ms at a time.` };
  const points = pointsOf(operation);
  if (points.length > 0 && geometry === null)
    return { callId: call.id, message: `${call.name}: there is no screenshot to point at.` };
  const outside = geometry === null ? undefined : points.find((point) => !isInsideFrame(geometry, point));
  if (outside !== undefined && geometry !== null)
    return {
      callId: call.id,
      message: `${call.name}: the point ${outside.x},${outside.y} lies outside the screenshot of ${geometry.image.width}x${geometry.image.height} pixels.`,
    };
  return { operation };
}

function issues(error: z.ZodError): string {
  return error.issues
    .slice(0, 4)
    .map(({ path, message }) => `${path.length === 0 ? 'input' : path.join('.')}: ${message}`)
    .join('; ');
}
