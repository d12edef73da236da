import { anthropic, createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI, openai } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModel, ToolSet } from 'ai';
import type { Endpoint } from '../../model-choice.ts';
import type { ModelProfile } from './model-profiles.ts';

/** The one place that knows how each provider's client is made. */
export function languageModel({ provider, model, key, baseUrl }: Endpoint): LanguageModel {
  const apiKey = key?.reveal() ?? '';
  const address = baseUrl === null ? {} : { baseURL: baseUrl };
  switch (provider) {
    case 'anthropic':
      return createAnthropic({ apiKey, ...address })(model);
    case 'openai':
      return createOpenAI({ apiKey, ...address }).responses(model);
    case 'google':
      return createGoogle({ apiKey, ...address })(model);
    case 'openai-compatible':
      return createOpenAICompatible({
        name: 'openai-compatible',
        baseURL: baseUrl ?? '',
        includeUsage: true,
        ...(apiKey === '' ? {} : { apiKey }),
      }).chatModel(model);
  }
}

/** Of a provider's tool: a button that stays down between two calls is never left to a model. */
const NOT_OFFERED = {
  left_mouse_down: { enabled: false },
  left_mouse_up: { enabled: false },
} as const;

/** The provider's own computer tool for screenshots of this size, or null where our tools are used alone. */
export function nativeComputerTool(
  { grammar, tool }: ModelProfile,
  image: Readonly<{ width: number; height: number }>,
): ToolSet[string] | null {
  if (grammar === 'openai_computer') return openai.tools.computer();
  if (grammar !== 'anthropic_computer') return null;
  const display = { displayWidthPx: image.width, displayHeightPx: image.height };
  switch (tool) {
    case 'computer_20251124':
      return anthropic.tools.computer_20251124({ ...display, enableZoom: true });
    case 'computer_toolset_20260801':
      return anthropic.tools.computerToolset_20260801({ configs: NOT_OFFERED });
    default:
      return anthropic.tools.computer_20250124(display);
  }
}

/** What goes along with every request to a provider. */
export function providerOptionsFor(provider: Endpoint['provider']) {
  switch (provider) {
    case 'anthropic':
      // Tools and instructions are the same in every step: read from the provider's cache, not paid in full.
      return { request: {}, instructions: { anthropic: { cacheControl: { type: 'ephemeral' as const } } } };
    case 'openai':
      // Nothing of a person's screen is kept at the provider.
      return { request: { openai: { store: false } }, instructions: {} };
    default:
      return { request: {}, instructions: {} };
  }
}
