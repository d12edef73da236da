import { errorAttributes } from '@deskhand/base';
import { LINK_PATH, mintRequestId, ProtocolError, parseJson, problemsOf } from '@deskhand/protocol';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { authenticate, requireScope } from './auth.ts';
import './caller.ts';
import { STATUS_CODES } from './node-http.ts';
import { ApiDescription } from './openapi.ts';
import { RateLimitError, rateHeaders } from './rate-limit.ts';
import { adminRoutes } from './routes/admin.ts';
import { billingRoutes } from './routes/billing.ts';
import { discoveryRoutes, rootRoutes } from './routes/discovery.ts';
import { keyRoutes } from './routes/keys.ts';
import { llmKeyRoutes } from './routes/llm-keys.ts';
import { machineRoutes } from './routes/machines.ts';
import { runRoutes } from './routes/runs.ts';
import type { ServerParts } from './server-parts.ts';
import { asProtocolError, toHttpError, validationError } from './to-http-error.ts';

/** Response headers that scripts of an allowed origin may read (v1-api.md 1.3). */
const EXPOSED = [
  'X-Coasty-Request-Id',
  'X-Request-Id',
  'X-Coasty-Key-Kind',
  'X-Coasty-Test-Mode',
  'X-Credits-Charged',
  'X-Credits-Remaining',
  'X-Credits-Refunded',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'Idempotency-Replayed',
  'Idempotency-Status',
  'X-Coasty-Idempotent-Replay',
  'Link',
  'Warning',
].join(', ');

const DOCS_PATH = '/docs';

declare module 'fastify' {
  interface FastifyRequest {
    /** The parsed JSON as it was sent, before defaults: what an idempotency key is bound to. */
    rawBody: unknown;
  }
}

/** Everything HTTP, without listening: tests inject requests. */
export async function buildApp(parts: ServerParts): Promise<FastifyInstance> {
  const { config, log, keys, rates, now } = parts;
  const app = fastify({
    logger: false,
    genReqId: mintRequestId,
    requestIdHeader: false,
    bodyLimit: config.max_body_bytes,
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: false, caseSensitive: true },
    // The zod schemas check; fastify's own compilers would load a second schema library into every idle server.
    schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
    requestTimeout: 120_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
    return503OnClosing: true,
    // URLs the router cannot even decode.
    frameworkErrors: (thrown, request, reply) => {
      reply.header('x-coasty-request-id', request.id);
      reply.header('x-request-id', request.id);
      sendError(request as FastifyRequest, reply as unknown as FastifyReply, asProtocolError(thrown).error);
    },
    // A broken request line never reaches a route; it still gets the envelope.
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) return;
      socket.end(
        rawRefusal(
          validationError([{ loc: ['request'], msg: 'The request is not HTTP', type: 'value_error' }]),
        ),
      );
    },
  });
  app.decorateRequest('caller', null);
  app.decorateRequest('rawBody', null);
  readJsonOnly(app);

  app.setValidatorCompiler(({ schema, httpPart }) => {
    const part = httpPart === 'querystring' ? 'query' : httpPart === 'params' ? 'path' : (httpPart ?? 'body');
    return (data: unknown) => {
      const parsed = (schema as z.ZodType).safeParse(data);
      return parsed.success
        ? { value: parsed.data }
        : { error: validationError(problemsOf(parsed.error, [part])) };
    };
  });
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));

  const description = new ApiDescription();
  app.addHook('onRoute', description.collect);

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-coasty-request-id', request.id);
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    const origin = parts.allowed().check(request.headers.host, request.headers.origin);
    if (origin !== null) allowOrigin(reply, origin);
    if (origin !== null && request.method === 'OPTIONS') return answerPreflight(request, reply);
    const access = request.routeOptions.config.access;
    // Unknown routes say so with or without a key.
    if (access === undefined || access === 'public') return;
    const caller = authenticate(keys, request.headers);
    request.caller = caller;
    reply.header('x-coasty-key-kind', caller.kind);
    if (caller.kind === 'test') reply.header('x-coasty-test-mode', 'true');
    reply.headers(rateHeaders(rates.take(caller), now()));
    if (access !== 'any') requireScope(caller, access);
  });

  app.addHook('preValidation', async (request) => {
    // No body, no bytes and null all mean {}.
    if (request.method !== 'GET' && request.method !== 'HEAD') request.body ??= {};
    request.rawBody = request.body;
  });

  app.setNotFoundHandler((request, reply) => {
    sendError(
      request,
      reply,
      new ProtocolError('NOT_FOUND', 'No such route. /openapi.json lists what there is.'),
    );
  });

  app.setErrorHandler((thrown, request, reply) => {
    if (thrown instanceof RateLimitError) reply.headers(rateHeaders(thrown.rate, now()));
    const { error, unexpected } = asProtocolError(thrown);
    const attributes = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url,
      code: error.code,
    };
    if (unexpected) log.error('request failed', { ...attributes, ...errorAttributes(thrown) });
    else if (error.status >= 500) log.warn('request failed', { ...attributes, ...errorAttributes(error) });
    sendError(request, reply, error);
  });

  await app.register(
    async (v1) => {
      runRoutes(v1, parts);
      machineRoutes(v1, parts);
      keyRoutes(v1, parts);
      llmKeyRoutes(v1, parts);
      billingRoutes(v1, parts);
      discoveryRoutes(v1, parts);
      adminRoutes(v1, parts);
    },
    { prefix: '/v1' },
  );
  rootRoutes(app, parts, description);

  await app.ready();
  app.server.on('upgrade', (request, socket, head) => {
    const path = request.url?.split('?')[0];
    try {
      if (path !== LINK_PATH) throw new ProtocolError('NOT_FOUND', 'No such route.');
      parts.allowed().check(request.headers.host, request.headers.origin);
    } catch (error) {
      socket.end(rawRefusal(asProtocolError(error).error));
      return;
    }
    parts.hub.upgrade(request, socket, head);
  });
  return app;
}

