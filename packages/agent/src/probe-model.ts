import { createHash } from 'node:crypto';
import { centerOf, contains, Frame, type Operation, ProtocolError, pointsOf } from '@deskhand/protocol';
import { type EngineOptions, endpointOf } from './create-engine.ts';
import { VisionEngine } from './engines/vision/vision-engine.ts';
import type { Decision, ModelUsage, Turn } from './ports.ts';
import { PROBE_SIZE, PROBE_SQUARE, probePicture } from './probe-picture.ts';

/** What one question with one picture tells about a model. */
export type ModelProbe = Readonly<{
  /** `provider/model`. */
  model: string;
  /** ok: sees, calls tools, points right. warn: answers, but something of that is missing. fail: no answer. */
  state: 'ok' | 'warn' | 'fail';
  detail: string;
  todo?: string;
  /** From the question to the last word, milliseconds. */
  answeredMs: number;
  usage: ModelUsage | null;
}>;

/** Models that take a look of their own first get the same picture again. */
const MAX_TURNS = 3;
/** A doctor is not kept waiting by retries. */
const ONE_ATTEMPT = { firstDelayMs: 0, maxDelayMs: 0, attempts: 1, silenceMs: 60_000 };

/**
 * Asks the chosen model to click a red square in a drawn picture, the way a run would ask it: one small request
 * shows whether key, address and model are right, and whether it sees, calls tools and points where it means.
 * @returns null for the built-in engine.
 * @throws ProtocolError CONFIG_INVALID
 */
export async function probeModel(
  options: EngineOptions,
  { signal }: { signal: AbortSignal },
): Promise<ModelProbe | null> {
  const endpoint = endpointOf(options);
  if (endpoint === null) return null;
  const { prices } = options;
  const engine = new VisionEngine({
    endpoint,
    log: options.log,
    retry: ONE_ATTEMPT,
    ...(prices === undefined ? {} : { prices }),
  });
  const startedMs = performance.now();
  const answeredMs = () => Math.round(performance.now() - startedMs);
  await using session = engine.open({
    runId: 'probe',
    task: 'Click the middle of the red square, once. Do nothing else.',
    instructions: null,
    systemPrompt: null,
    cuaVersion: 'v1',
    maxSteps: 1,
  });
  let decision: Decision | null = null;
  let usage: ModelUsage | null = null;
  for (let turn = 1; turn <= MAX_TURNS; turn += 1) {
    decision = await session.decide(probeTurn(turn), { signal });
    usage = decision.usage ?? usage;
    if (decision.type !== 'look') break;
  }
  return { model: engine.name, answeredMs: answeredMs(), usage, ...judge(decision) };
}

function judge(decision: Decision | null): Pick<ModelProbe, 'state' | 'detail' | 'todo'> {
  if (decision?.type === 'fail' && decision.code !== 'TASK_FAILED' && decision.code !== 'STALLED')
    return { state: 'fail', detail: decision.message };
  const point = decision?.type === 'act' ? clickOf(decision.operations) : null;
  if (point === null)
    return {
      state: 'warn',
      detail: `answers, but not with a click: ${wordsOf(decision)}`,
      todo: 'Choose a model that sees pictures and calls tools; for a local server, turn tool calling on.',
    };
  const middle = centerOf(PROBE_SQUARE);
  const offPx = Math.round(Math.hypot(point.x - middle.x, point.y - middle.y));
  if (contains(PROBE_SQUARE, point))
    return { state: 'ok', detail: `sees, calls tools, points ${offPx} px beside the middle` };
  return {
    state: 'warn',
    detail: `sees and calls tools, but points ${offPx} px beside the target`,
    todo: 'This model gives places in a way Deskhand does not know; runs will lean on the element list.',
  };
}

function clickOf(operations: readonly Operation[]) {
  const click = operations.find(({ type }) => type === 'click');
  return click === undefined ? null : (pointsOf(click)[0] ?? null);
}

function wordsOf(decision: Decision | null): string {
  if (decision === null) return 'nothing';
  if (decision.type === 'act') return decision.operations.map(({ type }) => type).join(', ');
  return decision.type === 'fail' ? decision.message.slice(0, 200) : decision.type;
}

function probeTurn(step: number): Turn {
  const image = probePicture();
  const frame = Frame.parse({
    geometry: {
      frameId: `probe_${step}`,
      displayId: 'probe',
      layoutId: 'probe',
      region: { x: 0, y: 0, ...PROBE_SIZE },
      image: PROBE_SIZE,
      scale: 1,
    },
    mimeType: 'image/png',
    byteLength: image.byteLength,
    sha256: createHash('sha256').update(image).digest('hex'),
    capturedAt: new Date().toISOString(),
    exclusion: 'none_needed',
    degraded: false,
  });
  return {
    step,
    last: null,
    messages: [],
    sight: {
      image,
      observation: {
        frame,
        windows: [],
        activeWindowId: null,
        pointer: null,
        elements: [],
        sources: [],
        page: null,
        settle: { settledMs: 0, reason: 'not_asked' },
        timings: {},
      },
    },
  };
}

/** A probe that could not even be asked, in the same shape. */
export function probeProblem(error: unknown): ModelProbe {
  const detail = error instanceof ProtocolError ? error.message : 'The probe broke off.';
  return { model: '', state: 'fail', detail, answeredMs: 0, usage: null };
}
