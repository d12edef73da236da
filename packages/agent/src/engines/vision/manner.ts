import type { Logger } from '@deskhand/base';
import type { LanguageModel, ToolSet } from 'ai';
import type { Endpoint } from '../../model-choice.ts';
import type { Say, TaskBrief } from '../../ports.ts';
import { type AskOptions, askModel, type ModelReply, type RetryPlan, ToolsRefused } from './ask-model.ts';
import type { Carrier, Conversation } from './conversation.ts';
import { instructionsFor } from './instructions.ts';
import { languageModel } from './language-model.ts';
import type { Grammar, ModelProfile } from './model-profiles.ts';
import type { ModelCall } from './proposal.ts';
import { toolsFor } from './tools.ts';
import { readUiTars, uiTarsInstructions } from './ui-tars.ts';
import { readWrittenCalls, toolsInWords } from './written-calls.ts';

type Size = Readonly<{ width: number; height: number }>;

/** Where words end and a written call begins; calls may hold what is to be typed and are not told to anybody. */
const WRITTEN_CALL = /<tool_call>|```|^\s*Action\s*:|^\s*\{/im;
/** As long as the longest beginning of one. */
const HELD_BACK = 16;

/** Passes a model's words on as they come, but never a call written among them. */
class Hearing {
  readonly #say: Say | undefined;
  #text = '';
  #told = 0;

  constructor(say: Say | undefined) {
    this.#say = say;
  }

  readonly hear: Say = (words, kind) => {
    if (kind === 'reasoning') {
      this.#say?.(words, kind);
      return;
    }
    this.#text += words;
    this.#tell(this.#text.length - HELD_BACK);
  };

  end(): void {
    this.#tell(this.#text.length);
  }

  #tell(until: number): void {
    const call = WRITTEN_CALL.exec(this.#text)?.index ?? this.#text.length;
    const end = Math.min(until, call);
    if (end <= this.#told) return;
    this.#say?.(this.#text.slice(this.#told, end), 'text');
    this.#told = end;
  }
}

/** What a model said, in its own calls. */
export type Said = Readonly<{ reply: ModelReply; thought: string; calls: readonly ModelCall[] }>;

/**
 * How one model is spoken to: with the provider's computer tool, with our tools, or in writing. A server that
 * refuses one way is asked in the next simpler one from then on.
 */
export class Manner {
  readonly #endpoint: Endpoint;
  readonly #profile: ModelProfile;
  readonly #model: LanguageModel;
  readonly #log: Logger;
  #grammar: Grammar | 'written';
  #calls = 0;

  constructor(endpoint: Endpoint, profile: ModelProfile, log: Logger) {
    this.#endpoint = endpoint;
    this.#profile = profile;
    this.#grammar = profile.grammar;
    this.#model = languageModel(endpoint);
    this.#log = log;
  }

  get carrier(): Carrier {
    return this.#grammar === 'ui_tars' || this.#grammar === 'written' ? 'words' : this.#grammar;
  }

  /** UI-TARS sees only pictures; a list would be a foreign word to it. */
  get wantsElements(): boolean {
    return this.#grammar !== 'ui_tars';
  }

  /** @throws as `askModel`, without ToolsRefused where a simpler way is left. */
  async ask(
    conversation: Conversation,
    options: { brief: TaskBrief; image: Size; retry: RetryPlan; say?: Say | undefined },
    { signal }: { signal: AbortSignal },
  ): Promise<Said> {
    for (;;) {
      conversation.carryAs(this.carrier);
      const hearing = new Hearing(options.say);
      try {
        const request: AskOptions = {
          model: this.#model,
          endpoint: this.#endpoint,
          ...(await this.#told(options.brief, options.image)),
          messages: conversation.messages(),
          maxOutputTokens: this.#profile.maxOutputTokens,
          retry: options.retry,
          log: this.#log,
          say: hearing.hear,
        };
        const reply = await askModel(request, { signal });
        hearing.end();
        return this.#read(reply);
      } catch (error) {
        if (!(error instanceof ToolsRefused) || !this.#simplify(error)) throw error;
      }
    }
  }

  async #told(brief: TaskBrief, image: Size): Promise<{ instructions: string; tools?: ToolSet }> {
    if (this.#grammar === 'ui_tars') return { instructions: uiTarsInstructions(brief) };
    const ours = instructionsFor(brief, this.#profile.space);
    const tools = toolsFor(
      { ...this.#profile, grammar: this.#grammar === 'written' ? 'functions' : this.#grammar },
      image,
    );
    if (this.#grammar !== 'written') return { instructions: ours, tools };
    return { instructions: `${ours}\n\n${await toolsInWords(tools)}` };
  }

  #read(reply: ModelReply): Said {
    if (this.#grammar === 'ui_tars') return { reply, ...this.#written(readUiTars(reply.text, this.#newId)) };
    if (reply.calls.length > 0) return { reply, thought: reply.text.trim(), calls: reply.calls };
    // Some servers leave a model's calls in its text.
    return { reply, ...this.#written(readWrittenCalls(reply.text, this.#newId)) };
  }

  #written({ thought, calls }: { thought: string; calls: readonly ModelCall[] }) {
    return { thought, calls: calls.map((call) => ({ ...call, written: true })) };
  }

  readonly #newId = (): string => {
    this.#calls += 1;
    return `written_${this.#calls}`;
  };

  #simplify({ what, message }: ToolsRefused): boolean {
    const before = this.#grammar;
    if (what === 'computer' && before.endsWith('_computer')) this.#grammar = 'functions';
    else if (what === 'functions' && before === 'functions') this.#grammar = 'written';
    else return false;
    this.#log.info('the model server refused a way of calling tools, using a simpler one', {
      from: before,
      to: this.#grammar,
      said: message.slice(0, 300),
    });
    return true;
  }
}
