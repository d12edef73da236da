import { createEngine, createVerifier, type Engine, type EngineSession, type Turn } from '@deskhand/agent';
import {
  browserForm,
  RecordingJournal,
  runWith,
  SCREEN,
  type ScriptedProvider,
  type ScriptedReply,
} from '@deskhand/agent/testing';
import { Secret, StopError, silentLogger } from '@deskhand/base';
import { CommandId } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { PROVIDER_KEY, useScriptedProviders } from '../helpers/scripted-providers.ts';

const RETRY = { firstDelayMs: 1, maxDelayMs: 5, attempts: 5 };
const WIRES = [
  { wire: 'anthropic', model: 'anthropic/some-model', env: { ANTHROPIC_API_KEY: new Secret(PROVIDER_KEY) } },
  { wire: 'responses', model: 'openai/some-model', env: { OPENAI_API_KEY: new Secret(PROVIDER_KEY) } },
  {
    wire: 'google',
    model: 'google/some-model',
    env: { GOOGLE_GENERATIVE_AI_API_KEY: new Secret(PROVIDER_KEY) },
  },
  {
    wire: 'openai',
    model: 'openai-compatible/local-model',
    env: { DESKHAND_MODEL_KEY: new Secret(PROVIDER_KEY) },
  },
] as const;

const provider = useScriptedProviders();

const clickInPixels = (x: number, y: number) => ({ name: 'click', input: { point: { x, y } } });
/** The same place as a model that gives thousandths of the simulated screen says it. */
const clickInThousandths = (x: number, y: number) =>
  clickInPixels((x / SCREEN.width) * 1000, (y / SCREEN.height) * 1000);
const PICTURE = /"media_type":"image|data:image|"inlineData"/g;
const done = { name: 'done', input: { summary: 'The form was sent.' } };

describe('a model that gives thousandths', () => {
  it('is told so, and its places reach the machine as pixels', async () => {
    const server = await provider({ calls: [clickInPixels(117, 262)] }, { calls: [done] });
    const engine = createEngine({
      model: 'openai-compatible/qwen3-vl:8b',
      env: { DESKHAND_MODEL_KEY: new Secret(PROVIDER_KEY) },
      baseUrl: server.url,
      log: silentLogger,
      retry: RETRY,
    });
    const { desktop, machine } = browserForm();
    await runWith({ task: 'x', machine, engine });
    expect(server.complaints).toEqual([]);
    expect(desktop.journal).toContain('sent');
    const told = JSON.stringify(server.requests[0]?.body);
    expect(told).toContain('thousandths');
    expect(told).toContain('at 117,268');
    expect(told).not.toContain('Pixels of');
  });
});