/** A whole answer for a socket that never became a request: the same envelope and headers. */
function rawRefusal(error: ProtocolError): string {
  const requestId = mintRequestId();
  const { status, headers, body } = toHttpError(error, requestId, DOCS_PATH);
  const text = JSON.stringify(body);
  const lines = {
    ...headers,
    'x-coasty-request-id': requestId,
    'x-request-id': requestId,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${head.join('')}\r\n${text}`;
}

function sendError(request: FastifyRequest, reply: FastifyReply, error: ProtocolError): void {
  const { status, headers, body } = toHttpError(error, request.id, DOCS_PATH);
  void reply.code(status).headers(headers).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** Bodies are JSON whatever the client calls them; a body that is not is refused, none is none. */
function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body);
    if (text.trim() === '') {
      done(null, undefined);
      return;
    }
    try {
      const value = parseJson(text);
      if (text.includes('\\u0000') && JSON.stringify(value).includes('\\u0000'))
        throw validationError([
          { loc: ['body'], msg: 'The character U+0000 is not accepted', type: 'value_error' },
        ]);
      done(null, value === null ? undefined : value);
    } catch (error) {
      done(
        error instanceof ProtocolError && error.code === 'MALFORMED_MESSAGE'
          ? validationError([{ loc: ['body'], msg: error.message, type: 'json_invalid' }])
          : (error as Error),
        undefined,
      );
    }
  });
}

function allowOrigin(reply: FastifyReply, origin: string): void {
  reply.header('access-control-allow-origin', origin);
  reply.header('access-control-expose-headers', EXPOSED);
  reply.header('vary', 'Origin');
}

function answerPreflight(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE');
  reply.header(
    'access-control-allow-headers',
    request.headers['access-control-request-headers'] ??
      'X-API-Key, Authorization, Content-Type, Idempotency-Key, Last-Event-ID',
  );
  reply.header('access-control-max-age', '600');
  return reply.code(204).send();
}

/** Stands where fastify would load its own compilers; ours are set before any route is declared. */
function unused(): never {
  throw new Error('The compilers of this application are set already.');
}
