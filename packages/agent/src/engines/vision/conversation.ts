import type { AssistantModelMessage, ModelMessage, ToolResultPart, UserModelMessage } from 'ai';

/** One exchange: what the model said, what became of it, what the screen shows since. */
type Exchange = {
  assistant: AssistantModelMessage | null;
  results: ToolResultPart[];
  /** Words that go with the next picture. */
  text: string;
  image: { bytes: Uint8Array; mediaType: string } | null;
};

/**
 * The conversation as the model is shown it. Old pictures are replaced by a word, old exchanges beyond a
 * limit are summed up in one line each, so that a long run does not outgrow the model's window.
 */
export class Conversation {
  readonly #task: string;
  readonly #exchanges: Exchange[] = [];
  #keepImages: number;
  #keepExchanges: number;

  constructor(options: { task: string; keepImages: number; keepExchanges: number }) {
    this.#task = options.task;
    this.#keepImages = options.keepImages;
    this.#keepExchanges = options.keepExchanges;
  }

  /** The screen as it is now, and what happened since the last reply. */
  show(text: string, image: Exchange['image']): void {
    const last = this.#exchanges.at(-1);
    // Two pictures without a reply between them: the newer one replaces the older.
    if (last !== undefined && last.assistant === null) {
      last.text = text;
      last.image = image ?? last.image;
      return;
    }
    this.#exchanges.push({ assistant: null, results: [], text, image });
  }

  reply(assistant: AssistantModelMessage): void {
    const last = this.#exchanges.at(-1);
    if (last === undefined || last.assistant !== null)
      throw new Error('A reply needs something it replies to.');
    last.assistant = assistant;
  }

  /** What became of the calls of the last reply; every call needs one. */
  answer(results: readonly ToolResultPart[]): void {
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
    const withImage = this.#exchanges.filter(({ image }) => image !== null).slice(-this.#keepImages);
    const opening =
      first === 0 ? this.#task : `${this.#task}\n\nEarlier steps, in short:\n${this.#digest(first)}`;
    const messages: ModelMessage[] = [];
    this.#exchanges.slice(first).forEach((exchange, index) => {
      messages.push(userMessage(exchange, index === 0 ? `${opening}\n\n` : '', withImage.includes(exchange)));
      if (exchange.assistant !== null) messages.push(exchange.assistant);
      if (exchange.results.length > 0) messages.push({ role: 'tool', content: exchange.results });
    });
    return messages;
  }

  #digest(until: number): string {
    return this.#exchanges
      .slice(0, until)
      .map(({ assistant, results }, index) => {
        const calls = results.map(
          ({ toolName, output }) =>
            `${toolName}: ${'value' in output ? String(output.value).split('\n')[0]?.slice(0, 80) : ''}`,
        );
        return `${index + 1}. ${calls.join('; ') || textOf(assistant).slice(0, 120)}`;
      })
      .join('\n');
  }
}

function userMessage({ text, image }: Exchange, prefix: string, showImage: boolean): UserModelMessage {
  const note = image !== null && !showImage ? '\n[An older screenshot is left out.]' : '';
  const content: UserModelMessage['content'] = [{ type: 'text', text: `${prefix}${text}${note}` }];
  if (image !== null && showImage)
    content.push({ type: 'file', data: image.bytes, mediaType: image.mediaType });
  return { role: 'user', content };
}

function textOf(assistant: AssistantModelMessage | null): string {
  if (assistant === null) return '';
  if (typeof assistant.content === 'string') return assistant.content;
  return assistant.content.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
}