describe.each(WIRES)('$model over the $wire wire', ({ wire, model, env }) => {
  const click = wire === 'google' ? clickInThousandths : clickInPixels;
  const engineFor = (server: ScriptedProvider): Engine =>
    createEngine({ model, env, baseUrl: server.url, log: silentLogger, retry: RETRY });

  it('does a task: several calls in one reply, results and pictures in the shapes the API wants', async () => {
    const server = await provider(
      { text: 'The form is empty.', calls: [click(150, 110), { name: 'type_text', input: { text: 'Ada' } }] },
      { text: 'Filled; sending.', calls: [click(150, 210)], usage: { input: 200, output: 30 } },
      { calls: [done] },
    );
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'fill the form', machine, engine: engineFor(server) });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ type: 'finished', passed: true, summary: 'The form was sent.' });
    expect(desktop.journal).toEqual(['left click name', 'typed into name', 'left click send', 'sent']);
    expect(server.leftOver).toBe(0);
    expect(server.requests.map((request) => request.wire)).toEqual([wire, wire, wire]);
    expect(JSON.stringify(server.requests[0]?.body)).toContain('fill the form');
    expect(JSON.stringify(server.requests[1]?.body)).toContain('confirmed');
  });

  it('shows the picture of now alone, and says where nothing changed', async () => {
    const look = { calls: [{ name: 'key_press', input: { keys: ['tab'] } }] };
    const type = (text: string) => ({ calls: [{ name: 'type_text', input: { text } }] });
    const server = await provider(
      { calls: [click(150, 110)] },
      look,
      type('a'),
      type('b'),
      type('c'),
      type('d'),
      { calls: [done] },
    );
    const { machine } = browserForm();
    await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(server.complaints).toEqual([]);
    const pictures = server.requests.map(({ body }) => (JSON.stringify(body).match(PICTURE) ?? []).length);
    expect(Math.max(...pictures)).toBe(1);
    expect(JSON.stringify(server.requests[2]?.body)).toContain('No visible change');
  });

  it('a zoom shows a part, and coordinates still belong to the full picture', async () => {
    const server = await provider(
      {
        calls: [
          {
            name: 'zoom',
            input:
              wire === 'google'
                ? { x: 0, y: 0, width: 250, height: 250 }
                : { x: 0, y: 0, width: 320, height: 200 },
          },
        ],
      },
      { calls: [click(150, 210)] },
      { calls: [done] },
    );
    const { desktop, machine } = browserForm();
    await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(server.complaints).toEqual([]);
    expect(machine.observed[1]?.frame).toMatchObject({ region: { x: 0, y: 0, width: 320, height: 200 } });
    expect(machine.commands[0]?.frameId).toBe('frm_1');
    expect(desktop.journal).toContain('sent');
  });

  it.each<[string, ScriptedReply, RegExp]>([
    ['prose instead of a call', { text: 'I think I should click.' }, /called no tool/],
    [
      'a tool that does not exist',
      { calls: [{ name: 'raw', input: { code: 'import os' } }] },
      /no tool “raw”|unavailable tool/,
    ],
    ['coordinates outside the picture', { calls: [click(5000, 10)] }, /outside the screenshot of 1280x800/],
    [
      'an unknown field',
      { calls: [{ name: 'click', input: { point: { x: 1, y: 1 }, force: true } }] },
      /click: /,
    ],
    ['a missing field', { calls: [{ name: 'type_text', input: {} }] }, /type_text: text/],
    ['an endless wait', { calls: [{ name: 'wait', input: { ms: 60_000 } }] }, /at most 10000 ms/],
  ])('%s goes back once and is then a failure; nothing is done', async (_what, bad, why) => {
    const server = await provider(bad, bad);
    const { machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ type: 'finished', passed: false, code: 'TASK_FAILED' });
    expect(outcome.type === 'finished' && outcome.summary).toMatch(why);
    expect(JSON.stringify(server.requests[1]?.body)).toMatch(why);
    expect(machine.commands).toEqual([]);
  });

  it('one bad reply is forgiven', async () => {
    const server = await provider(
      { calls: [click(5000, 10)] },
      { calls: [click(150, 210)] },
      { calls: [done] },
    );
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.journal).toContain('sent');
  });

  it('asks again on the provider’s own faults, and only the provider', async () => {
    const busy = { fault: { type: 'status', status: 429, headers: { 'retry-after-ms': '1' } } } as const;
    const broken = { fault: { type: 'status', status: 503, headers: { 'retry-after-ms': '1' } } } as const;
    const server = await provider(busy, broken, { calls: [click(150, 210)] }, { calls: [done] });
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.journal.filter((line) => line === 'sent')).toHaveLength(1);
    expect(server.requests).toHaveLength(4);
  });

  it.each<[string, ScriptedReply, string, RegExp]>([
    [
      'a wrong key',
      { fault: { type: 'status', status: 401 } },
      'UPSTREAM_ERROR',
      /refused the key in [A-Z_]+_KEY/,
    ],
    [
      'a used-up quota',
      {
        fault: {
          type: 'status',
          status: 429,
          body: {
            error: {
              message: 'You exceeded your current quota',
              type: 'insufficient_quota',
              code: 'insufficient_quota',
              param: null,
            },
          },
        },
      },
      'UPSTREAM_ERROR',
      /quota or credit/,
    ],
    [
      'an unknown model',
      { fault: { type: 'status', status: 404 } },
      'UPSTREAM_ERROR',
      /does not know the model/,
    ],
    [
      'a model without eyes',
      {
        fault: {
          type: 'status',
          status: 400,
          body: {
            error: {
              message: 'This model does not support image input',
              type: 'invalid_request_error',
              code: null,
              param: null,
            },
          },
        },
      },
      'UPSTREAM_ERROR',
      /cannot see pictures/,
    ],
  ])('%s is said in clear words, once', async (_what, reply, code, words) => {
    const server = await provider(reply);
    const { machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(outcome).toMatchObject({ type: 'finished', passed: false, code });
    expect(outcome.type === 'finished' && outcome.summary).toMatch(words);
    expect(JSON.stringify(outcome)).not.toContain(PROVIDER_KEY);
    expect(server.requests).toHaveLength(1);
  });

  it('a conversation that grew too long is shown shorter', async () => {
    const tooLong = {
      fault: {
        type: 'status',
        status: 400,
        body: {
          type: 'error',
          error: {
            type: 'invalid_request_error',
            message: 'prompt is too long: 250000 tokens > 200000 maximum',
            code: 'context_length_exceeded',
            param: null,
          },
        },
      },
    } as const;
    const type = (text: string) => ({ calls: [{ name: 'type_text', input: { text } }] });
    const server = await provider({ calls: [click(150, 110)] }, type('a'), type('b'), tooLong, {
      calls: [done],
    });
    const { outcome } = await runWith({
      task: 'x',
      machine: browserForm().machine,
      engine: engineFor(server),
    });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ passed: true });
    const pictures = JSON.stringify(server.requests[4]?.body).match(PICTURE) ?? [];
    expect(pictures).toHaveLength(1);
  });

  it.each(['garbage', 'half'] as const)(
    '%s instead of an answer is asked again once, then an error',
    async (type) => {
      const fine = await provider({ fault: { type } }, { calls: [done] });
      const engine = engineFor(fine);
      expect((await runWith({ task: 'x', machine: browserForm().machine, engine })).outcome).toMatchObject({
        passed: true,
      });
      const bad = await provider({ fault: { type } }, { fault: { type } });
      const { outcome } = await runWith({
        task: 'x',
        machine: browserForm().machine,
        engine: engineFor(bad),
      });
      expect(outcome).toMatchObject({ passed: false });
    },
  );

  it('a stop ends a request in flight', async () => {
    const server = await provider({ fault: { type: 'hang' } });
    const controller = new AbortController();
    const running = runWith({
      task: 'x',
      machine: browserForm().machine,
      engine: engineFor(server),
      signal: controller.signal,
    });
    await expect.poll(() => server.requests.length).toBe(1);
    controller.abort(new StopError('cancelled'));
    await expect(running).rejects.toMatchObject({ reason: 'cancelled' });
    await expect.poll(() => server.aborted).toBe(1);
  });

  it('tells the model a person’s answer, a takeover and a verifier’s no', async () => {
    const server = await provider(
      { calls: [{ name: 'ask_human', input: { question: 'Which account?' } }] },
      { calls: [done] },
      { calls: [click(150, 210)] },
      { calls: [done] },
    );
    const { machine } = browserForm();
    let judged = 0;
    const journal = new RecordingJournal();
    journal.answers.push('the blue one');
    const { outcome } = await runWith({
      task: 'x',
      machine,
      engine: engineFor(server),
      journal,
      cuaVersion: 'v4',
      verifier: {
        name: 'scripted',
        verify: () => {
          judged += 1;
          return Promise.resolve({
            judgement: judged === 1 ? 'unsatisfied' : 'satisfied',
            reason: 'nothing was sent',
            confidence: 1,
            evidence: [],
          });
        },
      },
    });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ passed: true });
    expect(JSON.stringify(server.requests[1]?.body)).toContain('the blue one');
    expect(JSON.stringify(server.requests[2]?.body)).toContain('nothing was sent');
  });

  it('counts tokens over all requests of a step', async () => {
    const server = await provider(
      { calls: [click(9999, 1)], usage: { input: 10, output: 1 } },
      { calls: [done], usage: { input: 20, output: 2 } },
    );
    const { machine } = browserForm();
    const session: EngineSession = engineFor(server).open({
      runId: 'r',
      task: 'x',
      instructions: 'Be brief.',
      systemPrompt: 'House rule.',
      cuaVersion: 'v3',
      maxSteps: 5,
    });
    const signal = new AbortController().signal;
    const turn: Turn = {
      step: 1,
      sight: await machine.observe({ elements: true }, { signal }),
      last: null,
      messages: [],
    };
    const decision = await session.decide(turn, { signal });
    expect(decision).toMatchObject({ type: 'done', usage: { inputTokens: 30, outputTokens: 3 } });
    const told = JSON.stringify(server.requests[0]?.body);
    expect(told).toContain('House rule.');
    expect(told).toContain('Be brief.');
  });

  it('judges with a separate question that holds evidence, never the engine’s claims', async () => {
    const yes = {
      judgement: 'satisfied',
      reason: 'The title says so.',
      confidence: 0.9,
      evidence: ['title Thank you'],
    };
    const server = await provider({ calls: [{ name: 'verdict', input: yes }] });
    const verifier = createVerifier({ model, env, baseUrl: server.url, log: silentLogger, retry: RETRY });
    const { machine } = browserForm();
    const judge = (task: string) =>
      verifier.verify(
        {
          brief: { runId: 'r', task, instructions: null, systemPrompt: null, cuaVersion: 'v4', maxSteps: 5 },
          machine,
          history: [
            {
              step: 1,
              operation: { type: 'type_text', text: 'hunter2' },
              outcome: { status: 'confirmed', durationMs: 1 },
            },
          ],
          newCommandId: () => CommandId.parse('cmd_1'),
        },
        { signal: new AbortController().signal },
      );
    expect(await judge('fill the form')).toMatchObject({
      judgement: 'satisfied',
      reason: 'The title says so.',
    });
    expect(server.complaints).toEqual([]);
    const told = JSON.stringify(server.requests[0]?.body);
    expect(told).toContain('Type 7 characters');
    expect(told).not.toContain('hunter2');
  });

  it('a fact that was looked up overrules a model’s yes; no usable verdict is unknown', async () => {
    const yes = { judgement: 'satisfied', reason: 'Looks done.', confidence: 1, evidence: [] };
    const server = await provider(
      // The run that gives up is judged, too.
      { calls: [{ name: 'verdict', input: yes }] },
      { calls: [{ name: 'verdict', input: yes }] },
      { text: 'It is done, trust me.' },
    );
    const verifier = createVerifier({ model, env, baseUrl: server.url, log: silentLogger, retry: RETRY });
    const { machine } = browserForm();
    const task = 'check that "Order 4711" is visible';
    const { outcome } = await runWith({
      task,
      machine,
      engine: createEngine({ model: 'builtin', log: silentLogger }),
      verifier,
      cuaVersion: 'v4',
    });
    // The built-in engine does not get as far as the verifier here: the check itself fails.
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    const evidence = {
      brief: {
        runId: 'r',
        task,
        instructions: null,
        systemPrompt: null,
        cuaVersion: 'v4' as const,
        maxSteps: 5,
      },
      machine,
      history: [],
      newCommandId: () => CommandId.parse('cmd_1'),
    };
    const signal = new AbortController().signal;
    expect(await verifier.verify(evidence, { signal })).toMatchObject({ judgement: 'unsatisfied' });
    expect(await verifier.verify(evidence, { signal })).toMatchObject({ judgement: 'unknown' });
  });
});
