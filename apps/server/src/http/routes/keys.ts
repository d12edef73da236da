import { CreatedKey, CreateKeyRequest, KeyList, ProtocolError, RevokedKey } from '@deskhand/protocol';
import type { FastifyInstance } from 'fastify';
import { callerOf } from '../caller.ts';
import type { ServerParts } from '../server-parts.ts';
import { answers, IdParams } from './shared.ts';

export function keyRoutes(app: FastifyInstance, { keys, streams }: ServerParts): void {
  app.post(
    '/keys',
    {
      config: { access: 'keys' },
      schema: {
        summary: 'Create an API key',
        response: answers(CreatedKey),
        tags: ['keys'],
        body: CreateKeyRequest,
      },
    },
    async (request, reply) => {
      const body = request.body as CreateKeyRequest;
      const { key, listed } = await keys.create(callerOf(request), { name: body.name, scopes: body.scopes });
      reply.header('cache-control', 'no-store');
      return { key, ...listed, request_id: request.id };
    },
  );

  app.get(
    '/keys',
    {
      config: { access: 'keys' },
      schema: { summary: 'List API keys', response: answers(KeyList), tags: ['keys'] },
    },
    async (request) => ({ keys: await keys.list(callerOf(request).owner), request_id: request.id }),
  );

  app.delete(
    '/keys/:id',
    {
      config: { access: 'keys' },
      schema: {
        summary: 'Revoke an API key',
        response: answers(RevokedKey),
        tags: ['keys'],
        params: IdParams,
      },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      if (!(await keys.revoke(callerOf(request).owner, id)))
        throw new ProtocolError('NOT_FOUND', 'There is no key with this id.');
      streams.endOf(id);
      return { status: 'ok', key_id: id, request_id: request.id };
    },
  );
}
