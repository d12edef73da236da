import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planOf } from './plan.ts';

const document = readFileSync(new URL('../../../../../docs/tasks.md', import.meta.url), 'utf8');

/** Each line of each fenced block, with what stands behind its opening fence. */
function examples(): Array<{ kind: string; expected: string[]; task: string }> {
  const blocks = document.matchAll(/^```(task|not-understood)([^\n]*)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, kind = '', words = '', body = '']) =>
    body
      .trim()
      .split('\n')
      .map((task) => ({ kind, expected: words.trim().split(/\s+/).filter(Boolean), task })),
  );
}

describe('docs/tasks.md', () => {
  it('has examples of every kind of step', () => {
    const told = new Set(examples().flatMap(({ expected }) => expected));
    expect(told.size).toBeGreaterThanOrEqual(28);
  });

  it.each(examples())('$task', ({ kind, expected, task }) => {
    const plan = planOf(task);
    if (kind === 'not-understood') {
      expect(plan).toMatchObject({ understood: false });
      return;
    }
    expect(plan.understood ? plan.steps.map(({ intent }) => intent.type) : plan).toEqual(expected);
  });
});
