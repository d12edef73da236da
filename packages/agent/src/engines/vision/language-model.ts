import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModel } from 'ai';
import type { Endpoint } from '../../model-choice.ts';

/** The one place that knows how each provider's client is made. */
export function languageModel({ provider, model, key, baseUrl }: Endpoint): LanguageModel {
  const apiKey = key?.reveal() ?? '';
  const address = baseUrl === null ? {} : { baseURL: baseUrl };
  switch (provider) {
    case 'anthropic':
      return createAnthropic({ apiKey, ...address })(model);
    case 'openai':
      return createOpenAI({ apiKey, ...address }).chat(model);
    case 'google':
      return createGoogle({ apiKey, ...address })(model);
    case 'openai-compatible':
      return createOpenAICompatible({
        name: 'openai-compatible',
        baseURL: baseUrl ?? '',
        ...(apiKey === '' ? {} : { apiKey }),
      }).chatModel(model);
  }
}
