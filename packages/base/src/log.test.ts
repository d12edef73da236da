import { describe, expect, it } from 'vitest';
import { errorAttributes, silentLogger } from './log.ts';

describe('errorAttributes', () => {
  it('tells codes and messages down the chain of causes', () => {
    const disk = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const error = new Error('the frame was not stored', { cause: disk });
    expect(errorAttributes(error)).toEqual({
      error: 'the frame was not stored <- ENOSPC: no space left',
      stack: error.stack,
    });
  });

  it('takes anything that was thrown, a ring of causes included', () => {
    expect(errorAttributes('just text')).toEqual({ error: 'just text' });
    expect(errorAttributes(undefined)).toEqual({ error: '' });
    const ring = new Error('round');
    ring.cause = ring;
    expect(errorAttributes(ring).error).toMatch(/^round( <- round)+$/);
  });

  it('tells no other property of an error: payloads stay out', () => {
    const error = Object.assign(new Error('refused'), { body: 'hunter2-hush', text: 'hunter2-hush' });
    expect(JSON.stringify(errorAttributes(error))).not.toContain('hunter2-hush');
  });
});

describe('silentLogger', () => {
  it('has silent children', () => {
    expect(silentLogger.child({ runId: 'r' }).child({ step: 1 })).toBe(silentLogger);
  });
});
