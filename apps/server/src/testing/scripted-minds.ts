import type {
  Decision,
  Engine,
  EngineSession,
  HistoryEntry,
  TaskBrief,
  Turn,
  Verifier,
} from '@deskhand/agent';
import { sleep } from '@deskhand/base';
import type { Verdict } from '@deskhand/protocol';
import type { Minds, RunModel } from '../runs/minds.ts';

/**
 * An engine that obeys its task literally, for tests of the server. Words of the task, separated by spaces:
 *   click:X,Y   type:TEXT   look   wait:MS (thinks that long)   ask:QUESTION   done   fail   forever
 *   say-key (thinks aloud with the run's own model key, as a careless provider might)
 *   batch:N (N clicks in one command)   Create (as in "Create a file …" that exists: asks whether to replace it)
 * What an earlier life did, by its history, is not done again.
 */
export class ScriptedMinds implements Minds {
  readonly turns: Turn[] = [];
  /** What each run asked its engine for. */
  readonly models: RunModel[] = [];
  readonly briefs: Array<{ brief: TaskBrief; earlier: readonly HistoryEntry[] }> = [];
  verdicts: Verdict[] = [];

  async engineFor(model: RunModel): Promise<Engine> {
    this.models.push(model);
    return {
      name: 'scripted',
      observeRequest: {},
      open: (brief, earlier = []) => {
        this.briefs.push({ brief, earlier });
        return new ScriptedSession(brief, earlier, this.turns, model);
      },
    };
  }

  async verifierFor(): Promise<Verifier> {
    return {
      name: 'scripted',
      verify: async () =>
        this.verdicts.shift() ?? {
          judgement: 'satisfied',
          reason: 'as scripted',
          confidence: 1,
          evidence: [],
        },
    };
  }
}

class ScriptedSession implements EngineSession {
  readonly #words: string[];
  readonly #turns: Turn[];
  readonly #model: RunModel;

  constructor(brief: TaskBrief, earlier: readonly HistoryEntry[], turns: Turn[], model: RunModel) {
    this.#turns = turns;
    this.#model = model;
    const words = brief.task.split(/\s+/);
    // Steps of an earlier life: one acting word each.
    const steps = new Set(earlier.map((entry) => entry.step)).size;
    let acted = 0;
    let start = 0;
    while (acted < steps && start < words.length) {
      if (/^(click|type|batch|forever)/.test(words[start] ?? '')) acted += 1;
      if (words[start] === 'forever') break;
      start += 1;
    }
    this.#words = words.slice(start);
  }

  async decide(turn: Turn, { signal }: { signal: AbortSignal }): Promise<Decision> {
    this.#turns.push(turn);
    const frameId = turn.sight.observation.frame?.geometry.frameId ?? null;
    for (;;) {
      const word = this.#words[0] ?? 'done';
      const [verb, rest = ''] = split(word);
      if (verb !== 'forever') this.#words.shift();
      const reasoning = `scripted: ${verb}`;
      switch (verb) {
        case 'wait':
          await sleep(Number(rest), { signal });
          continue;
        case 'click':
        case 'forever': {
          const [x = 10, y = 20] = rest === '' ? [10 + turn.step, 20] : rest.split(',').map(Number);
          return { type: 'act', reasoning, frameId, operations: [click(x, y)] };
        }
        case 'batch':
          return {
            type: 'act',
            reasoning,
            frameId,
            operations: Array.from({ length: Number(rest) }, (_, index) => click(index + 1, index + 1)),
          };
        case 'type':
          return { type: 'act', reasoning, frameId, operations: [{ type: 'type_text', text: rest }] };
        case 'say-key': {
          const key = this.#model.ownKey?.apiKey.reveal() ?? 'no key';
          if (rest === 'fail')
            return { type: 'fail', reasoning: key, code: 'TASK_FAILED', message: `refused: ${key}` };
          return { type: 'ask_human', reasoning: `I hold ${key}`, question: `Is ${key} right?` };
        }
        case 'look':
          return { type: 'look', reasoning, request: {} };
        case 'Create':
          return { type: 'ask_human', reasoning, question: 'It exists. Replace it?' };
        case 'ask':
          return { type: 'ask_human', reasoning, question: rest || 'Which one?' };
        case 'fail':
          return { type: 'fail', reasoning, code: 'TASK_FAILED', message: rest || 'as scripted' };
        default:
          return { type: 'done', reasoning, summary: 'as scripted' };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function click(x: number, y: number) {
  return { type: 'click' as const, point: { x, y }, button: 'left' as const, clicks: 1, modifiers: [] };
}

function split(word: string): [string, string?] {
  const at = word.indexOf(':');
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}
