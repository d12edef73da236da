import { describe, expect, it } from 'vitest';
import { Scope } from './scope.ts';

describe('Scope', () => {
  it('closes in reverse order, one after the other', async () => {
    const log: string[] = [];
    const scope = new Scope();
    for (const name of ['socket', 'timer', 'file'])
      scope.add(name, async () => {
        log.push(`${name} begins`);
        await Promise.resolve();
        log.push(`${name} ends`);
      });
    await scope.close();
    expect(log).toEqual([
      'file begins',
      'file ends',
      'timer begins',
      'timer ends',
      'socket begins',
      'socket ends',
    ]);
  });

  it('closes each thing once, however often and however at once it is closed', async () => {
    let closed = 0;
    const scope = new Scope();
    scope.add('it', () => {
      closed += 1;
    });
    await Promise.all([scope.close(), scope.close(), scope[Symbol.asyncDispose]()]);
    await scope.close();
    expect(closed).toBe(1);
  });

  it('closes everything although some fail, and reports every failure by name with its cause', async () => {
    const log: string[] = [];
    const disk = new Error('disk');
    const scope = new Scope();
    scope.add('database', () => Promise.reject(disk));
    scope.add('socket', () => {
      log.push('socket');
    });
    scope.add('child process', () => {
      throw new Error('still alive');
    });
    const failure = await scope.close().catch((error: unknown) => error);
    expect(log).toEqual(['socket']);
    expect(failure).toBeInstanceOf(AggregateError);
    const { errors, message } = failure as AggregateError;
    expect(message).toBe('closing child process failed; closing database failed');
    expect(errors).toHaveLength(2);
    expect((errors[1] as Error).cause).toBe(disk);
  });

  it('whoever closes later hears of the same failures', async () => {
    const scope = new Scope();
    scope.add('it', () => Promise.reject(new Error('no')));
    await expect(scope.close()).rejects.toThrow('closing it failed');
    await expect(scope.close()).rejects.toThrow('closing it failed');
  });

  it('closes at once what is added while or after it closes', async () => {
    const log: string[] = [];
    const scope = new Scope();
    scope.add('first', () => {
      scope.add('late', () => {
        log.push('late');
      });
    });
    await scope.close();
    const tooLate = Promise.withResolvers<void>();
    scope.add('too late', () => {
      log.push('too late');
      tooLate.resolve();
    });
    await tooLate.promise;
    expect(log).toEqual(['late', 'too late']);
  });

  it('owns disposables of both kinds and hands them back', async () => {
    const log: string[] = [];
    const scope = new Scope();
    const asynchronous = {
      async [Symbol.asyncDispose]() {
        log.push('asynchronous');
      },
    };
    const synchronous = {
      [Symbol.dispose]() {
        log.push('synchronous');
      },
    };
    expect(scope.use('a', asynchronous)).toBe(asynchronous);
    expect(scope.use('s', synchronous)).toBe(synchronous);
    await scope.close();
    expect(log).toEqual(['synchronous', 'asynchronous']);
  });

  it('is itself disposable', async () => {
    let closed = false;
    {
      await using scope = new Scope();
      scope.add('it', () => {
        closed = true;
      });
      expect(closed).toBe(false);
    }
    expect(closed).toBe(true);
  });
});
