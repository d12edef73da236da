import type { ModelUsage } from '@deskhand/agent';
import type { ModelUsageReport } from '@deskhand/protocol';

/** What models took, as events tell it; nothing when no model was asked. */
export function usageReport(usage: ModelUsage | null | undefined): { model_usage?: ModelUsageReport } {
  if (usage === null || usage === undefined) return {};
  return {
    model_usage: {
      requests: usage.requests ?? 0,
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cached_input_tokens: usage.cachedInputTokens ?? 0,
      image_bytes: usage.imageBytes ?? 0,
      cost_usd: usage.costUsd ?? null,
    },
  };
}
