import { probeModel } from '@deskhand/agent';
import type { ScriptedProvider, ScriptedReply } from '@deskhand/agent/testing';
import { Secret, silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import { PROVIDER_KEY, useScriptedProviders } from '../helpers/scripted-providers.ts';
import { deskhand, temporaryFolder } from '../helpers/up-process.ts';

/** One drawn picture tells whether a model can be used; `deskhand doctor` says so. */

const provider = useScriptedProviders();
const probe = (model: string, variable: string, server: ScriptedProvider, key = PROVIDER_KEY) =>
  probeModel(
    { model, env: { [variable]: new Secret(key) }, baseUrl: server.url, log: silentLogger },
    { signal: AbortSignal.timeout(20_000) },
  );
const click = (x: number, y: number) => ({ calls: [{ name: 'click', input: { point: { x, y } } }] });

describe('the one-picture probe', () => {
  it.each<[string, string, ScriptedReply]>([
    [
      'anthropic/claude-sonnet-4-5',
      'ANTHROPIC_API_KEY',
      { calls: [{ name: 'computer', input: { action: 'left_click', coordinate: [484, 300] } }] },
    ],
    [
      'openai/gpt-5.5',
      'OPENAI_API_KEY',
      {
        calls: [
          { name: 'computer', input: { actions: [{ type: 'click', button: 'left', x: 480, y: 310 }] } },
        ],
      },
    ],
    ['google/gemini-x', 'GEMINI_API_KEY', click(756, 750)],
    ['openai-compatible/qwen3-vl', 'DESKHAND_MODEL_KEY', click(756, 750)],
    [
      'openai-compatible/ui-tars-7b',
      'DESKHAND_MODEL_KEY',
      { text: "Thought: red.\nAction: click(start_box='(756,750)')" },
    ],
  ])('%s sees, calls tools and points right', async (model, variable, reply) => {
    const server = await provider(reply);
    expect(await probe(model, variable, server)).toMatchObject({
      model,
      state: 'ok',
      usage: { requests: 1 },
    });
    expect(server.complaints).toEqual([]);
    expect(JSON.stringify(server.requests[0]?.body)).toContain('iVBORw0KGgo');
  });

  it('a model that first wants a screenshot gets the picture again', async () => {
    const server = await provider(
      { calls: [{ name: 'computer', input: { action: 'screenshot' } }] },
      { calls: [{ name: 'computer', input: { action: 'left_click', coordinate: [484, 300] } }] },
    );
    const found = await probe('anthropic/claude-sonnet-4-5', 'ANTHROPIC_API_KEY', server);
    expect(found).toMatchObject({ state: 'ok' });
  });

  it('a strange way of giving places, prose, a wrong key: each is told apart', async () => {
    const model = 'openai-compatible/strange';
    const variable = 'DESKHAND_MODEL_KEY';
    expect(await probe(model, variable, await provider(click(300, 90)))).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('beside the target'),
    });
    const prose = { text: 'There is a red square.' };
    expect(await probe(model, variable, await provider(prose, prose))).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('called no tool'),
    });
    expect(await probe(model, variable, await provider(), 'sk-wrong-0000000000')).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('refused the key in DESKHAND_MODEL_KEY'),
    });
    const signal = AbortSignal.timeout(1000);
    expect(await probeModel({ model: 'builtin', log: silentLogger }, { signal })).toBeNull();
  });

  it('deskhand doctor asks the chosen model, unless told not to', async () => {
    const server = await provider(click(484, 300));
    const env = {
      DESKHAND_MODEL: 'openai-compatible/some-model',
      DESKHAND_MODEL_URL: server.url,
      DESKHAND_MODEL_KEY: PROVIDER_KEY,
    };
    const data = temporaryFolder('probe');
    type Report = { checks: Array<{ name: string; state: string; detail: string }> };
    const doctor = async (...args: string[]) => {
      const { stdout } = await deskhand(['doctor', '--json', '--virtual', '--data', data, ...args], { env });
      expect(stdout).not.toContain(PROVIDER_KEY);
      return (JSON.parse(stdout) as Report).checks.find(({ name }) => name === 'model answers');
    };
    expect(await doctor()).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/^openai-compatible\/some-model sees.*100 tokens in, 20 out$/),
    });
    expect(await doctor('--no-model')).toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });
});
