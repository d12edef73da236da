import { ERRORS, ErrorBody, PRODUCT_VERSION } from '@deskhand/protocol';
import type { RouteOptions } from 'fastify';
import { z } from 'zod';

/** What a route says about itself for people and generators; the schemas also check. */
export type RouteSchema = Readonly<{
  summary?: string;
  tags?: readonly string[];
  params?: z.ZodType;
  querystring?: z.ZodType;
  body?: z.ZodType;
  response?: Readonly<Record<string, z.ZodType>>;
  /** Request headers that mean something here, with what they mean. */
  requestHeaders?: Readonly<Record<string, string>>;
  /** Media type of a good answer when it is not JSON. */
  produces?: readonly string[];
}>;

type Described = Readonly<{ method: string; path: string; access: string | undefined; schema: RouteSchema }>;
type Json = Record<string, unknown>;

const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);
const ERROR = { $ref: '#/components/responses/Error' };

/**
 * The OpenAPI 3.1 description, from the same zod schemas that check requests. Routes are collected while they are
 * declared and described when somebody asks: an idle server needs no description.
 */
export class ApiDescription {
  readonly #routes: Described[] = [];
  #document: Json | undefined;

  readonly collect = (route: RouteOptions): void => {
    const schema = (route.schema ?? {}) as RouteSchema;
    const { access } = (route.config ?? {}) as { access?: string };
    for (const method of [route.method].flat())
      if (method !== 'HEAD' && method !== 'OPTIONS')
        this.#routes.push({ method, path: route.url.replace(/:(\w+)/g, '{$1}'), access, schema });
  };

  document(): Json {
    this.#document ??= describe(this.#routes);
    return this.#document;
  }
}

function describe(routes: readonly Described[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    (paths[route.path] as Json)[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Deskhand API',
      version: PRODUCT_VERSION,
      description:
        'Runs on desktops that people lend: start, follow, resume, cancel. Every answer that is not 2xx has the same error envelope.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      responses: {
        Error: {
          description: 'Refused or failed; branch on `error.code`.',
          content: { 'application/json': { schema: jsonSchema(ErrorBody, 'output') } },
        },
      },
    },
    paths,
    'x-error-codes': ERRORS,
  };
}

function operation({ method, path, access, schema }: Described): Json {
  const parameters = [
    ...parametersOf(schema.params, 'path'),
    ...parametersOf(schema.querystring, 'query'),
    ...Object.entries(schema.requestHeaders ?? {}).map(([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string' },
    })),
  ];
  const open = access === 'public' || access === undefined;
  const good = schema.response?.['200'];
  const [media = 'application/json'] = schema.produces ?? [];
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
    summary: schema.summary,
    tags: schema.tags,
    security: open ? [] : [{ apiKey: [] }, { bearer: [] }],
    ...(open || access === 'any' ? {} : { 'x-required-scope': access }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(schema.body === undefined || !METHODS_WITH_BODY.has(method)
      ? {}
      : {
          requestBody: {
            required: !schema.body.safeParse({}).success,
            content: { 'application/json': { schema: jsonSchema(schema.body, 'input') } },
          },
        }),
    responses: {
      200: {
        description: 'Done',
        content: { [media]: { schema: good === undefined ? anyAnswer(media) : jsonSchema(good, 'output') } },
      },
      '4XX': ERROR,
      '5XX': ERROR,
    },
  };
}

function anyAnswer(media: string): Json {
  return { type: media === 'application/json' ? 'object' : 'string' };
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const { 'x-default': fallback } = jsonSchema as Json;
      if (fallback === undefined) return;
      jsonSchema.default = fallback as never;
      delete (jsonSchema as Json)['x-default'];
    },
  });
  return rest;
}
