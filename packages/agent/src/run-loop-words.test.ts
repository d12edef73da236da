import type { ObserveRequestInput } from '@deskhand/protocol';
import { Operation } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { Decision, Engine, ModelUsage, Say } from './ports.ts';
import { browserForm, RecordingJournal, runWith } from './testing/index.ts';

/** What the loop does with an engine that speaks while it decides, asks models and knows its pictures. */

type Step = (say: Say) => Decision | Promise<Decision>;

function speaking(steps: Step[], observeRequest?: ObserveRequestInput): Engine {
  return {
    name: 'speaking',
    observeRequest: { elements: true },
    open: () => ({
      ...(observeRequest === undefined ? {} : { observeRequest }),
      decide: async (_turn, { say }) => {
        const step = steps.shift();
        if (step === undefined || say === undefined) throw new Error('asked once too often');
        return step(say);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };
}

class AccountingJournal extends RecordingJournal {
  readonly usages: Array<ModelUsage | null> = [];
  constructor() {
    super();
    const { stepCompleted, narrate } = this;
    this.stepCompleted = (step, usage, timings) => {
      this.usages.push(usage);
      return stepCompleted(step, usage, timings);
    };
    this.narrate = (step, text, kind, usage) => {
      if (usage) this.usages.push(usage);
      return narrate(step, text, kind);
    };
  }
}

const press: Operation = Operation.parse({ type: 'key_press', keys: ['a'] });
const act = (reasoning: string, usage?: ModelUsage): Decision => ({
  type: 'act',
  reasoning,
  frameId: null,
  operations: [press],
  ...(usage === undefined ? {} : { usage }),
});
const done = (usage?: ModelUsage): Decision => ({
  type: 'done',
  reasoning: '',
  summary: 'done',
  ...(usage === undefined ? {} : { usage }),
});
const run = (engine: Engine, journal = new RecordingJournal()) =>
  runWith({ task: 'x', machine: browserForm().machine, engine, journal });

describe('an engine that speaks while it decides', () => {
  it('is heard before the action, and its reason is not told twice', async () => {
    const said = 'The form is empty, I see it now. I press a key.';
    const { journal } = await run(
      speaking([
        (say) => {
          for (const word of said.split(/(?<= )/)) say(word, 'text');
          return act(said);
        },
        () => done(),
      ]),
    );
    expect(journal.lines.slice(0, 3)).toEqual([
      'reasoning: The form is empty, I see it now.',
      'reasoning: I press a key.',
      'started 1 cmd_1 key_press',
    ]);
  });

  it('a reason it did not say is told as well', async () => {
    const { journal } = await run(
      speaking([
        (say) => {
          say('thinking', 'reasoning');
          return act('Another reason.');
        },
        () => done(),
      ]),
    );
    expect(journal.reasons.slice(0, 2)).toEqual(['thinking', 'Another reason.']);
  });

  it('words that cannot be stored end the run', async () => {
    const journal = new RecordingJournal();
    journal.narrate = () => Promise.reject(new Error('disk full'));
    const engine = speaking([
      (say) => {
        say('words', 'text');
        return act('words');
      },
    ]);
    await expect(run(engine, journal)).rejects.toThrow('disk full');
    expect(journal.lines).toEqual([]);
  });
});

describe('what models took', () => {
  it('goes with its step; the last question goes with the last words', async () => {
    const journal = new AccountingJournal();
    const usage = (inputTokens: number): ModelUsage => ({ inputTokens, outputTokens: 1, costUsd: 0.5 });
    await run(
      speaking([() => act('a', usage(10)), () => act('b', usage(20)), () => done(usage(30))]),
      journal,
    );
    expect(journal.usages.map((used) => used?.inputTokens)).toEqual([10, 20, 30]);
  });
});

describe('an engine that knows its pictures', () => {
  it('gets what its session asks for, on every look', async () => {
    const { machine } = browserForm();
    const wanted = { elements: false, frame: { maxSidePx: 900 } };
    const engine = speaking([() => act('a'), () => done()], wanted);
    await runWith({ task: 'x', machine, engine });
    expect(machine.observed).toEqual([wanted]);
    expect(machine.commands).toHaveLength(1);
  });
});

describe('several actions that were planned on each other’s effect', () => {
  it('stop at the first that changes nothing, where the engine wants it', async () => {
    const operations = [
      Operation.parse({ type: 'click', point: { x: 900, y: 700 } }),
      Operation.parse({ type: 'type_text', text: 'secret' }),
    ];
    for (const stopAtNoEffect of [true, false]) {
      const { desktop, machine } = browserForm();
      const decision: Decision = { type: 'act', reasoning: 'a', frameId: null, operations, stopAtNoEffect };
      await runWith({ task: 'x', machine, engine: speaking([() => decision, () => done()]) });
      expect(desktop.journal).toEqual(stopAtNoEffect ? [] : ['text went nowhere']);
    }
  });
});
