import type { AssistantModelMessage, ModelMessage, ToolResultPart, UserModelMessage } from 'ai';
import type { ModelCall } from './proposal.ts';

type Image = Readonly<{ bytes: Uint8Array; mediaType: string }>;

/** What became of one call of a reply. */
export type CallResult = Readonly<{
  call: ModelCall;
  text: string;
  isError: boolean;
  /** OpenAI's safety checks a person has let pass. */
  acknowledged?: ReadonlyArray<{ id: string; message?: string }>;
}>;

/** How results and pictures travel. */
export type Carrier =
  /** Tool results as text, the picture in the next message. */
  | 'functions'
  /** The picture inside the result of the computer tool, as Anthropic's models are trained on. */
  | 'anthropic_computer'
  /** The result of the computer tool is a picture and nothing else. */
  | 'openai_computer'
  /** No tool messages at all: everything is said in words. */
  | 'words';

/** What the model is shown before it answers. */
export type Shown = {
  text: string;
  /** What only counts while it is new: the element list. */
  details: string;
  image: Image | null;
  kind: 'screen' | 'zoom' | /** The picture is the one before. */ 'unchanged' | 'words';
};

/** One exchange: what the screen showed, what the model said to it, what became of that. */
type Exchange = Shown & {
  assistant: AssistantModelMessage | null;
  results: CallResult[];
};

/**
 * The conversation as the model is shown it. Old pictures are replaced by a word, old exchanges beyond a
 * limit are summed up in one line each, so that a long run does not outgrow the model's window.
 */
export class Conversation {
  readonly #task: string;
  #carrier: Carrier;
  readonly #exchanges: Exchange[] = [];
  #keepImages: number;
  #keepExchanges: number;

  constructor(options: { task: string; carrier: Carrier; keepImages: number; keepExchanges: number }) {
    this.#task = options.task;
    this.#carrier = options.carrier;
    this.#keepImages = options.keepImages;
    this.#keepExchanges = options.keepExchanges;
  }

