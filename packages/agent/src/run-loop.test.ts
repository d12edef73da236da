import { StopError } from '@deskhand/base';
import {
  ActionPolicy,
  Operation,
  type OperationInput,
  type Outcome,
  ProtocolError,
  type Verdict,
} from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { Decision, Engine, Machine, Turn, Verifier } from './ports.ts';
import {
  browserWindow,
  type HarnessOptions,
  ManualClock,
  RecordingJournal,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
} from './testing/index.ts';

type Step = Decision | ((turn: Turn, signal: AbortSignal) => Decision | Promise<Decision>);

/** An engine that says what it is told to; one more question than answers fails the test. */
function scripted(...steps: Step[]): Engine & { turns: Turn[]; closed: number } {
  const engine = {
    name: 'scripted',
    observeRequest: { elements: true },
    turns: [] as Turn[],
    closed: 0,
    open: () => ({
      decide: async (turn: Turn, { signal }: { signal: AbortSignal }) => {
        engine.turns.push(turn);
        const step = steps.shift();
        if (step === undefined) throw new Error('the engine was asked once too often');
        return typeof step === 'function' ? await step(turn, signal) : step;
      },
      [Symbol.asyncDispose]: () => {
        engine.closed += 1;
        return Promise.resolve();
      },
    }),
  };
  return engine;
}

const act = (...operations: OperationInput[]): Decision => ({
  type: 'act',
  reasoning: 'because',
  frameId: 'frm_1',
  operations: operations.map((operation) => Operation.parse(operation)),
});
const done: Decision = { type: 'done', reasoning: '', summary: 'all done' };
const key = (name: string): OperationInput => ({ type: 'key_press', keys: [name] });

function desktopWithButton() {
  const desktop = new SimulatedDesktop();
  let pressed = 0;
  desktop.open({
    ...browserWindow('http://a.test/', []),
    onKey: (host, chord) => {
      pressed += 1;
      const window = host.active;
      if (window !== undefined) window.title = `${chord} ${pressed}`;
      return true;
    },
  });
  return desktop;
}

function run(engine: Engine, more: Partial<HarnessOptions> & { machine?: Machine } = {}) {
  const machine = more.machine ?? new ScriptedMachine({ desktop: desktopWithButton() });
  return runWith({ task: 'whatever', engine, ...more, machine });
}

const answering = (...outcomes: Array<Outcome | null>) =>
  new ScriptedMachine({
    desktop: desktopWithButton(),
    intercept: (_operation, nth) => outcomes[nth - 1] ?? undefined,
  });
const refusal = (code: string, more: object = {}): Outcome => ({
  status: 'refused',
  code,
  message: code,
  durationMs: 0,
  ...more,
});

describe('order of a step', () => {
  it('stores an action before it is sent and its result before the next question', async () => {
    const journal = new RecordingJournal();
    const machine = new ScriptedMachine({
      desktop: desktopWithButton(),
      intercept: () => {
        journal.lines.push('sent');
        return undefined;
      },
    });
    const engine = scripted(act(key('a')), done);
    const { outcome } = await run(engine, { machine, journal });
    expect(outcome).toEqual({ type: 'finished', passed: true, summary: 'all done', verdict: null });
    expect(journal.lines).toEqual([
      'reasoning: because',
      'started 1 cmd_1 key_press',
      'sent',
      'finished 1 cmd_1 confirmed',
      'step 1',
      'text: all done',
    ]);
    expect(engine.closed).toBe(1);
  });

  it('uses one round trip per step: acting brings the next picture', async () => {
    const machine = new ScriptedMachine({ desktop: desktopWithButton() });
    await run(scripted(act(key('a')), act(key('b')), done), { machine });
    expect(machine.observed).toHaveLength(1);
    expect(machine.commands).toHaveLength(2);
  });

  it('keeps each frame once per step', async () => {
    const { journal } = await run(
      scripted(act(key('a')), { type: 'look', reasoning: '', request: {} }, done),
    );
    expect(journal.frames.map(({ step }) => step)).toEqual([1, 1, 2]);
    expect(new Set(journal.frames.map(({ step, sha256 }) => `${step} ${sha256}`)).size).toBe(3);
  });

  it('tells the engine what became of a batch that stopped midway', async () => {
    const engine = scripted(act(key('a'), key('b'), key('c')), done);
    await run(engine, { machine: answering(null, refusal('UNKNOWN_KEY')) });
    expect(engine.turns[1]?.last?.outcomes.map(({ status }) => status)).toEqual(['confirmed', 'refused']);
  });

  it('stores with each outcome where the engine stands', async () => {
    const journal = new RecordingJournal();
    const stored: unknown[] = [];
    journal.actionFinished = (_step, _id, _operations, outcomes) => {
      stored.push(...outcomes.map((outcome) => (outcome as { mark?: unknown }).mark));
      return Promise.resolve();
    };
    const marked = { ...act(key('a'), key('b')), mark: '3' } as Decision;
    await run(scripted(marked, act(key('c')), done), { journal });
    expect(stored).toEqual(['3', '3', undefined]);
  });

  it('goes on from where an earlier server left off', async () => {
    const engine = scripted(act(key('a')), done);
    const { journal } = await run(engine, { resume: { stepsCompleted: 7, costCents: 35, history: [] } });
    expect(engine.turns[0]?.step).toBe(8);
    expect(journal.lines).toContain('step 8');
  });
});

