import { CommandId, CommandResult } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { type Answer, CommandCache } from './command-cache.ts';

function answer(id: string): Answer {
  return {
    message: CommandResult.parse({
      type: 'result',
      id: CommandId.parse(id),
      outcomes: [{ status: 'confirmed', durationMs: 1 }],
      observation: { frame: null, settle: { settledMs: 0, reason: 'quiet' } },
    }),
    frame: { frameId: `frame-of-${id}`, bytes: new Uint8Array([1]) },
  };
}

describe('commands by id', () => {
  it('[ACT] does a finished command not again, and says so', async () => {
    const cache = new CommandCache();
    let done = 0;
    const work = async () => {
      done += 1;
      return answer('a');
    };
    const first = await cache.once('a', work);
    const second = await cache.once('a', work);
    expect(done).toBe(1);
    expect(first.message).toMatchObject({ repeated: false });
    expect(second.message).toMatchObject({ repeated: true, outcomes: [{ status: 'confirmed' }] });
    expect(second.frame).toEqual(first.frame);
  });

  it('[ACT] joins a command in flight', async () => {
    const cache = new CommandCache();
    let done = 0;
    const gate = Promise.withResolvers<void>();
    const work = async () => {
      done += 1;
      await gate.promise;
      return answer('a');
    };
    const both = Promise.all([cache.once('a', work), cache.once('a', work)]);
    gate.resolve();
    const [first, second] = await both;
    expect(done).toBe(1);
    expect([first.message, second.message]).toMatchObject([{ repeated: false }, { repeated: true }]);
  });

  it('[ACT] remembers a thousand, the last few with their pictures', async () => {
    const cache = new CommandCache();
    for (let index = 0; index < 1000; index += 1)
      await cache.once(`${index}`, async () => answer(`${index}`));
    const fail = () => Promise.reject(new Error('done twice'));
    expect(await cache.once('999', fail)).toMatchObject({ frame: { frameId: 'frame-of-999' } });
    const old = await cache.once('0', fail);
    expect(old.frame).toBeNull();
    expect(old.message).toMatchObject({ observation: null, outcomes: [{ status: 'confirmed' }] });
    await cache.once('1000', async () => answer('1000'));
    await expect(cache.once('0', fail)).rejects.toThrow('done twice');
  });

  it('keeps nothing of work that threw', async () => {
    const cache = new CommandCache();
    await expect(cache.once('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect((await cache.once('a', async () => answer('a'))).message).toMatchObject({ repeated: false });
  });
});
