import { describe, expect, it } from 'vitest';
import { EarlyLook } from './early-look.ts';

/** Looks that end when they are told to. */
function stage() {
  const looks: Array<{ signal: AbortSignal } & PromiseWithResolvers<string>> = [];
  const ended = new AbortController();
  const early = new EarlyLook<string>((signal) => {
    const look = { signal, ...Promise.withResolvers<string>() };
    looks.push(look);
    return look.promise;
  }, ended.signal);
  return { early, looks, ended };
}

describe('a look that begins while the screen is calm', () => {
  it('is taken when it is over, and none there was none', async () => {
    const { early, looks } = stage();
    expect(await early.take()).toBeNull();
    early.calm(null);
    const taken = early.take();
    looks[0]?.resolve('seen');
    expect(await taken).toBe('seen');
  });

  it('is stopped and forgotten when something stirs; the next calm begins another', async () => {
    const { early, looks } = stage();
    early.calm(null);
    looks[0]?.resolve('old');
    early.stirred();
    expect(looks[0]?.signal.aborted).toBe(true);
    expect(await early.take()).toBeNull();
    early.calm(null);
    looks[1]?.resolve('new');
    expect(await early.take()).toBe('new');
  });

  it('does not begin again and again on a screen that never rests', async () => {
    const { early, looks } = stage();
    for (let nth = 0; nth < 20; nth += 1) {
      early.calm(null);
      early.stirred();
    }
    early.calm(null);
    expect(looks.length).toBeLessThanOrEqual(5);
    expect(await early.take()).toBeNull();
  });

  it('that fails is none, and whoever ends the work ends it, too', async () => {
    const { early, looks, ended } = stage();
    early.calm(null);
    looks[0]?.reject(new Error('no picture'));
    expect(await early.take()).toBeNull();
    early.calm(null);
    ended.abort();
    expect(looks[1]?.signal.aborted).toBe(true);
    early.calm(null);
    expect(looks).toHaveLength(2);
  });
});