describe('limits', () => {
  it('stops at max steps, and lets the engine say done after the last one', async () => {
    const { outcome } = await run(scripted(act(key('a')), act(key('b')), act(key('c'))), {
      limits: { maxSteps: 2 },
    });
    expect(outcome).toMatchObject({ type: 'stopped', reason: 'max_steps' });
    const fine = await run(scripted(act(key('a')), act(key('b')), done), { limits: { maxSteps: 2 } });
    expect(fine.outcome).toMatchObject({ passed: true });
  });

  it('stops before the step that would exceed the budget', async () => {
    const { outcome, journal } = await run(scripted(act(key('a')), act(key('b')), act(key('c'))), {
      limits: { budgetCents: 12, stepCents: 5 },
    });
    expect(outcome).toMatchObject({ type: 'stopped', reason: 'budget' });
    expect(journal.steps).toBe(2);
  });

  it('stops an engine that repeats itself without effect', async () => {
    const same = () => act({ type: 'click', point: { x: 5, y: 5 } });
    const { outcome, journal } = await run(scripted(same(), same(), same(), same()), {
      limits: { maxRepeats: 3 },
    });
    expect(outcome).toMatchObject({ type: 'stopped', reason: 'stalled' });
    expect(journal.steps).toBe(3);
  });

  it('stops an engine that only looks', async () => {
    const looks = Array.from({ length: 300 }, (): Decision => ({ type: 'look', reasoning: '', request: {} }));
    const { outcome } = await run(scripted(...looks));
    expect(outcome).toMatchObject({ type: 'stopped', reason: 'stalled' });
  });

  it('ends at the deadline with its own reason', async () => {
    const clock = new ManualClock();
    const engine = scripted(() => {
      clock.advance(10_000);
      return act(key('a'));
    });
    await expect(run(engine, { clock, limits: { deadlineAt: clock.now() + 5000 } })).rejects.toMatchObject({
      reason: 'deadline',
    });
  });
});

describe('the policy', () => {
  it('refuses a whole proposal before anything of it is stored or sent', async () => {
    const machine = new ScriptedMachine({ desktop: desktopWithButton() });
    const { outcome, journal } = await run(scripted(act(key('a'), { type: 'type_text', text: 'x' })), {
      machine,
      policy: ActionPolicy.parse({ blocked_actions: ['type_text'] }),
    });
    expect(outcome).toMatchObject({ type: 'stopped', reason: 'policy', rule: 'blocked_actions' });
    expect(machine.commands).toEqual([]);
    expect(journal.lines.filter((line) => line.startsWith('started'))).toEqual([]);
  });

  it('ends the run with the desktop’s own rule', async () => {
    const { outcome } = await run(scripted(act(key('a'))), {
      machine: answering(refusal('POLICY_DENIED', { result: { rule: 'applications:*keepass*' } })),
    });
    expect(outcome).toMatchObject({ type: 'stopped', reason: 'policy', rule: 'applications:*keepass*' });
  });

  it('lets the engine go on without an answer about a file', async () => {
    const engine = scripted(act({ type: 'stat_file', path: '/x' }), done);
    const { outcome } = await run(engine, { machine: answering(refusal('POLICY_DENIED')) });
    expect(outcome).toMatchObject({ passed: true });
  });
});

