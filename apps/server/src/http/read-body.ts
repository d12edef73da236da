import { isUtf8 } from 'node:buffer';
import { ProtocolError, parseJson } from '@deskhand/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { validationError } from './to-http-error.ts';

/** Bodies are JSON in UTF-8, whatever the client calls them; a body that is not is refused, none is none. */
export function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, jsonOf(request, body as Buffer));
    } catch (error) {
      done(
        error instanceof ProtocolError && error.code === 'MALFORMED_MESSAGE'
          ? refusal(error.message, 'json_invalid')
          : (error as Error),
        undefined,
      );
    }
  });
}

function jsonOf(request: FastifyRequest, body: Buffer): unknown {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity')
    throw refusal('Content-Encoding is not accepted in requests: send the JSON as it is', 'value_error');
  // Decoding would put a replacement character where the client meant something else.
  if (!isUtf8(body)) throw refusal('The body is not UTF-8', 'json_invalid');
  // Windows tools put a byte order mark in front.
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return undefined;
  const value = parseJson(text);
  if (text.includes('\\u0000') && JSON.stringify(value).includes('\\u0000'))
    throw refusal('The character U+0000 is not accepted', 'value_error');
  // It would be lost on the way, or become somebody's prototype.
  if (MAY_BE_PROTO.test(text) && hasProto(value))
    throw refusal('A field named __proto__ is not accepted', 'value_error');
  return value === null ? undefined : value;
}

/** As it is, or with any of its letters escaped. */
const MAY_BE_PROTO = /__proto__|\\u00(5f|7[0-4]|6f)/i;

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto);
}

function refusal(msg: string, type: string): ProtocolError {
  return validationError([{ loc: ['body'], msg, type }]);
}
