import { describe, expect, it } from 'vitest';
import { settingProblems } from './check-settings.ts';

const given = (values: Record<string, unknown>) =>
  Object.entries(values).map(([name, value]) => ({ name, source: 'environment', value }));
const names = (values: Record<string, unknown>, env = {}) =>
  settingProblems(given(values), env).map(({ name }) => name);

describe('settings', () => {
  it('reports every problem at once, by name and source, and no secret', () => {
    const problems = settingProblems(
      [
        ...given({
          DESKHAND_MODEL_URL: 'notaurl',
          DESKHAND_BASE_URL: 'ftp://x',
          DESKHAND_STOP_HOTKEY: 'a',
          DATABASE_URL: 'postgres://user:hunter2@x',
        }),
        { name: 'DESKHAND_MODEL', source: 'config.json', value: 5 },
      ],
      {},
    );
    expect(problems.map(({ name }) => name).sort()).toEqual([
      'DATABASE_URL',
      'DESKHAND_BASE_URL',
      'DESKHAND_MODEL',
      'DESKHAND_MODEL_URL',
      'DESKHAND_STOP_HOTKEY',
    ]);
    expect(problems.find(({ name }) => name === 'DESKHAND_MODEL')?.source).toBe('config.json');
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it.each([
    ['builtin', {}, true],
    ['anthropic/x', {}, false],
    ['anthropic/x', { ANTHROPIC_API_KEY: 'k' }, true],
    ['google/x', { GEMINI_API_KEY: 'k' }, true],
    ['openai-compatible/x', {}, false],
    ['nonsense', {}, false],
    ['other/x', {}, false],
  ])('model %s with %j: usable is %s', (model, env, usable) => {
    expect(names({ DESKHAND_MODEL: model }, env).length === 0).toBe(usable);
  });

  it('an OpenAI-compatible model needs an address, nothing else', () => {
    expect(
      names({ DESKHAND_MODEL: 'openai-compatible/x', DESKHAND_MODEL_URL: 'http://127.0.0.1:11434/v1' }),
    ).toEqual([]);
  });

  it.each([
    ['ctrl+alt+shift+escape', true],
    ['ctrl+alt+q', true],
    ['banana', false],
    ['ctrl+q', false],
    ['ctrl+alt', false],
  ])('stop hotkey %s: usable is %s', (chord, usable) => {
    expect(names({ DESKHAND_STOP_HOTKEY: chord }).length === 0).toBe(usable);
  });
});
