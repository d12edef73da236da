import { describe, expect, it } from 'vitest';
import { addUsage, costOf, priceOf, readModelPrices } from './model-prices.ts';

const usage = { inputTokens: 1_000_000, outputTokens: 100_000 };

describe('what a model costs', () => {
  const prices = readModelPrices(
    '{"anthropic/*": {"input": 1, "output": 2}, "anthropic/claude-x*": {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75}}',
  );

  it('is unknown where nobody wrote it down, never a guess', () => {
    expect(priceOf('openai/gpt-5', prices)).toBeNull();
    expect(costOf(usage, null)).toBeNull();
  });

  it('takes the closest entry, and cached input at its own price', () => {
    expect(priceOf('anthropic/other', prices)).toMatchObject({ input: 1 });
    const price = priceOf('anthropic/claude-x-5', prices);
    expect(costOf(usage, price)).toBeCloseTo(3 + 1.5);
    expect(costOf({ ...usage, cachedInputTokens: 600_000, cacheWriteTokens: 200_000 }, price)).toBeCloseTo(
      0.2 * 3 + 0.6 * 0.3 + 0.2 * 3.75 + 1.5,
    );
  });

  it('a sum with an unknown part is unknown', () => {
    expect(addUsage({ ...usage, costUsd: 1 }, { ...usage, costUsd: null })?.costUsd).toBeNull();
    expect(addUsage({ ...usage, costUsd: 1 }, { ...usage, costUsd: 2 })).toMatchObject({
      inputTokens: 2_000_000,
      costUsd: 3,
    });
  });

  it.each(['[', '{"a/b": {"input": -1, "output": 1}}', '{"a/b": {"input": 1}}'])(
    '%s is refused in words',
    (text) => {
      expect(() => readModelPrices(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );
});
