import { createEngine, type Decision, type Engine, readModelPrices } from '@deskhand/agent';
import {
  browserForm,
  RecordingJournal,
  runWith,
  ScriptedProvider,
  type ScriptedReply,
} from '@deskhand/agent/testing';
import { Secret, StopError, silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import { PROVIDER_KEY, useScriptedProviders } from '../helpers/scripted-providers.ts';

/** What providers do wrong, on each wire: bounded, typed, in words, and never a second click. */

const RETRY = { firstDelayMs: 1, maxDelayMs: 5, attempts: 3 };
/** For those that say nothing; others must not be given up on a busy machine. */
const IMPATIENT = { ...RETRY, silenceMs: 500 };
const WIRES = [
  { model: 'anthropic/some-model', variable: 'ANTHROPIC_API_KEY' },
  { model: 'openai/some-model', variable: 'OPENAI_API_KEY' },
  { model: 'google/some-model', variable: 'GEMINI_API_KEY' },
  { model: 'openai-compatible/local-model', variable: 'DESKHAND_MODEL_KEY' },
] as const;
const done = { calls: [{ name: 'done', input: { summary: 'Done.' } }] };
const press = (key: string) => ({ calls: [{ name: 'key_press', input: { keys: [key] } }] });

const provider = useScriptedProviders();

describe.each(WIRES)('$model', ({ model, variable }) => {
  const engineFor = (
    server: Pick<ScriptedProvider, 'url'>,
    key: string = PROVIDER_KEY,
    retry = RETRY,
  ): Engine =>
    createEngine({
      model,
      env: { [variable]: new Secret(key) },
      baseUrl: server.url,
      log: silentLogger,
      retry,
      prices: readModelPrices('{"anthropic/*": {"input": 3, "output": 15, "cached_input": 0.3}}'),
    });
  const run = (server: ScriptedProvider, retry = RETRY) =>
    runWith({ task: 'x', machine: browserForm().machine, engine: engineFor(server, PROVIDER_KEY, retry) });

  it.each(['half', 'cut', 'stall', 'garbage'] as const)(
    '%s: asked again once, and then an error; no action twice',
    async (type) => {
      const retry = type === 'stall' ? IMPATIENT : RETRY;
      const fine = await provider(press('a'), { fault: { type } }, done);
      const { outcome, journal } = await run(fine, retry);
      expect(outcome).toMatchObject({ passed: true });
      expect(journal.lines.filter((line) => line.startsWith('started'))).toHaveLength(1);
      const bad = await provider({ fault: { type } }, { fault: { type } });
      expect((await run(bad, retry)).outcome).toMatchObject({ passed: false, code: 'UPSTREAM_ERROR' });
      expect(bad.requests).toHaveLength(2);
    },
  );

  it('an action in an answer that broke off is not done', async () => {
    const answer = { text: 'I press it.', ...press('delete') };
    const server = await provider({ fault: { type: 'cut', answer } }, done);
    const { desktop, machine } = browserForm();
    await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(desktop.journal).toEqual([]);
  });

  it('an error in the middle of a stream is asked again, as often as any other fault of theirs', async () => {
    const fault = { fault: { type: 'stream_error' } } as const;
    const fine = await provider(fault, fault, done);
    expect((await run(fine)).outcome).toMatchObject({ passed: true });
    const bad = await provider(fault, fault, fault);
    expect((await run(bad)).outcome).toMatchObject({ passed: false, code: 'UPSTREAM_UNAVAILABLE' });
    expect(bad.requests).toHaveLength(3);
  });

  it('a provider that takes the question and says nothing is given up', async () => {
    const server = await provider({ fault: { type: 'hang' } }, { fault: { type: 'hang' } });
    const { outcome } = await run(server, IMPATIENT);
    expect(outcome).toMatchObject({ passed: false, code: 'UPSTREAM_ERROR' });
    expect(outcome.type === 'finished' && outcome.summary).toMatch(/gave no answer/);
  });

  it.each([400, 403, 404, 422])('%i is never asked again', async (status) => {
    const server = await provider({ fault: { type: 'status', status } });
    expect((await run(server)).outcome).toMatchObject({ passed: false });
    expect(server.requests).toHaveLength(1);
  });

  it('waits as long as it is told, and not at all when that is too long', async () => {
    const busy = (seconds: string) =>
      ({ fault: { type: 'status', status: 429, headers: { 'retry-after': seconds } } }) as const;
    const server = await provider(busy('1'), done);
    expect((await run(server)).outcome).toMatchObject({ passed: true });
    const [first, second] = server.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(950);
    const patient = await provider(busy('3600'));
    const { outcome } = await run(patient);
    expect(outcome).toMatchObject({ passed: false, code: 'UPSTREAM_UNAVAILABLE' });
    expect(outcome.type === 'finished' && outcome.summary).toContain('3600 s of patience');
  });

  it('a refused key is named by its variable and never quoted', async () => {
    const server = await provider();
    const { outcome } = await runWith({
      task: 'x',
      machine: browserForm().machine,
      engine: engineFor(server, 'sk-wrong-key-0000000000'),
    });
    expect(outcome.type === 'finished' && outcome.summary).toMatch(/refused the key in [A-Z_]+_KEY/);
    expect(JSON.stringify(outcome)).not.toContain('sk-wrong');
  });

  it('nobody at the address is said with the address', async () => {
    const gone = new ScriptedProvider({ replies: [] });
    await gone.start();
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    const engine = engineFor({ url });
    const { outcome } = await runWith({ task: 'x', machine: browserForm().machine, engine });
    expect(outcome).toMatchObject({ passed: false, code: 'UPSTREAM_UNAVAILABLE' });
    expect(outcome.type === 'finished' && outcome.summary).toContain(url);
  });

  it.each(['hang', 'stall'] as const)('a stop in the middle (%s) ends the request', async (type) => {
    const server = await provider({ fault: { type } });
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

  it('raw code, wrong tools and prose go back once and are then a failure; nothing is done', async () => {
    const bad: ScriptedReply[] = [
      { calls: [{ name: 'raw', input: { code: 'import os; os.system("rm -rf /")' } }] },
      { calls: [{ name: 'type_text', input: {} }] },
      { text: '```python\npyautogui.click(10, 10)\n```' },
    ];
    for (const reply of bad) {
      const server = await provider(reply, reply);
      const { desktop, machine } = browserForm();
      const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(server) });
      expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
      expect(machine.commands).toEqual([]);
      expect(desktop.journal).toEqual([]);
      expect(server.complaints).toEqual([]);
    }
  });

  it('waiting for ever and looking for ever end as stalled', async () => {
    const wait = { calls: [{ name: 'wait', input: { ms: 10_000 } }] };
    const waiting = await provider(...Array.from({ length: 10 }, () => wait));
    expect((await run(waiting)).outcome).toMatchObject({ type: 'stopped', reason: 'stalled' });
    const look = { calls: [{ name: 'find_text', input: { text: 'x' } }] };
    const looking = await provider(...Array.from({ length: 10 }, () => look));
    expect((await run(looking)).outcome).toMatchObject({ passed: false, code: 'STALLED' });
    const read = { calls: [{ name: 'read_element', input: { element: 1 } }] };
    const reading = await provider(...Array.from({ length: 10 }, () => read));
    expect((await run(reading)).outcome).toMatchObject({ passed: false, code: 'STALLED' });
  });

  it('its words are told while it still speaks', async () => {
    const text =
      'The form is empty and waits for a name. I will click the name field first. Then I type the name and send it all.';
    const server = await provider({ text, ...done, pieceMs: 60 });
    const journal = new RecordingJournal();
    const running = runWith({
      task: 'x',
      machine: browserForm().machine,
      engine: engineFor(server),
      journal,
    });
    await expect.poll(() => journal.reasons, { timeout: 5000, interval: 10 }).not.toEqual([]);
    expect(journal.reasons.join(' ')).not.toContain('send it all');
    await running;
    expect(journal.reasons.slice(0, -1).join(' ')).toBe(text);
  });

  it('numbered elements, reading one, finding a text', async () => {
    const found = { text: '' };
    const server = await provider(
      { calls: [{ name: 'read_element', input: { element: 1 } }] },
      { calls: [{ name: 'find_text', input: { text: 'send' } }] },
      (body) => {
        found.text = JSON.stringify(body);
        return { calls: [{ name: 'click_element', input: { element: 2 } }] };
      },
      { calls: [{ name: 'click_element', input: { element: 99 } }] },
      done,
    );
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(server) });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.journal).toEqual(['left click send', 'sent']);
    expect(found.text).toContain('text_field');
    expect(found.text).toMatch(/button \\+"Send/);
    expect(JSON.stringify(server.requests[4]?.body)).toContain('no element 99');
  });

  it('accounts tokens, pictures and, where a price is written down, dollars', async () => {
    const usage = { input: 10_000, output: 1000, cached: 8000 };
    const server = await provider({ ...done, usage });
    const { machine } = browserForm();
    const signal = new AbortController().signal;
    const session = engineFor(server).open({
      runId: 'r',
      task: 'x',
      instructions: null,
      systemPrompt: null,
      cuaVersion: 'v3',
      maxSteps: 5,
    });
    const sight = await machine.observe({ elements: true }, { signal });
    const decision: Decision = await session.decide({ step: 1, sight, last: null, messages: [] }, { signal });
    expect(decision.usage).toMatchObject({
      requests: 1,
      inputTokens: 10_000,
      cachedInputTokens: 8000,
      outputTokens: 1000,
      imageBytes: sight.image?.byteLength,
    });
    const dollars = (2000 * 3 + 8000 * 0.3 + 1000 * 15) / 1_000_000;
    const { costUsd } = decision.usage ?? {};
    if (model.startsWith('anthropic')) expect(costUsd).toBeCloseTo(dollars, 9);
    else expect(costUsd).toBeNull();
  });
});
