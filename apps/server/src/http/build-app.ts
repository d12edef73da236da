import type { IncomingMessage } from 'node:http';
import { errorAttributes } from '@deskhand/base';
import { LINK_PATH, mintRequestId, ProtocolError, problemsOf } from '@deskhand/protocol';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { OpenRunCap } from '../runs/open-run-cap.ts';
import { authenticate, requireScope } from './auth.ts';
import './caller.ts';
import { STATUS_CODES } from './node-http.ts';
import { whyNoRoute } from './not-built.ts';
import { ApiDescription } from './openapi.ts';
import { RateLimitError, rateHeaders } from './rate-limit.ts';
import { readJsonOnly } from './read-body.ts';
import { adminRoutes } from './routes/admin.ts';
import { billingRoutes } from './routes/billing.ts';
import { discoveryRoutes, rootRoutes } from './routes/discovery.ts';
import { keyRoutes } from './routes/keys.ts';
import { llmKeyRoutes } from './routes/llm-keys.ts';
import { machineRoutes } from './routes/machines.ts';
import { runRoutes } from './routes/runs.ts';
import { taskRoutes } from './routes/tasks.ts';
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

/** Who sends a header a second holds a connection for so long. */
const HEADERS_TIMEOUT_MS = 20_000;

const LEGACY_PREFIX = '/api/v1/cua/';

/** Why a request never became one, by Node's code. */
const BROKEN_REQUESTS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'The headers are larger than 16 KB together',
  ERR_HTTP_REQUEST_TIMEOUT: 'The request did not arrive whole in time',
};

declare module 'fastify' {
  interface FastifyRequest {
    /** The parsed JSON as it was sent, before defaults: what an idempotency key is bound to. */
    rawBody: unknown;
  }
}

/** Everything HTTP, without listening: tests inject requests. */
export async function buildApp(
  parts: ServerParts,
  { headersTimeoutMs = HEADERS_TIMEOUT_MS }: { headersTimeoutMs?: number | undefined } = {},
): Promise<FastifyInstance> {
  const { config, log, keys, rates, now } = parts;
  const docsUrl = () => `${parts.origin()}/docs`;
  const app = fastify({
    logger: false,
    http: {
      // Ours refuses it with the envelope.
      requireHostHeader: false,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: headersTimeoutMs / 4,
    },
    genReqId: mintRequestId,
    requestIdHeader: false,
    bodyLimit: config.max_body_bytes,
    // A slash too many is no reason to refuse or to redirect, which would lose a POST's body.
    routerOptions: {
      maxParamLength: 1024,
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      caseSensitive: true,
    },
    // The zod schemas check; fastify's own compilers would load a second schema library into every idle server.
    schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
    // The name of the API before it was /v1.
    rewriteUrl: ({ url = '/' }) =>
      url.startsWith(LEGACY_PREFIX) ? `/v1/${url.slice(LEGACY_PREFIX.length)}` : url,
    requestTimeout: 120_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
    return503OnClosing: true,
    // URLs the router cannot even decode.
    frameworkErrors: (thrown, request, reply) => {
      reply.header('x-coasty-request-id', request.id);
      reply.header('x-request-id', request.id);
      sendError(
        request as FastifyRequest,
        reply as unknown as FastifyReply,
        asProtocolError(thrown).error,
        docsUrl,
      );
    },
    // A broken request line never reaches a route; it still gets the envelope.
    clientErrorHandler: (error, socket) => {
      if (!socket.writable) return;
      const msg = BROKEN_REQUESTS[(error as NodeJS.ErrnoException).code ?? ''] ?? 'The request is not HTTP';
      socket.end(rawRefusal(validationError([{ loc: ['request'], msg, type: 'value_error' }]), docsUrl));
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
    // A body is JSON whatever its sender calls it; a name that is none ("", "json") would be refused on the way.
    if (request.headers['content-type'] !== undefined)
      request.raw.headers['content-type'] = 'application/json';
    reply.header('x-content-type-options', 'nosniff');
    const origin = parts.allowed().check(hostOf(request.raw), request.headers.origin);
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
    sendError(request, reply, new ProtocolError('NOT_FOUND', whyNoRoute(request.url, docsUrl())), docsUrl);
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
    if (error.code === 'PAYLOAD_TOO_LARGE') takeTheRest(request, reply, 4 * config.max_body_bytes);
    sendError(request, reply, error, docsUrl);
  });

  await app.register(
    async (v1) => {
      // One cap for both ways to start a run.
      const openRuns = new OpenRunCap(parts.config.max_queued_runs_per_machine);
      runRoutes(v1, parts, openRuns);
      taskRoutes(v1, parts, openRuns);
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
  // What it asks for beyond `100-continue` may be ignored; Node's own 417 has neither envelope nor request id.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.server.on('connect', (_request, socket) => {
    const error = new ProtocolError('NOT_FOUND', 'This server is no proxy.');
    socket.end(rawRefusal(error, docsUrl));
  });
  app.server.on('upgrade', (request, socket, head) => {
    const path = request.url?.split('?')[0];
    try {
      if (path !== LINK_PATH) throw new ProtocolError('NOT_FOUND', 'No such route.');
      parts.allowed().check(hostOf(request), request.headers.origin);
    } catch (error) {
      socket.end(rawRefusal(asProtocolError(error).error, docsUrl));
      return;
    }
    parts.hub.upgrade(request, socket, head);
  });
  return app;
}

/** A whole answer for a socket that never became a request: the same envelope and headers. */
function rawRefusal(error: ProtocolError, docsUrl: () => string): string {
  const requestId = mintRequestId();
  const { status, headers, body } = toHttpError(error, requestId, docsUrl());
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

/**
 * A refusal that is sent while the body still comes is lost on its sender when the connection closes under it: most
 * clients first send all, then read. So the rest is taken in and thrown away, as long as it ends.
 */
function takeTheRest({ raw }: FastifyRequest, reply: FastifyReply, maxBytes: number): void {
  if (Number(raw.headers['content-length'] ?? 0) > maxBytes) return;
  reply.removeHeader('connection');
  let taken = 0;
  raw.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > maxBytes) raw.destroy();
  });
}

function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: ProtocolError,
  docsUrl: () => string,
): void {
  const { status, headers, body } = toHttpError(error, request.id, docsUrl());
  void reply.code(status).headers(headers).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/**
 * The name this server was called by. None when the request gives several (a proxy may have read another one than we),
 * the address in the request line when it is a whole one.
 */
function hostOf({ rawHeaders, headers, url = '' }: IncomingMessage): string | undefined {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts !== 1) return undefined;
  if (url.startsWith('/') || url === '*') return headers.host;
  return URL.canParse(url) && new URL(url).host === headers.host ? headers.host : undefined;
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