  /** The server cannot carry what was tried: from now on, and backwards, in another form. */
  carryAs(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** The screen as it is now, and what happened since the last reply. */
  show(shown: Shown): void {
    const last = this.#exchanges.at(-1);
    // Two pictures without a reply between them: the newer one replaces the older.
    if (last !== undefined && last.assistant === null) {
      last.text = shown.text;
      if (shown.details !== '') last.details = shown.details;
      if (shown.image === null || (shown.kind === 'unchanged' && last.kind !== 'unchanged')) return;
      last.image = shown.image;
      last.kind = shown.kind;
      return;
    }
    this.#exchanges.push({ ...shown, assistant: null, results: [] });
  }

  reply(assistant: AssistantModelMessage): void {
    const last = this.#exchanges.at(-1);
    if (last === undefined || last.assistant !== null)
      throw new Error('A reply needs something it replies to.');
    last.assistant = assistant;
  }

  /** What became of the calls of the last reply; every call needs one. */
  answer(results: readonly CallResult[]): void {
    this.#exchanges.at(-1)?.results.push(...results);
  }

  /** Shows less of the past; false when there is nothing left to leave out. */
  shrink(): boolean {
    if (this.#keepImages <= 1 && this.#keepExchanges <= 2) return false;
    this.#keepImages = 1;
    this.#keepExchanges = Math.max(2, Math.floor(this.#keepExchanges / 4));
    return true;
  }

  messages(): ModelMessage[] {
    const first = Math.max(0, this.#exchanges.length - this.#keepExchanges);
    const pictures = this.#exchanges.filter(({ image, kind }) => image !== null && kind !== 'unchanged');
    const kept = new Set(pictures.slice(-this.#keepImages));
    // Coordinates belong to the last full screenshot, however many zooms came after it.
    const full = pictures.findLast(({ kind }) => kind === 'screen');
    if (full !== undefined) kept.add(full);
    const detailed = this.#exchanges.findLast(({ details }) => details !== '');
    const opening =
      first === 0 ? this.#task : `${this.#task}\n\nEarlier steps, in short:\n${this.#digest(first)}`;
    const messages: ModelMessage[] = [];
    let carried: Carried = { text: `${opening}\n\n`, image: null };
    const shown = this.#exchanges.slice(first);
    shown.forEach((exchange, index) => {
      const image = carried.image === 'in_result' || !kept.has(exchange) ? null : exchange.image;
      const isLeftOut = exchange.image !== null && exchange.kind !== 'unchanged' && !kept.has(exchange);
      const note = isLeftOut ? '\n[An older screenshot is left out.]' : '';
      const details = exchange === detailed ? `\n${exchange.details}` : '';
      messages.push(userMessage(`${carried.text}${exchange.text}${details}${note}`, image));
      carried = { text: '', image: null };
      if (exchange.assistant === null) return;
      const next = shown[index + 1] ?? null;
      carried = this.#sayWhatHappened(messages, exchange, next, next !== null && kept.has(next));
    });
    return messages;
  }

  /** Adds the reply and its results. @returns what the next message has to carry for them. */
  #sayWhatHappened(
    messages: ModelMessage[],
    { assistant, results }: Exchange,
    next: Exchange | null,
    isNextKept: boolean,
  ): Carried {
    if (assistant === null) return { text: '', image: null };
    const computer = results.filter(({ call }) => call.name === 'computer');
    const image = next?.image ?? null;
    if (this.#carrier === 'openai_computer' && computer.length > 0) {
      // The result has to be a picture: an exchange whose picture is left out is told in words instead.
      const hasPicture = image !== null && (isNextKept || next?.kind === 'unchanged');
      if (!hasPicture) return inWords(messages, assistant, results);
      messages.push(assistant, {
        role: 'tool',
        content: results.map((result) =>
          result.call.name === 'computer' ? screenshotResult(result, image) : textResult(result),
        ),
      });
      return { text: computerWords(computer), image: 'in_result' };
    }
    if (results.length === 0) {
      messages.push(assistant);
      return { text: '', image: null };
    }
    if (this.#carrier === 'words' || results.some(({ call }) => call.written === true))
      return inWords(messages, assistant, results);
    messages.push(assistant);
    const last = computer.at(-1);
    const goesInside =
      this.#carrier === 'anthropic_computer' && last !== undefined && image !== null && isNextKept;
    messages.push({
      role: 'tool',
      content: results.map((result) =>
        goesInside && result === last ? resultWithPicture(result, image) : textResult(result),
      ),
    });
    return { text: '', image: goesInside ? 'in_result' : null };
  }

  #digest(until: number): string {
    return this.#exchanges
      .slice(0, until)
      .map(({ assistant, results }, index) => {
        const calls = results.map(({ call, text }) => `${call.name}: ${text.split('\n')[0]?.slice(0, 80)}`);
        return `${index + 1}. ${calls.join('; ') || textOf(assistant).slice(0, 120)}`;
      })
      .join('\n');
  }
}

type Carried = { text: string; image: 'in_result' | null };

/** Reply and results without tool messages: the results open the next message. */
function inWords(
  messages: ModelMessage[],
  assistant: AssistantModelMessage,
  results: readonly CallResult[],
): Carried {
  const told = results.map(({ call, text }) => `${call.name}: ${text}`).join('\n');
  messages.push({ role: 'assistant', content: textOf(assistant) || '(no words)' });
  return { text: told === '' ? '' : `What became of it:\n${told}\n\n`, image: null };
}

function computerWords(results: readonly CallResult[]): string {
  return results.map(({ text }) => `computer: ${text}\n`).join('');
}

function textResult({ call, text, isError }: CallResult): ToolResultPart {
  const output = { type: isError ? ('error-text' as const) : ('text' as const), value: text };
  return { type: 'tool-result', toolCallId: call.id, toolName: call.name, output };
}

function resultWithPicture({ call, text }: CallResult, { bytes, mediaType }: Image): ToolResultPart {
  return {
    type: 'tool-result',
    toolCallId: call.id,
    toolName: call.name,
    output: {
      type: 'content',
      value: [
        { type: 'text', text },
        { type: 'file', data: { type: 'data', data: bytes }, mediaType },
      ],
    },
  };
}

function screenshotResult({ call, acknowledged }: CallResult, { bytes, mediaType }: Image): ToolResultPart {
  return {
    type: 'tool-result',
    toolCallId: call.id,
    toolName: call.name,
    output: {
      type: 'json',
      value: {
        output: {
          type: 'computer_screenshot',
          imageUrl: `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`,
          detail: 'original',
        },
        ...(acknowledged === undefined || acknowledged.length === 0
          ? {}
          : { acknowledgedSafetyChecks: acknowledged.map((check) => ({ ...check })) }),
      },
    },
  };
}

function userMessage(text: string, image: Image | null): UserModelMessage {
  const content: UserModelMessage['content'] = [{ type: 'text', text }];
  if (image !== null) content.push({ type: 'file', data: image.bytes, mediaType: image.mediaType });
  return { role: 'user', content };
}

function textOf(assistant: AssistantModelMessage | null): string {
  if (assistant === null) return '';
  if (typeof assistant.content === 'string') return assistant.content;
  return assistant.content
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join(' ')
    .trim();
}
