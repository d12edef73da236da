import type { Logger } from '@deskhand/base';
import {
  type FrameGeometry,
  MAX_OPERATIONS_PER_COMMAND,
  type Outcome,
  ProtocolError,
} from '@deskhand/protocol';
import type { LanguageModel, ToolResultPart, ToolSet } from 'ai';
import type { Endpoint } from '../../model-choice.ts';
import type {
  Decision,
  Engine,
  EngineMessage,
  EngineSession,
  HistoryEntry,
  ModelUsage,
  TaskBrief,
  Turn,
} from '../../ports.ts';
import { askModel, DEFAULT_RETRY, type ModelReply, type RetryPlan, TooLong } from './ask-model.ts';
import { Conversation } from './conversation.ts';
import { type CoordinateSpace, coordinateSpaceOf } from './coordinate-space.ts';
import { elementLines } from './element-list.ts';
import { instructionsFor, taskMessage } from './instructions.ts';
import { languageModel } from './language-model.ts';
import { type ModelCall, type Proposal, readProposal } from './proposal.ts';
import { toolsForModel } from './tools.ts';

/** Pictures kept in the conversation; older ones are left out. */
const KEEP_IMAGES = 3;
/** Exchanges kept word for word; older ones become one line each. */
const KEEP_EXCHANGES = 24;
/** Longest tool output shown to a model, characters. */
const MAX_RESULT_CHARACTERS = 4000;
/** Looks a model may take without acting. */
const MAX_LOOKS_IN_A_ROW = 8;

export type VisionEngineOptions = Readonly<{ endpoint: Endpoint; log: Logger; retry?: RetryPlan }>;

/** Any model with eyes, through the AI SDK; sees the frame and the elements, answers with tool calls. */
export class VisionEngine implements Engine {
  readonly name: string;
  readonly observeRequest = { elements: true, frame: { maxSidePx: 1280, mimeType: 'image/jpeg' as const } };
  readonly #options: VisionEngineOptions;

  constructor(options: VisionEngineOptions) {
    this.#options = options;
    this.name = `${options.endpoint.provider}/${options.endpoint.model}`;
  }

  open(brief: TaskBrief, earlier: readonly HistoryEntry[] = []): EngineSession {
    return new VisionSession(brief, earlier, this.#options);
  }
}

class VisionSession implements EngineSession {
  readonly #brief: TaskBrief;
  readonly #options: VisionEngineOptions;
  readonly #model: LanguageModel;
  readonly #space: CoordinateSpace;
  readonly #tools: ToolSet;
  readonly #conversation: Conversation;
  /** Calls of the last reply that still need their results. */
  #open: { calls: readonly ModelCall[]; proposal: Proposal } | null = null;
  /** The last full screenshot: what coordinates belong to, zooms in between or not. */
  #frame: FrameGeometry | null = null;
  #shownPicture: string | null = null;
  #looks = 0;

