import { inertLine, type Logger } from '@deskhand/base';
import {
  type FrameGeometry,
  MAX_OPERATIONS_PER_COMMAND,
  type ObserveRequestInput,
  type Point,
  ProtocolError,
  type ScreenElement,
} from '@deskhand/protocol';
import type { Endpoint } from '../../model-choice.ts';
import { addUsage, costOf, type ModelPrices, priceOf } from '../../model-prices.ts';
import type {
  Decision,
  Engine,
  EngineMessage,
  EngineSession,
  HistoryEntry,
  ModelUsage,
  Say,
  TaskBrief,
  Turn,
} from '../../ports.ts';
import { DEFAULT_RETRY, type RetryPlan, TooLong } from './ask-model.ts';
import { Conversation } from './conversation.ts';
import { toModelPoint } from './coordinate-space.ts';
import { elementInWords, listElements } from './element-list.ts';
import { taskMessage } from './instructions.ts';
import { Manner, type Said } from './manner.ts';
import { longestSideFor, type ModelProfile, profileOf } from './model-profiles.ts';
import { ownCalls, safetyChecksOf } from './native-calls.ts';
import { type ModelCall, type Proposal, type Refusal, readProposal } from './proposal.ts';
import { desktopArea, isCrop, messageWords, resultWords, windowWords } from './words.ts';

/** Exchanges kept word for word; older ones become one line each. */
const KEEP_EXCHANGES = 24;
/** Looks a model may take without acting. */
const MAX_LOOKS_IN_A_ROW = 8;

export type VisionEngineOptions = Readonly<{
  endpoint: Endpoint;
  log: Logger;
  retry?: RetryPlan;
  prices?: ModelPrices;
}>;

type Usable = Exclude<Proposal, { type: 'refused' | 'read_element' | 'pointer_position' }>;
type SafetyChecks = ReturnType<typeof safetyChecksOf>;

/** Any model with eyes, through the AI SDK; sees the frame and the elements, answers with tool calls. */
export class VisionEngine implements Engine {
  readonly name: string;
  readonly observeRequest: ObserveRequestInput;
  readonly #profile: ModelProfile;
  readonly #options: VisionEngineOptions;

  constructor(options: VisionEngineOptions) {
    this.#options = options;
    this.name = `${options.endpoint.provider}/${options.endpoint.model}`;
    this.#profile = profileOf(this.name);
    this.observeRequest = observeRequestFor(this.#profile, this.#profile.image.maxSidePx);
  }

  open(brief: TaskBrief, earlier: readonly HistoryEntry[] = []): EngineSession {
    return new VisionSession(brief, earlier, this.name, this.#profile, this.#options);
  }
}

class VisionSession implements EngineSession {
  readonly #brief: TaskBrief;
  readonly #name: string;
  readonly #profile: ModelProfile;
  readonly #options: VisionEngineOptions;
  readonly #manner: Manner;
  readonly #conversation: Conversation;
  /** Calls of the last reply that still need their results. */
  #open: { calls: readonly ModelCall[]; proposal: Proposal; acknowledged: SafetyChecks } | null = null;
  /** Decided, but the provider wants a person to have a look first. */
  #held: Extract<Decision, { type: 'act' }> | null = null;
  /** Said to the engine while it could not pass it on. */
  #unsaid: readonly EngineMessage[] = [];
  /** The last full screenshot: what coordinates belong to, zooms in between or not. */
  #frame: FrameGeometry | null = null;
  #elements: readonly ScreenElement[] = [];
  #pointer: Point | null = null;
  #shownPicture: string | null = null;
  #maxSidePx: number;
  #looks = 0;

  constructor(
    brief: TaskBrief,
    earlier: readonly HistoryEntry[],
    name: string,
    profile: ModelProfile,
    options: VisionEngineOptions,
  ) {
    this.#brief = brief;
    this.#name = name;
    this.#profile = profile;
    this.#options = options;
    this.#maxSidePx = profile.image.maxSidePx;
    this.#manner = new Manner(options.endpoint, profile, options.log);
    this.#conversation = new Conversation({
      task: taskMessage(brief, earlier),
      carrier: this.#manner.carrier,
      keepImages: profile.image.kept ?? 1,
      keepExchanges: KEEP_EXCHANGES,
    });
  }

