import { describe, expect, it } from 'vitest';
import { Narration } from './narration.ts';

describe('an engine’s words as they come', () => {
  it('are told in sentences, before the last one is known', async () => {
    const told: string[] = [];
    const narration = new Narration(async (text, kind) => {
      told.push(`${kind}: ${text}`);
    });
    for (const word of 'The form is empty and waits for a name. I click the field'.split(/(?<= )/))
      narration.say(word, 'text');
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual(['text: The form is empty and waits for a name.']);
    await narration.finished();
    expect(told).toEqual(['text: The form is empty and waits for a name.', 'text: I click the field']);
    expect(narration.covers('The form is empty and waits for a name.\nI click the field')).toBe(true);
    expect(narration.covers('I click the button')).toBe(false);
  });

  it('thinking and text are told apart, endless lines are cut between words', async () => {
    const told: string[] = [];
    const narration = new Narration(async (text, kind) => {
      told.push(`${kind} ${text.length}`);
    });
    narration.say('hm', 'reasoning');
    narration.say('word '.repeat(200), 'text');
    await narration.finished();
    expect(told).toEqual(['reasoning 2', 'text 399', 'text 399', 'text 199']);
  });

  it('what telling throws comes out at the end', async () => {
    const narration = new Narration(() => Promise.reject(new Error('disk full')));
    narration.say('A sentence that is long enough to be told. ', 'text');
    await expect(narration.finished()).rejects.toThrow('disk full');
  });
});
