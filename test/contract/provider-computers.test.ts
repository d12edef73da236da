import { createEngine, type Engine } from '@deskhand/agent';
import { browserForm, RecordingJournal, runWith, type ScriptedProvider } from '@deskhand/agent/testing';
import { Secret, silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import { PROVIDER_KEY, useScriptedProviders } from '../helpers/scripted-providers.ts';

/** The providers' own computer tools and the grammars of local models, each over its strict wire. */

const RETRY = { firstDelayMs: 1, maxDelayMs: 5, attempts: 3 };
const ENV = {
  ANTHROPIC_API_KEY: new Secret(PROVIDER_KEY),
  OPENAI_API_KEY: new Secret(PROVIDER_KEY),
  DESKHAND_MODEL_KEY: new Secret(PROVIDER_KEY),
};
const done = { name: 'done', input: { summary: 'The form was sent.' } };

const provider = useScriptedProviders();

function engineFor(model: string, server: ScriptedProvider): Engine {
  return createEngine({ model, env: ENV, baseUrl: server.url, log: silentLogger, retry: RETRY });
}

const toolNames = (body: Record<string, unknown> | undefined): string[] =>
  ((body?.tools ?? []) as Array<Record<string, unknown>>).map((tool) => String(tool.type ?? tool.name));

describe.each([
  ['anthropic/claude-sonnet-4-5', 'computer_20250124'],
  ['anthropic/claude-opus-4-7', 'computer_20251124'],
  ['anthropic/claude-sonnet-5-5', 'computer_toolset_20260801'],
])('%s with %s', (model, version) => {
  const computer = (input: object) => ({ name: 'computer', input });

  it('does a task with the provider’s own tool; the picture travels inside its result', async () => {
    const server = await provider(
      { text: 'I need to see it.', calls: [computer({ action: 'screenshot' })] },
      {
        text: 'Filling.',
        calls: [
          computer({ action: 'left_click', coordinate: [150, 110] }),
          computer({ action: 'type', text: 'Ada' }),
        ],
      },
      { calls: [computer({ action: 'left_click', coordinate: [150, 210] })] },
      { calls: [done] },
    );
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(model, server) });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ passed: true, summary: 'The form was sent.' });
    expect(desktop.journal).toEqual(['left click name', 'typed into name', 'left click send', 'sent']);
    const tools = toolNames(server.requests[0]?.body);
    expect(tools).toContain(version);
    // Pointer and keys are the provider's; what it has not is ours.
    for (const ours of ['click_element', 'run_command', 'browser_navigate', 'ask_human', 'done'])
      expect(tools).toContain(ours);
    for (const theirs of ['click', 'type_text', 'key_combo']) expect(tools).not.toContain(theirs);
    const results = JSON.stringify(server.requests[2]?.body.messages);
    expect(results).toMatch(/"tool_result"[^\]]*"confirmed[^\]]*"type":"image"/);
    expect(results).toContain('No visible change');
  });

  it('tools and instructions are marked for the provider’s cache', async () => {
    const server = await provider({ calls: [done] });
    await runWith({ task: 'x', machine: browserForm().machine, engine: engineFor(model, server) });
    expect(JSON.stringify(server.requests[0]?.body.system)).toContain('"cache_control":{"type":"ephemeral"}');
  });

  it('a place outside and a direction that is none are refused in words, and nothing is done', async () => {
    const server = await provider(
      { calls: [computer({ action: 'left_click', coordinate: [5000, 1] })] },
      { calls: [computer({ action: 'scroll', coordinate: [1, 1], scroll_direction: 'inwards' })] },
    );
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(model, server) });
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    expect(JSON.stringify(server.requests[1]?.body)).toContain('lies outside the screenshot');
    expect(desktop.journal).toEqual([]);
  });
});

it('a screen of other proportions is asked for smaller, so that places stay true', async () => {
  const server = await provider(
    { calls: [{ name: 'computer', input: { action: 'left_click', coordinate: [150, 210] } }] },
    { calls: [done] },
  );
  const { machine } = browserForm({ width: 1280, height: 1024 });
  await runWith({ task: 'x', machine, engine: engineFor('anthropic/claude-sonnet-4-5', server) });
  expect(server.complaints).toEqual([]);
  const sides = machine.observed.map(({ frame }) => frame?.maxSidePx);
  expect(sides[0]).toBe(1280);
  const side = sides.at(-1) ?? 0;
  expect(side * ((side * 1024) / 1280)).toBeLessThanOrEqual(1_150_000);
});