  get observeRequest(): ObserveRequestInput {
    return observeRequestFor(this.#profile, this.#maxSidePx);
  }

  async decide(turn: Turn, { signal, say }: { signal: AbortSignal; say?: Say }): Promise<Decision> {
    if (this.#held !== null) {
      const held = this.#held;
      this.#held = null;
      this.#unsaid = turn.messages;
      return held;
    }
    const smaller = this.#smallerPicture(turn);
    if (smaller !== null) return smaller;
    const messages = [...this.#unsaid, ...turn.messages];
    this.#unsaid = [];
    const told = { ...turn, messages };
    this.#answerOpenCalls(told);
    this.#showScreen(told);
    let usage: ModelUsage | null = null;
    const spent = () => (usage === null ? {} : { usage: this.#priced(usage) });
    try {
      for (let refused = 0, read = 0; ; ) {
        const said = await this.#ask(signal, say);
        usage = addUsage(usage, { ...said.reply.usage, costUsd: null });
        this.#conversation.reply(said.reply.assistant);
        const proposal = this.#proposalOf(said);
        if (proposal.type === 'refused') {
          // A reply that cannot be followed goes back to the model once; then it is a failure.
          refused += 1;
          const why = this.#refuse(said, proposal.refusals);
          if (refused < 2) continue;
          return {
            ...fail(`${this.#name} did not answer with a usable action: ${why}`, 'TASK_FAILED'),
            ...spent(),
          };
        }
        if (proposal.type === 'read_element' || proposal.type === 'pointer_position') {
          read += 1;
          if (read > MAX_LOOKS_IN_A_ROW) return { ...this.#onlyLooked(), ...spent() };
          this.#answerFromMemory(said, proposal);
          continue;
        }
        return { ...this.#follow(said, proposal), ...spent() };
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof ProtocolError)) throw error;
      return { ...fail(error.message, error.code), ...spent() };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #ask(signal: AbortSignal, say: Say | undefined): Promise<Said> {
    const image = this.#frame?.image ?? { width: this.#maxSidePx, height: this.#maxSidePx };
    const { log, retry = DEFAULT_RETRY } = this.#options;
    for (;;) {
      try {
        return await this.#manner.ask(
          this.#conversation,
          { brief: this.#brief, image, retry, say },
          { signal },
        );
      } catch (error) {
        if (!(error instanceof TooLong)) throw error;
        if (!this.#conversation.shrink()) throw new ProtocolError('UPSTREAM_ERROR', error.message);
        log.info('conversation too long for the model, showing less of the past');
      }
    }
  }

  #proposalOf({ calls }: Said): Proposal {
    const pointer = this.#pointer === null ? null : toModelPoint(this.#profile, this.#frame, this.#pointer);
    return readProposal(
      calls.flatMap((call) => ownCalls(call, pointer)),
      {
        geometry: this.#frame,
        places: this.#profile,
        elements: this.#elements,
        maxOperations: this.#brief.cuaVersion === 'v1' ? 1 : MAX_OPERATIONS_PER_COMMAND,
      },
    );
  }

  /** What a usable reply means for the run. */
  #follow(said: Said, proposal: Usable): Decision {
    const checks = said.calls.flatMap(safetyChecksOf);
    this.#open = { calls: said.calls, proposal, acknowledged: checks };
    const decision = this.#decisionFor(proposal, said.thought);
    if (checks.length === 0 || decision.type !== 'act') return decision;
    this.#held = decision;
    const what = checks.map(({ message }) => message ?? 'no details').join('; ');
    return {
      type: 'ask_human',
      reasoning: said.thought,
      question: `${this.#name} wants a person to check its next actions first: ${what.slice(0, 1500)} Resume to let them happen; cancel the run to refuse.`,
    };
  }

  #decisionFor(proposal: Usable, reasoning: string): Decision {
    const isLook = ['zoom', 'read_screen', 'screenshot', 'find_text'].includes(proposal.type);
    this.#looks = isLook ? this.#looks + 1 : 0;
    if (this.#looks > MAX_LOOKS_IN_A_ROW) return this.#onlyLooked();
    switch (proposal.type) {
      case 'operations':
        return {
          type: 'act',
          reasoning,
          frameId: this.#frame?.frameId ?? null,
          operations: proposal.operations,
          stopAtNoEffect: true,
        };
      case 'zoom': {
        const region = this.#frame === null ? null : desktopArea(this.#frame, proposal.area);
        if (region === null) return { type: 'look', reasoning, request: this.observeRequest };
        const frame = { ...frameRequestFor(this.#profile, this.#maxSidePx), region };
        return { type: 'look', reasoning, request: { frame, settle: false } };
      }
      case 'screenshot':
        return { type: 'look', reasoning, request: this.observeRequest };
      case 'read_screen':
      case 'find_text':
        return { type: 'look', reasoning, request: { ...this.observeRequest, elements: true, ocr: true } };
      case 'done':
        return { type: 'done', reasoning, summary: proposal.summary };
      case 'fail':
        return { type: 'fail', reasoning, code: 'TASK_FAILED', message: proposal.reason };
      case 'ask_human':
        return { type: 'ask_human', reasoning, question: proposal.question };
    }
  }

  #onlyLooked(): Decision {
    return fail(`${this.#name} only looked, ${MAX_LOOKS_IN_A_ROW} times in a row.`, 'STALLED');
  }

  /** A screen of unusual proportions: the provider would shrink its picture and places would no longer fit. */
  #smallerPicture(turn: Turn): Decision | null {
    const image = turn.sight.observation.frame?.geometry.image;
    if (image === undefined) return null;
    const fitting = longestSideFor(this.#profile, image);
    if (fitting >= this.#maxSidePx || Math.max(image.width, image.height) <= fitting) return null;
    this.#maxSidePx = fitting;
    return { type: 'look', reasoning: '', request: this.observeRequest };
  }

  /** Every call of the last reply gets its result, as each provider demands. */
  #answerOpenCalls(turn: Turn): void {
    if (this.#open === null) return;
    const { calls, proposal, acknowledged } = this.#open;
    this.#open = null;
    this.#conversation.answer(
      calls.map((call) => ({
        call,
        text: resultWords(call, proposal, turn, this.#profile),
        isError: false,
        acknowledged,
      })),
    );
  }

  /** Answers what needs no look at the machine. */
  #answerFromMemory(
    { calls }: Said,
    proposal: Extract<Proposal, { type: 'read_element' | 'pointer_position' }>,
  ): void {
    const pointer = this.#pointer === null ? null : toModelPoint(this.#profile, this.#frame, this.#pointer);
    const text =
      proposal.type === 'read_element'
        ? elementInWords(proposal.element)
        : pointer === null
          ? 'The place of the pointer is not known.'
          : `X=${pointer.x},Y=${pointer.y}`;
    this.#conversation.answer(
      calls.map((call) => ({
        call,
        text: call.id === proposal.callId ? text : 'Not done: look at the result of the other call first.',
        isError: false,
      })),
    );
    this.#conversation.show({ text: 'Go on.', details: '', image: null, kind: 'words' });
  }

  #showScreen(turn: Turn): void {
    const { observation, image } = turn.sight;
    const { frame } = observation;
    this.#pointer = observation.pointer;
    const isZoom = frame !== null && this.#frame !== null && isCrop(frame.geometry, this.#frame);
    const lines = turn.messages.map(messageWords);
    let details = '';
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
      if (active !== undefined) lines.push(windowWords(active));
      if (observation.page !== null) lines.push(`Page: ${inertLine(observation.page.url, 500)}`);
      if (this.#manner.wantsElements) {
        const list = listElements(observation, this.#profile);
        this.#elements = list.numbered;
        if (list.lines.length > 0) details = `Elements:\n${list.lines.join('\n')}`;
      }
      this.#shownPicture = picture;
    }
    this.#conversation.show({
      text: lines.join('\n'),
      details,
      image: image === null || frame === null ? null : { bytes: image, mediaType: frame.mimeType },
      kind: unchanged ? 'unchanged' : isZoom ? 'zoom' : 'screen',
    });
  }

  /** Tells the model what was wrong with its reply. @returns the same in one line. */
  #refuse({ reply, calls }: Said, refusals: readonly Refusal[]): string {
    const byCall = new Map(refusals.map(({ callId, message }) => [callId, message]));
    this.#conversation.answer(
      calls.map((call) => ({
        call,
        text: byCall.get(call.id) ?? 'Not done: another call of this reply was not usable.',
        isError: true,
      })),
    );
    const none =
      reply.finishReason === 'length'
        ? 'the reply was cut off at its length limit'
        : reply.finishReason === 'content-filter'
          ? 'the provider’s filter held the reply back'
          : 'the reply called no tool';
    const why = refusals.length === 0 ? none : refusals.map(({ message }) => message).join('; ');
    this.#options.log.warn('model reply not usable', { calls: calls.length, refusals: refusals.length });
    this.#conversation.show({
      text: `That could not be followed: ${why}. Answer with a tool call; if the task is done, call done.`,
      details: '',
      image: null,
      kind: 'words',
    });
    return why.slice(0, 500);
  }

  #priced(usage: ModelUsage): ModelUsage {
    return { ...usage, costUsd: costOf(usage, priceOf(this.#name, this.#options.prices ?? {})) };
  }
}

function observeRequestFor(profile: ModelProfile, maxSidePx: number): ObserveRequestInput {
  return { elements: profile.grammar !== 'ui_tars', frame: frameRequestFor(profile, maxSidePx) };
}

function frameRequestFor({ image }: ModelProfile, maxSidePx: number) {
  return { maxSidePx, mimeType: image.mimeType ?? 'image/jpeg', compact: true } as const;
}

function fail(message: string, code: Extract<Decision, { type: 'fail' }>['code']): Decision {
  return { type: 'fail', reasoning: message, code, message };
}
