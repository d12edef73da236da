import { getEventListeners } from 'node:events';
import { setTimeout as nodeSleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAbort, raceSignal, reasonFrom, StopError, sleep, stopReasonOf } from './abort.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

/** What a promise has come to so far, without waiting for it. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = 'pending';
  promise.then(
    () => {
      state = 'resolved';
    },
    () => {
      state = 'rejected';
    },
  );
  await vi.advanceTimersByTimeAsync(0);
  return state;
}

describe('stop reasons', () => {
  it('a live signal has none, an aborted one has the reason it was given', () => {
    const controller = new AbortController();
    expect(stopReasonOf(controller.signal)).toBeUndefined();
    controller.abort(new StopError('deadline'));
    expect(stopReasonOf(controller.signal)).toBe('deadline');
  });

  it('the first reason wins', () => {
    const controller = new AbortController();
    controller.abort(new StopError('stopped_by_user'));
    controller.abort(new StopError('deadline'));
    expect(stopReasonOf(controller.signal)).toBe('stopped_by_user');
  });

  it('goes through AbortSignal.any', () => {
    const controller = new AbortController();
    const composed = AbortSignal.any([controller.signal, new AbortController().signal]);
    controller.abort(new StopError('cancelled'));
    expect(stopReasonOf(composed)).toBe('cancelled');
  });

  it('an abort without a typed reason has none', () => {
    expect(stopReasonOf(AbortSignal.abort())).toBeUndefined();
    expect(stopReasonOf(AbortSignal.abort('just so'))).toBeUndefined();
  });

  it('is dug out of the error that Node’s own timers wrap it in', async () => {
    const signal = AbortSignal.abort(new StopError('deadline'));
    const error = await nodeSleep(1, undefined, { signal }).catch((caught: unknown) => caught);
    expect((error as Error).name).toBe('AbortError');
    expect(reasonFrom(error)).toBe('deadline');
  });

  it('a chain of causes that bites its own tail ends', () => {
    const error = new Error('round');
    error.cause = error;
    expect(reasonFrom(error)).toBeUndefined();
    expect(reasonFrom(null)).toBeUndefined();
    expect(reasonFrom('text')).toBeUndefined();
  });

  it('a StopError says what stopped, and keeps message and cause', () => {
    expect(new StopError('budget').message).toBe('stopped: budget');
    const cause = new Error('empty');
    expect(new StopError('budget', 'No money left.', { cause })).toMatchObject({
      name: 'StopError',
      reason: 'budget',
      message: 'No money left.',
      cause,
    });
  });

  it('isAbort tells "was aborted" from every other failure', () => {
    expect(isAbort(new StopError('deadline'))).toBe(true);
    expect(isAbort(AbortSignal.abort().reason)).toBe(true);
    expect(isAbort(new Error('disk full'))).toBe(false);
    expect(isAbort(new DOMException('late', 'TimeoutError'))).toBe(false);
    expect(isAbort(null)).toBe(false);
    expect(isAbort(undefined)).toBe(false);
  });
});

describe('sleep', () => {
  it('waits as long as it was told', async () => {
    const waiting = sleep(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(await stateOf(waiting)).toBe('pending');
    await vi.advanceTimersByTimeAsync(1);
    expect(await stateOf(waiting)).toBe('resolved');
  });

  it('rejects with the signal’s own reason at once and leaves neither timer nor listener', async () => {
    const controller = new AbortController();
    const reason = new StopError('stopped_by_user');
    const waiting = sleep(1000, { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
    expect(listeners(controller.signal)).toBe(0);
  });

  it('starts no timer for a signal that is aborted already', async () => {
    const reason = new StopError('deadline');
    await expect(sleep(1000, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener when it ends by itself', async () => {
    const { signal } = new AbortController();
    const waiting = sleep(5, { signal });
    expect(listeners(signal)).toBe(1);
    await vi.advanceTimersByTimeAsync(5);
    await waiting;
    expect(listeners(signal)).toBe(0);
  });

  it.each([2 ** 31, 2 ** 31 + 5, Number.POSITIVE_INFINITY])(
    'waits %d ms, which one timer cannot, and can still be aborted',
    async (ms) => {
      const controller = new AbortController();
      const waiting = sleep(ms, { signal: controller.signal });
      expect(await stateOf(waiting)).toBe('pending');
      await vi.advanceTimersByTimeAsync(2 ** 31 - 1);
      expect(await stateOf(waiting)).toBe('pending');
      controller.abort(new StopError('cancelled'));
      await expect(waiting).rejects.toThrow('cancelled');
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});

describe('raceSignal', () => {
  it('settles as the work does', async () => {
    const { signal } = new AbortController();
    await expect(raceSignal(Promise.resolve(7), signal)).resolves.toBe(7);
    const failure = new Error('broken');
    await expect(raceSignal(Promise.reject(failure), signal)).rejects.toBe(failure);
    expect(listeners(signal)).toBe(0);
  });

  it('rejects with the reason the moment the signal aborts; the late result is dropped', async () => {
    const controller = new AbortController();
    const work = Promise.withResolvers<number>();
    const raced = raceSignal(work.promise, controller.signal);
    const reason = new StopError('deadline');
    controller.abort(reason);
    await expect(raced).rejects.toBe(reason);
    work.resolve(7);
    await expect(raced).rejects.toBe(reason);
  });

  it.each(['before', 'after'])('work that fails %s the abort is no unhandled rejection', async (when) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const controller = new AbortController();
      const work = Promise.withResolvers<number>();
      const reason = new StopError('deadline');
      if (when === 'before') controller.abort(reason);
      const raced = raceSignal(work.promise, controller.signal);
      controller.abort(reason);
      await expect(raced).rejects.toBe(reason);
      work.reject(new Error('too late'));
      vi.useRealTimers();
      // Unhandled rejections are reported after the microtasks of this turn.
      await new Promise(setImmediate);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });
});
