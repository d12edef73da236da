import { Secret } from '@deskhand/base';
import {
  DeletedLlmKey,
  LLM_PROVIDERS,
  LlmKeyList,
  type LlmProvider,
  ProtocolError,
  StoredLlmKey,
  StoreLlmKeyRequest,
} from '@deskhand/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from '../caller.ts';
import type { ServerParts } from '../server-parts.ts';
import { answers } from './shared.ts';

const ProviderParams = z.object({ provider: z.string().min(1).max(64) });

export function llmKeyRoutes(app: FastifyInstance, { llmKeys }: ServerParts): void {
  app.put(
    '/llm/keys/:provider',
    {
      config: { access: 'llm_keys' },
      schema: {
        summary: 'Store a model key of your own',
        response: answers(StoredLlmKey),
        tags: ['llm'],
        params: ProviderParams,
        body: StoreLlmKeyRequest,
      },
    },
    async (request, reply) => {
      const provider = providerOf(request);
      const key = new Secret((request.body as StoreLlmKeyRequest).api_key);
      const { fingerprint } = await llmKeys.put(callerOf(request).owner, provider, key);
      reply.header('cache-control', 'no-store');
      return { provider, key_fingerprint: fingerprint, stored: true, request_id: request.id };
    },
  );

  app.get(
    '/llm/keys',
    {
      config: { access: 'llm_keys' },
      schema: { summary: 'List stored model keys', response: answers(LlmKeyList), tags: ['llm'] },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return { keys: await llmKeys.list(callerOf(request).owner), request_id: request.id };
    },
  );

  app.delete(
    '/llm/keys/:provider',
    {
      config: { access: 'llm_keys' },
      schema: {
        summary: 'Delete a stored model key',
        response: answers(DeletedLlmKey),
        tags: ['llm'],
        params: ProviderParams,
      },
    },
    async (request) => {
      const provider = providerOf(request);
      if (!(await llmKeys.delete(callerOf(request).owner, provider)))
        throw new ProtocolError('LLM_KEY_NOT_FOUND', `No ${provider} key is stored.`);
      return { deleted: true, provider, request_id: request.id };
    },
  );
}

function providerOf(request: FastifyRequest): LlmProvider {
  const { provider } = request.params as z.infer<typeof ProviderParams>;
  const known = LLM_PROVIDERS.find((name) => name === provider);
  if (known === undefined)
    throw new ProtocolError(
      'LLM_PROVIDER_UNSUPPORTED',
      `The provider must be ${LLM_PROVIDERS.join(' or ')}.`,
    );
  return known;
}