  constructor(brief: TaskBrief, earlier: readonly HistoryEntry[], options: VisionEngineOptions) {
    this.#brief = brief;
    this.#space = coordinateSpaceOf(`${options.endpoint.provider}/${options.endpoint.model}`);
    this.#options = options;
    this.#tools = toolsForModel(this.#space);
    this.#model = languageModel(options.endpoint);
    this.#conversation = new Conversation({
      task: taskMessage(brief, earlier),
      keepImages: KEEP_IMAGES,
      keepExchanges: KEEP_EXCHANGES,
    });
  }

  async decide(turn: Turn, { signal }: { signal: AbortSignal }): Promise<Decision> {
    this.#answerOpenCalls(turn);
    this.#showScreen(turn);
    const usage = { inputTokens: 0, outputTokens: 0 };
    try {
      // A reply that cannot be followed goes back to the model once; then it is a failure.
      for (let asked = 1; ; asked += 1) {
        const reply = await this.#ask(signal);
        add(usage, reply.usage);
        this.#conversation.reply(reply.assistant);
        const maxOperations = this.#brief.cuaVersion === 'v1' ? 1 : MAX_OPERATIONS_PER_COMMAND;
        const proposal = readProposal(reply.calls, this.#frame, this.#space, maxOperations);
        if (proposal.type !== 'refused') {
          this.#open = { calls: reply.calls, proposal };
          return { ...this.#decisionFor(proposal, reply), usage };
        }
        const why = this.#refuse(reply, proposal.refusals);
        if (asked === 2)
          return {
            ...fail(`${this.#nameWords()} did not answer with a usable action: ${why}`, 'TASK_FAILED'),
            usage,
          };
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof ProtocolError)) throw error;
      return { ...fail(error.message, error.code), usage };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #ask(signal: AbortSignal): Promise<ModelReply> {
    for (;;) {
      try {
        return await askModel(
          {
            model: this.#model,
            endpoint: this.#options.endpoint,
            instructions: instructionsFor(this.#brief, this.#space),
            messages: this.#conversation.messages(),
            tools: this.#tools,
            retry: this.#options.retry ?? DEFAULT_RETRY,
            log: this.#options.log,
          },
          { signal },
        );
      } catch (error) {
        if (!(error instanceof TooLong)) throw error;
        if (!this.#conversation.shrink()) throw new ProtocolError('UPSTREAM_ERROR', error.message);
        this.#options.log.info('conversation too long for the model, showing less of the past');
      }
    }
  }

  #decisionFor(proposal: Exclude<Proposal, { type: 'refused' }>, reply: ModelReply): Decision {
    const reasoning = reply.text.trim();
    const isLook = proposal.type === 'zoom' || proposal.type === 'read_screen';
    this.#looks = isLook ? this.#looks + 1 : 0;
    if (this.#looks > MAX_LOOKS_IN_A_ROW)
      return fail(`${this.#nameWords()} only looked, ${MAX_LOOKS_IN_A_ROW} times in a row.`, 'STALLED');
    switch (proposal.type) {
      case 'operations':
        return {
          type: 'act',
          reasoning,
          frameId: this.#frame?.frameId ?? null,
          operations: proposal.operations,
        };
      case 'zoom': {
        const region = this.#frame === null ? null : desktopArea(this.#frame, proposal.area);
        if (region === null) return { type: 'look', reasoning, request: { elements: true } };
        return { type: 'look', reasoning, request: { frame: { region, maxSidePx: 1280 }, settle: false } };
      }
      case 'read_screen':
        return { type: 'look', reasoning, request: { elements: true, ocr: true } };
      case 'done':
        return { type: 'done', reasoning, summary: proposal.summary };
      case 'fail':
        return { type: 'fail', reasoning, code: 'TASK_FAILED', message: proposal.reason };
      case 'ask_human':
        return { type: 'ask_human', reasoning, question: proposal.question };
    }
  }

  /** Every call of the last reply gets its result, as each provider demands. */
  #answerOpenCalls(turn: Turn): void {
    if (this.#open === null) return;
    const { calls, proposal } = this.#open;
    this.#open = null;
    this.#conversation.answer(calls.map((call) => toolResult(call, resultWords(call, proposal, turn))));
  }

  #showScreen(turn: Turn): void {
    const { observation, image } = turn.sight;
    const { frame } = observation;
    const isZoom = frame !== null && this.#frame !== null && isCrop(frame.geometry, this.#frame);
    const lines = turn.messages.map(messageWords);
    const picture = frame?.sha256 ?? null;
    const unchanged = picture !== null && picture === this.#shownPicture;
    if (frame === null || image === null)
      lines.push('No screenshot could be taken; the element list is all there is.');
    else if (unchanged) lines.push('No visible change since the last screenshot.');
    else if (isZoom)
      lines.push('The part you asked for, enlarged. Coordinates still belong to the full screenshot.');
    else lines.push(`The screen now: ${frame.geometry.image.width}x${frame.geometry.image.height} pixels.`);
    if (!isZoom) {
      this.#frame = frame?.geometry ?? null;
      const active = observation.windows.find(({ id }) => id === observation.activeWindowId);
      if (active !== undefined)
        lines.push(
          `Active window: ${JSON.stringify(active.title.slice(0, 120))} (${active.application.slice(0, 60)})`,
        );
      if (observation.page !== null) lines.push(`Page: ${observation.page.url.slice(0, 500)}`);
      const elements = elementLines(observation, this.#space);
      if (elements.length > 0 && !unchanged) lines.push(`Elements:\n${elements.join('\n')}`);
      this.#shownPicture = picture;
    }
    const shown =
      image === null || frame === null || unchanged ? null : { bytes: image, mediaType: frame.mimeType };
    this.#conversation.show(lines.join('\n'), shown);
  }

  /** Tells the model what was wrong with its reply. @returns the same in one line. */
  #refuse(reply: ModelReply, refusals: readonly { callId: string; message: string }[]): string {
    const byCall = new Map(refusals.map(({ callId, message }) => [callId, message]));
    this.#conversation.answer(
      reply.calls.map((call) =>
        toolResult(call, byCall.get(call.id) ?? 'Not done: another call of this reply was not usable.', true),
      ),
    );
    const none =
      reply.finishReason === 'length'
        ? 'the reply was cut off at its length limit'
        : 'the reply called no tool';
    const why = refusals.length === 0 ? none : refusals.map(({ message }) => message).join('; ');
    this.#options.log.warn('model reply not usable', {
      calls: reply.calls.length,
      refusals: refusals.length,
    });
    this.#conversation.show(`That could not be followed: ${why}. Answer by calling a tool.`, null);
    return why.slice(0, 500);
  }

  #nameWords(): string {
    return `${this.#options.endpoint.provider}/${this.#options.endpoint.model}`;
  }
}

