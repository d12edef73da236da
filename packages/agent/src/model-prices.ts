import { ProtocolError } from '@deskhand/protocol';
import { z } from 'zod';
import type { ModelUsage } from './ports.ts';

const dollars = z.number().min(0).max(100_000);
/** US dollars per million tokens. */
export const ModelPrice = z.strictObject({
  input: dollars,
  output: dollars,
  /** Input read from the provider's cache; default: like other input. */
  cached_input: dollars.optional(),
  /** Input written to the provider's cache; default: like other input. */
  cache_write: dollars.optional(),
});
export type ModelPrice = z.infer<typeof ModelPrice>;
export const ModelPrices = z.record(z.string().min(1).max(512), ModelPrice);

/**
 * What models cost, as the operator wrote it down: `provider/model`, a final `*` for any ending. There is no
 * list of ours: prices change and differ by contract, and a wrong figure is worse than none.
 */
export type ModelPrices = z.infer<typeof ModelPrices>;

/** @throws ProtocolError CONFIG_INVALID naming each bad place. */
export function readModelPrices(text: string): ModelPrices {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError(
      'CONFIG_INVALID',
      'Model prices should be JSON such as {"anthropic/claude-*": {"input": 3, "output": 15}}.',
      undefined,
      { cause },
    );
  }
  const read = ModelPrices.safeParse(value);
  if (read.success) return read.data;
  throw new ProtocolError('CONFIG_INVALID', `Model prices: ${z.prettifyError(read.error)}`);
}

/** @param name `provider/model`. @returns the longest matching entry's price, or null: unknown. */
export function priceOf(name: string, prices: ModelPrices): ModelPrice | null {
  const matches = Object.keys(prices)
    .filter((entry) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === entry))
    .sort((a, b) => b.length - a.length);
  const [best] = matches;
  return best === undefined ? null : (prices[best] ?? null);
}

/** US dollars, or null where the price is not known; never a guess. */
export function costOf(usage: Omit<ModelUsage, 'costUsd'>, price: ModelPrice | null): number | null {
  if (price === null) return null;
  const cached = usage.cachedInputTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  const plain = Math.max(0, usage.inputTokens - cached - written);
  const total =
    plain * price.input +
    cached * (price.cached_input ?? price.input) +
    written * (price.cache_write ?? price.input) +
    usage.outputTokens * price.output;
  return total / 1_000_000;
}

/** Both together; an unknown part makes the whole unknown. */
export function addUsage(a: ModelUsage | null, b: ModelUsage | null): ModelUsage | null {
  if (a === null || b === null) return a ?? b;
  const sum = (x: number | undefined, y: number | undefined) => (x ?? 0) + (y ?? 0);
  const costs = [a.costUsd ?? null, b.costUsd ?? null];
  return {
    requests: sum(a.requests, b.requests),
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cachedInputTokens: sum(a.cachedInputTokens, b.cachedInputTokens),
    cacheWriteTokens: sum(a.cacheWriteTokens, b.cacheWriteTokens),
    imageBytes: sum(a.imageBytes, b.imageBytes),
    costUsd: costs.includes(null) ? null : sum(costs[0] ?? 0, costs[1] ?? 0),
  };
}