describe('openai/gpt-5.5 with the computer tool on the Responses API', () => {
  const model = 'openai/gpt-5.5';
  const computer = (actions: object[], checks: object[] = []) => ({
    name: 'computer',
    input: { actions, pending_safety_checks: checks },
  });

  it('does a batch of actions; every call is answered with a picture, old ones are told in words', async () => {
    const clicks = (y: number) => computer([{ type: 'click', button: 'left', x: 150, y }]);
    const server = await provider(
      { text: 'Look.', calls: [computer([{ type: 'screenshot' }])] },
      {
        calls: [
          computer([
            { type: 'click', button: 'left', x: 150, y: 110 },
            { type: 'type', text: 'Ada' },
          ]),
        ],
      },
      ...Array.from({ length: 5 }, (_, index) => ({
        calls: [computer([{ type: 'type', text: String(index) }])],
      })),
      { calls: [clicks(210)] },
      { calls: [done] },
    );
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(model, server) });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.widget('name').value).toBe('Ada01234');
    expect(desktop.journal.at(-1)).toBe('sent');
    const tools = toolNames(server.requests[0]?.body);
    expect(tools).toContain('computer');
    const last = server.requests.at(-1)?.body;
    const text = JSON.stringify(last);
    expect(text.match(/"computer_screenshot"/g)?.length).toBeLessThanOrEqual(4);
    expect(text).toContain('What became of it');
    expect(last?.store).toBe(false);
  });

  it('its safety checks are shown to a person before anything is done, then acknowledged', async () => {
    const check = { id: 'sc_1', code: 'malicious_instructions', message: 'The page gives orders.' };
    const server = await provider(
      { calls: [computer([{ type: 'click', button: 'left', x: 150, y: 210 }], [check])] },
      { calls: [done] },
    );
    const { desktop, machine } = browserForm();
    const journal = new RecordingJournal();
    journal.answers.push('go on');
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(model, server), journal });
    expect(server.complaints).toEqual([]);
    expect(journal.questions[0]).toContain('The page gives orders.');
    expect(desktop.journal).toContain('sent');
    expect(outcome).toMatchObject({ passed: true });
    const told = JSON.stringify(server.requests[1]?.body);
    expect(told).toContain('"acknowledged_safety_checks":[{"id":"sc_1"');
    expect(told).toContain('go on');
  });

  it('a model that does not take it gets our tools from then on', async () => {
    const no = {
      fault: {
        type: 'status',
        status: 400,
        body: {
          error: {
            message: "The tool 'computer' is not supported with this model.",
            type: 'invalid_request_error',
            param: 'tools',
            code: null,
          },
        },
      },
    } as const;
    const server = await provider(
      no,
      { calls: [{ name: 'click', input: { point: { x: 150, y: 210 } } }] },
      { calls: [done] },
    );
    const { desktop, machine } = browserForm();
    const { outcome } = await runWith({ task: 'x', machine, engine: engineFor(model, server) });
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.journal).toContain('sent');
    expect(toolNames(server.requests[2]?.body)).not.toContain('computer');
  });
});

describe('models with their own grammar', () => {
  it('UI-TARS writes actions; places after its own resizing reach the machine as pixels', async () => {
    // 1280x800 becomes 1288x812 in its preprocessing.
    const at = (x: number, y: number) => `(${Math.round((x / 1280) * 1288)},${Math.round((y / 800) * 812)})`;
    const server = await provider(
      {
        text: `Thought: The name is empty.\nAction: click(start_box='${at(150, 110)}')\n\ntype(content='It\\'s Ada')`,
      },
      { text: `Thought: Now send.\nAction: click(start_box='${at(150, 210)}')` },
      { text: "Thought: It says thanks.\nAction: finished(content='Sent.')" },
    );
    const { desktop, machine } = browserForm();
    const engine = engineFor('openai-compatible/ui-tars-1.5-7b', server);
    const { outcome, journal } = await runWith({ task: 'fill the form', machine, engine });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ passed: true, summary: 'Sent.' });
    expect(desktop.widget('name').value).toBe("It's Ada");
    expect(desktop.journal.at(-1)).toBe('sent');
    expect(server.requests[0]?.body.tools).toBeUndefined();
    // People hear the thought, never a written call: it may hold what is typed.
    const heard = journal.reasons.join('\n');
    expect(heard).toContain('The name is empty.');
    expect(heard).not.toContain('Ada');
  });

  it('a server without tool calling is asked in writing; a Qwen model may use its own function', async () => {
    const no = {
      fault: {
        type: 'status',
        status: 400,
        body: { error: { message: 'registry.ollama.ai/library/qwen2.5vl:7b does not support tools' } },
      },
    } as const;
    const call = (name: string, input: object) =>
      `I see it.\n<tool_call>\n${JSON.stringify({ name, arguments: input })}\n</tool_call>`;
    const server = await provider(
      no,
      { text: call('click_element', { element: 1 }) },
      { text: call('type_text', { text: 'Ada' }) },
      { text: call('computer_use', { action: 'left_click', coordinate: [151, 213] }) },
      { text: call('done', { summary: 'Sent.' }) },
    );
    const { desktop, machine } = browserForm();
    const engine = engineFor('openai-compatible/qwen2.5vl:7b', server);
    const { outcome } = await runWith({ task: 'fill the form', machine, engine });
    expect(server.complaints).toEqual([]);
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.journal).toEqual(['left click name', 'typed into name', 'left click send', 'sent']);
    const told = JSON.stringify(server.requests[1]?.body);
    expect(told).toContain('<tools>');
    expect(server.requests[1]?.body.tools).toBeUndefined();
    expect(JSON.stringify(server.requests[2]?.body)).toContain('What became of it');
  });
});