/** The result of one call in the words a model gets. */
function resultWords(call: ModelCall, proposal: Proposal, turn: Turn): string {
  if ('ignored' in proposal && proposal.ignored.includes(call.id))
    return 'Not done: look at the result of the other calls of this reply first.';
  switch (proposal.type) {
    case 'operations': {
      const index = proposal.callIds.indexOf(call.id);
      const outcome = turn.last?.outcomes[index];
      return outcome === undefined
        ? 'Not done: an earlier action of this reply was not done.'
        : outcomeWords(outcome);
    }
    case 'done': {
      const no = turn.messages.find((message) => message.from === 'verifier');
      return no?.from === 'verifier'
        ? `A check of the result says it is not done: ${no.reason}`
        : 'Not accepted.';
    }
    case 'ask_human': {
      const answer = turn.messages.find((message) => message.from === 'human');
      return answer?.from === 'human' && answer.note !== null
        ? `The person says: ${answer.note}`
        : 'The person resumed without a note.';
    }
    default:
      return 'See the next picture.';
  }
}

function outcomeWords(outcome: Outcome): string {
  const parts: string[] = [outcome.status];
  if (outcome.code !== undefined) parts.push(outcome.code);
  if (outcome.message !== undefined) parts.push(outcome.message);
  const result =
    outcome.result === undefined ? '' : `\n${JSON.stringify(outcome.result).slice(0, MAX_RESULT_CHARACTERS)}`;
  return `${parts.join(': ')}${result}`;
}

function messageWords(message: EngineMessage): string {
  switch (message.from) {
    case 'human':
      return message.note === null ? 'The person resumed the run.' : `The person says: ${message.note}`;
    case 'takeover':
      return 'A person used the computer meanwhile and changed the screen; look before you act.';
    case 'verifier':
      return `A check of the result says it is not done: ${message.reason}`;
  }
}

function toolResult(call: ModelCall, value: string, isError = false): ToolResultPart {
  return {
    type: 'tool-result',
    toolCallId: call.id,
    toolName: call.name,
    output: { type: isError ? 'error-text' : 'text', value },
  };
}

/** Frame pixels → desktop space, kept inside the frame's region. */
function desktopArea(frame: FrameGeometry, area: { x: number; y: number; width: number; height: number }) {
  const scaleX = frame.region.width / frame.image.width;
  const scaleY = frame.region.height / frame.image.height;
  const x = Math.min(area.x, frame.image.width - 8);
  const y = Math.min(area.y, frame.image.height - 8);
  return {
    x: Math.round(frame.region.x + x * scaleX),
    y: Math.round(frame.region.y + y * scaleY),
    width: Math.max(8, Math.round(Math.min(area.width, frame.image.width - x) * scaleX)),
    height: Math.max(8, Math.round(Math.min(area.height, frame.image.height - y) * scaleY)),
  };
}

function isCrop(geometry: FrameGeometry, full: FrameGeometry): boolean {
  return (
    geometry.displayId === full.displayId &&
    geometry.region.width * geometry.region.height < full.region.width * full.region.height * 0.98
  );
}

function fail(message: string, code: Extract<Decision, { type: 'fail' }>['code']): Decision {
  return { type: 'fail', reasoning: message, code, message };
}

function add(total: { inputTokens: number; outputTokens: number }, usage: ModelUsage): void {
  total.inputTokens += usage.inputTokens;
  total.outputTokens += usage.outputTokens;
}
