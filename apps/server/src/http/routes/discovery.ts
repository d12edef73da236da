import { Health, OPERATION_TRAITS, PRODUCT_VERSION, ProtocolError } from '@deskhand/protocol';
import { IdempotencyRecord, ModelList, PriceList } from '@deskhand/protocol/rest-answers';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { callerOf } from '../caller.ts';
import { docsPage } from '../docs-page.ts';
import type { ApiDescription } from '../openapi.ts';
import type { ServerParts } from '../server-parts.ts';
import { answers } from './shared.ts';

const KeyParams = z.object({ key: z.string().min(1).max(128) });

const HEALTH_SERVICES = ['', '/machines', '/schedules', '/triggers'] as const;

/** Under `/v1`. */
export function discoveryRoutes(app: FastifyInstance, { database, idempotency }: ServerParts): void {
  for (const service of HEALTH_SERVICES)
    app.get(
      `${service}/health`,
      {
        config: { access: 'public' },
        schema: { summary: `Health${service}`, response: answers(Health), tags: ['discovery'] },
      },
      async () => {
        if (service === '' && !(await database.writable()))
          throw new ProtocolError('DB_UNAVAILABLE', 'The database cannot be written.', { retry_after: 5 });
        return {
          status: 'ok',
          api_version: 'v1',
          service: service === '' ? 'deskhand' : service.slice(1),
          version: PRODUCT_VERSION,
        };
      },
    );

  app.get(
    '/models',
    {
      config: { access: 'any' },
      schema: { summary: 'Models and engine versions', response: answers(ModelList), tags: ['discovery'] },
    },
    async (request) => ({
      models: [
        { id: 'default', description: 'The model this server’s operator configured.' },
        {
          id: 'builtin',
          description:
            'No model: parses the task and grounds it in the accessibility tree, the page and OCR.',
        },
      ],
      cua_versions: [
        {
          id: 'v1',
          description: 'One action per turn.',
          avg_step_time: '9-10s',
          features: ['reflection'],
          latest: false,
        },
        {
          id: 'v3',
          description: 'Lean loop, several actions per turn.',
          avg_step_time: '3.5-4s',
          features: ['multi_action'],
          latest: false,
        },
        {
          id: 'v4',
          description: 'v3 with an independent verifier of the result.',
          avg_step_time: '3.5-4s',
          features: ['multi_action', 'verifier'],
          latest: false,
        },
        {
          id: 'v5',
          description: 'As v4.',
          avg_step_time: '3.5-4s',
          features: ['multi_action', 'verifier'],
          latest: true,
        },
      ],
      action_types: [...Object.keys(OPERATION_TRAITS), 'done', 'fail'],
      request_id: request.id,
    }),
  );

  app.get(
    '/idempotency/:key',
    {
      config: { access: 'any' },
      schema: {
        summary: 'What an Idempotency-Key led to',
        params: KeyParams,
        response: answers(IdempotencyRecord),
        tags: ['discovery'],
      },
    },
    async (request) => {
      const { key } = request.params as { key: string };
      const found = await idempotency.lookup(callerOf(request).owner, key);
      if (found === null)
        throw new ProtocolError('NOT_FOUND', 'No request used this Idempotency-Key in the last 24 hours.');
      return found;
    },
  );
}

/** At the root. */
export function rootRoutes(app: FastifyInstance, parts: ServerParts, description: ApiDescription): void {
  const { config } = parts;
  for (const path of ['/openapi.json', '/.well-known/openapi.json'])
    app.get(
      path,
      { config: { access: 'public' }, schema: { summary: 'This description', tags: ['discovery'] } },
      async () => description.document(),
    );

  const page = { summary: 'This description, to read', tags: ['discovery'], produces: ['text/html'] };
  app.get('/docs', { config: { access: 'public' }, schema: page }, async (_request, reply) => {
    const { html, policy } = await docsPage();
    reply.type('text/html; charset=utf-8');
    reply.header('content-security-policy', policy);
    return html;
  });

  app.get(
    '/api/pricing',
    {
      config: { access: 'public' },
      schema: { summary: 'Prices', response: answers(PriceList), tags: ['billing'] },
    },
    async () => ({
      schemaVersion: '1',
      updatedAt: '2026-11-01T00:00:00Z',
      currency: 'USD',
      subscriptions: [],
      boostPackages: [],
      meteredRates: [
        {
          endpoint: 'runs.step',
          creditsPerCall: config.run_step_cents,
          description: 'One completed step of a run (v3, v4, v5)',
        },
        {
          endpoint: 'runs.step.v1',
          creditsPerCall: config.run_step_v1_cents,
          description: 'One completed step of a run (v1)',
        },
      ],
      agentMinuteRate: { creditsPerMinute: 0, minCreditsToStart: 0, maxSessionHours: 0 },
      notes: [
        '1 credit is 1 US cent.',
        'Prices are set by the operator of this server; test keys are never charged.',
      ],
    }),
  );

  app.get(
    '/.well-known/mcp/server-card.json',
    {
      config: { access: 'public' },
      schema: { summary: 'How tools of the Model Context Protocol reach this server', tags: ['discovery'] },
    },
    async () => {
      const origin = parts.origin();
      return {
        name: 'deskhand',
        title: 'Deskhand',
        version: PRODUCT_VERSION,
        description:
          'A person lends their own desktop to an agent, watches each step and can stop it at once. No MCP endpoint of its own: an MCP server that runs beside its client calls the REST API with a key of this server.',
        serverInfo: { name: 'deskhand', title: 'Deskhand', version: PRODUCT_VERSION },
        // Nothing here speaks MCP, so no address may be named as if it did.
        remotes: [],
        authentication: { required: true, schemes: ['apiKey', 'bearer'] },
        documentationUrl: `${origin}/docs`,
        api: { base_url: `${origin}/v1`, openapi: `${origin}/openapi.json` },
      };
    },
  );

  app.get(
    '/api/discovery',
    { config: { access: 'public' }, schema: { summary: 'Where things are', tags: ['discovery'] } },
    async () => ({
      service: 'deskhand',
      version: PRODUCT_VERSION,
      api: '/v1',
      openapi: '/openapi.json',
      docs: '/docs',
      pricing: '/api/pricing',
      health: '/v1/health',
      mcp: '/.well-known/mcp/server-card.json',
    }),
  );

  const brief = { summary: 'What this is, for models', tags: ['discovery'], produces: ['text/plain'] };
  app.get('/llms.txt', { config: { access: 'public' }, schema: brief }, async (_request, reply) => {
    reply.type('text/plain; charset=utf-8');
    return [
      '# Deskhand',
      '',
      '> A person lends their own desktop to an agent, watches each step and can stop it at once.',
      '',
      '- [API description (OpenAPI 3.1)](/openapi.json)',
      '- [API page](/docs)',
      '- Start a run: POST /v1/runs {"machine_id", "task"}; follow it: GET /v1/runs/{id}/events (server-sent events); end it: POST /v1/runs/{id}/cancel',
      '',
    ].join('\n');
  });
}