describe('withheld hands', () => {
  it('waits for the person who took over, then looks anew and tells the engine', async () => {
    const journal = new RecordingJournal();
    journal.answers.push('I logged in');
    const engine = scripted(act(key('a')), done);
    const machine = answering(refusal('PAUSED'));
    const { outcome } = await run(engine, { machine, journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(journal.questions).toHaveLength(1);
    expect(engine.turns[1]?.messages).toEqual([{ from: 'takeover' }, { from: 'human', note: 'I logged in' }]);
    expect(machine.observed).toHaveLength(2);
    expect(journal.steps).toBe(0);
  });

  it('waits for the person also where their takeover broke an action off midway', async () => {
    const journal = new RecordingJournal();
    journal.answers.push(null);
    const engine = scripted(act(key('a')), done);
    const machine = answering({ ...refusal('PAUSED'), status: 'failed' });
    const { outcome } = await run(engine, { machine, journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(engine.turns[1]?.messages).toEqual([{ from: 'takeover' }]);
    expect(engine.turns[1]?.last?.outcomes[0]).toMatchObject({ status: 'failed', code: 'PAUSED' });
  });

  it('waits for a lease to come back, a bounded number of times', async () => {
    const fine = await run(scripted(act(key('a')), act(key('a')), done), {
      machine: answering(refusal('LEASE_REQUIRED')),
    });
    expect(fine.outcome).toMatchObject({ passed: true });
    const engine = scripted(...Array.from({ length: 30 }, () => act(key('a'))));
    const machine = new ScriptedMachine({
      desktop: desktopWithButton(),
      intercept: () => refusal('LEASE_REQUIRED'),
    });
    await expect(run(engine, { machine })).rejects.toMatchObject({ reason: 'link_lost' });
  });

  it('a tripped latch ends by the signal’s own reason', async () => {
    const controller = new AbortController();
    const clock = new ManualClock();
    clock.sleep = (_ms, { signal }) => {
      controller.abort(new StopError('stopped_by_user'));
      return Promise.reject(signal.reason as Error);
    };
    await expect(
      run(scripted(act(key('a'))), {
        machine: answering(refusal('LATCHED')),
        signal: controller.signal,
        clock,
      }),
    ).rejects.toMatchObject({ reason: 'stopped_by_user' });
  });
});

describe('asking a person', () => {
  const question: Decision = { type: 'ask_human', reasoning: 'tie', question: 'Which one?' };

  it('pauses, and the note reaches the engine', async () => {
    const journal = new RecordingJournal();
    journal.answers.push('the second one');
    const engine = scripted(question, done);
    await run(engine, { journal });
    expect(journal.questions).toEqual(['Which one?']);
    expect(engine.turns[1]?.messages).toEqual([{ from: 'human', note: 'the second one' }]);
  });

  it.each([
    ['fail', 'human_needed'],
    ['cancel', 'cancelled'],
  ] as const)('with %s it ends as %s and never waits', async (onAwaitingHuman, reason) => {
    const { outcome, journal } = await run(scripted(question), { limits: { onAwaitingHuman } });
    expect(outcome).toMatchObject({ type: 'stopped', reason, message: 'Which one?' });
    expect(journal.questions).toEqual([]);
  });
});

describe('stopping', () => {
  it.each<[string, (controller: AbortController) => Partial<HarnessOptions> & { engine: Engine }]>([
    [
      'while the engine thinks',
      (controller) => ({
        engine: scripted(() => {
          controller.abort(new StopError('cancelled'));
          return new Promise<Decision>(() => {});
        }),
      }),
    ],
    [
      'while the machine acts and never answers',
      (controller) => ({
        engine: scripted(act(key('a'))),
        machine: Object.assign(new ScriptedMachine({ desktop: desktopWithButton() }), {
          act: () => {
            controller.abort(new StopError('cancelled'));
            return new Promise<never>(() => {});
          },
        }),
      }),
    ],
    [
      'while a person is asked',
      (controller) => {
        const journal = new RecordingJournal();
        journal.awaitHuman = () => {
          controller.abort(new StopError('cancelled'));
          return new Promise<never>(() => {});
        };
        return { engine: scripted({ type: 'ask_human', reasoning: '', question: 'q' }), journal };
      },
    ],
    [
      'while the verifier judges',
      (controller) => ({
        engine: scripted(done),
        cuaVersion: 'v4',
        verifier: {
          name: 'slow',
          verify: () => {
            controller.abort(new StopError('cancelled'));
            return new Promise<never>(() => {});
          },
        },
      }),
    ],
  ])('ends at once %s', async (_when, make) => {
    const controller = new AbortController();
    const { engine, ...options } = make(controller);
    await expect(run(engine, { ...options, signal: controller.signal })).rejects.toMatchObject({
      reason: 'cancelled',
    });
    expect((engine as unknown as { closed: number }).closed).toBe(1);
  });
});

describe('answers of a broken link', () => {
  it('an unknown result goes back to the engine as failed, after a fresh look', async () => {
    const machine = new ScriptedMachine({ desktop: desktopWithButton() });
    const act1 = machine.act.bind(machine);
    let calls = 0;
    machine.act = (command, options) => {
      calls += 1;
      if (calls === 1) return Promise.reject(new ProtocolError('UPSTREAM_TIMEOUT', 'no answer'));
      return act1(command, options);
    };
    const engine = scripted(act(key('a')), done);
    await run(engine, { machine });
    expect(engine.turns[1]?.last?.outcomes[0]).toMatchObject({ status: 'failed', code: 'UPSTREAM_TIMEOUT' });
    expect(machine.observed).toHaveLength(2);
    expect(calls).toBe(1);
  });

  it('a machine that is gone ends the run with its error', async () => {
    const machine = new ScriptedMachine({ desktop: desktopWithButton() });
    machine.act = () => Promise.reject(new ProtocolError('MACHINE_DISCONNECTED', 'gone'));
    await expect(run(scripted(act(key('a'))), { machine })).rejects.toMatchObject({
      code: 'MACHINE_DISCONNECTED',
    });
  });
});

describe('the verifier has the last word', () => {
  const verdict = (judgement: Verdict['judgement']): Verdict => ({
    judgement,
    reason: `because ${judgement}`,
    confidence: 1,
    evidence: [],
  });
  const verifier = (...judgements: Verdict['judgement'][]): Verifier => ({
    name: 'scripted',
    verify: () => {
      const judgement = judgements.shift();
      if (judgement === undefined) throw new Error('judged once too often');
      return Promise.resolve(verdict(judgement));
    },
  });

  it('satisfied is a pass', async () => {
    const { outcome } = await run(scripted(done), { cuaVersion: 'v4', verifier: verifier('satisfied') });
    expect(outcome).toMatchObject({ passed: true, verdict: { judgement: 'satisfied' } });
  });

  it('unknown is never a pass', async () => {
    const { outcome } = await run(scripted(done), { cuaVersion: 'v4', verifier: verifier('unknown') });
    expect(outcome).toMatchObject({
      passed: false,
      code: 'VERIFICATION_FAILED',
      verdict: { judgement: 'unknown' },
    });
  });

  it('a no goes back to the engine with its reason while steps remain', async () => {
    const engine = scripted(done, act(key('a')), done);
    const { outcome } = await run(engine, {
      cuaVersion: 'v4',
      verifier: verifier('unsatisfied', 'satisfied'),
    });
    expect(outcome).toMatchObject({ passed: true });
    expect(engine.turns[1]?.messages).toEqual([{ from: 'verifier', reason: 'because unsatisfied' }]);
  });

  it('a no without steps left is final', async () => {
    const engine = scripted(act(key('a')), done);
    const { outcome } = await run(engine, {
      cuaVersion: 'v4',
      verifier: verifier('unsatisfied'),
      limits: { maxSteps: 1 },
    });
    expect(outcome).toMatchObject({ passed: false, code: 'VERIFICATION_FAILED' });
  });

  it('an engine that insists does not wear the verifier out', async () => {
    const engine = scripted(done, done, done, done);
    const { outcome } = await run(engine, {
      cuaVersion: 'v4',
      verifier: verifier('unsatisfied', 'unsatisfied', 'unsatisfied', 'unsatisfied'),
    });
    expect(outcome).toMatchObject({ passed: false, code: 'VERIFICATION_FAILED' });
  });

  const gaveUp: Decision = {
    type: 'fail',
    code: 'TASK_FAILED',
    message: 'There is no such button.',
    reasoning: '',
  };

  it('an engine that gives up fails, and the verdict on what it left behind comes with that', async () => {
    for (const judgement of ['unsatisfied', 'satisfied'] as const) {
      const { outcome } = await run(scripted(gaveUp), { cuaVersion: 'v4', verifier: verifier(judgement) });
      expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED', verdict: { judgement } });
    }
    const { outcome } = await run(scripted(gaveUp), {});
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED', verdict: null });
  });

  it('a verifier that cannot look does not hide why the engine gave up', async () => {
    const blind: Verifier = {
      name: 'blind',
      verify: () => Promise.reject(new ProtocolError('UPSTREAM_UNAVAILABLE', 'no model')),
    };
    const { outcome } = await run(scripted(gaveUp), { cuaVersion: 'v4', verifier: blind });
    expect(outcome).toMatchObject({
      code: 'TASK_FAILED',
      summary: 'There is no such button.',
      verdict: { judgement: 'unknown', reason: expect.stringContaining('no model') },
    });
  });

  it('a v4 run without a verifier cannot pass', async () => {
    await expect(run(scripted(done), { cuaVersion: 'v4' })).rejects.toMatchObject({ code: 'INTERNAL_ERROR' });
  });
});
