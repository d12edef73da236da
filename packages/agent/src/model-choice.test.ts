import { Secret } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import { chooseModel, endpointFor } from './model-choice.ts';

const key = new Secret('sk-ant-secret-0123456789');

describe('which model', () => {
  it.each<[string, Parameters<typeof chooseModel>, object]>([
    ['nothing set', [undefined, {}], { engine: 'builtin' }],
    ['an empty variable', ['  ', {}], { engine: 'builtin' }],
    ['builtin by name, keys or not', ['builtin', { ANTHROPIC_API_KEY: key }], { engine: 'builtin' }],
    [
      'the first provider with a key',
      [undefined, { OPENAI_API_KEY: key, ANTHROPIC_API_KEY: key }],
      { provider: 'anthropic' },
    ],
    ['another provider with a key', [undefined, { OPENAI_API_KEY: key }], { provider: 'openai' }],
    ['Google by its common name', [undefined, { GEMINI_API_KEY: key }], { provider: 'google' }],
    ['an empty key is no key', [undefined, { ANTHROPIC_API_KEY: new Secret(' ') }], { engine: 'builtin' }],
    [
      'provider/model',
      ['anthropic/claude-x', { ANTHROPIC_API_KEY: key }],
      { provider: 'anthropic', model: 'claude-x' },
    ],
    [
      'a model with slashes',
      ['openai-compatible/qwen/vl-7b', {}, 'http://127.0.0.1:11434/v1/'],
      { model: 'qwen/vl-7b', baseUrl: 'http://127.0.0.1:11434/v1', key: null },
    ],
    ['a provider alone', ['openai', { OPENAI_API_KEY: key }], { provider: 'openai' }],
  ])('%s', (_title, args, expected) => {
    const choice = chooseModel(...args);
    expect(choice.engine === 'vision' ? choice.endpoint : choice).toMatchObject(expected);
  });

  it.each<[string, Parameters<typeof chooseModel>, RegExp]>([
    ['an unknown provider', ['acme/x', {}], /DESKHAND_MODEL is “acme\/x”.*builtin.*anthropic/],
    ['a key that is missing', ['anthropic/claude-x', {}], /needs ANTHROPIC_API_KEY/],
    ['a missing address', ['openai-compatible/llava', {}], /DESKHAND_MODEL_URL is not set/],
    ['a bad address', ['openai-compatible/llava', {}, 'localhost:11434'], /DESKHAND_MODEL_URL should be/],
    ['no model name', ['openai-compatible/', {}, 'http://a/v1'], /names no model/],
    [
      'a key in the wrong variable',
      ['openai/sk-proj-abcdefghijklmnop', { OPENAI_API_KEY: key }],
      /looks like an API key/,
    ],
  ])('%s is said in words', (_title, args, words) => {
    expect(() => chooseModel(...args)).toThrow(words);
    expect(() => chooseModel(...args)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('never quotes what looks like a key', () => {
    try {
      chooseModel('sk-proj-abcdefghijklmnop', {});
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).not.toContain('abcdefghijklmnop');
    }
  });
});

describe('a key that came with the run', () => {
  it('goes to its own provider, whatever address the operator set', () => {
    expect(endpointFor({ provider: 'anthropic', model: null, apiKey: key, source: 'header' })).toMatchObject({
      provider: 'anthropic',
      model: 'claude-sonnet-4-5',
      baseUrl: null,
      keyName: 'the X-LLM-Api-Key header',
    });
  });

  it('a model that looks like a key is refused without being quoted', () => {
    const model = 'sk-proj-abcdefghijklmnop';
    expect(() => endpointFor({ provider: 'openai', model, apiKey: key, source: 'stored' })).toThrow(
      expect.objectContaining({ code: 'LLM_MODEL_INVALID', message: expect.not.stringContaining('abcdef') }),
    );
  });
});
