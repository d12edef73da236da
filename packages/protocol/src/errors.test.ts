import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS_DOCUMENT, errorsDocument } from '../scripts/generate-docs.ts';
import { ERRORS, type ErrorCode, type ErrorType, isErrorCode, ProtocolError } from './errors.ts';
import { STOP_ENDINGS } from './run-transitions.ts';

const document = readFileSync(ERRORS_DOCUMENT, 'utf8');
const rows = [...document.matchAll(/^\| `([A-Z_]+)` *\| (\d{3}) *\| (yes|no) *\| (.+?) *\|$/gm)].map(
  ([, code = '', status, again, meaning]) => ({
    code,
    status: Number(status),
    again: again === 'yes',
    meaning,
  }),
);

describe('[ERR1] the table of codes and docs/errors.md', () => {
  it('docs/errors.md is as generated; if not: node packages/protocol/scripts/generate-docs.ts', () => {
    expect(document).toBe(errorsDocument());
  });

  it('every code is documented, once', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual(Object.keys(ERRORS).sort());
  });

  it('every documented code exists and says the same', () => {
    for (const { code, status, again, meaning } of rows) {
      expect(isErrorCode(code), code).toBe(true);
      expect({ status, retryable: again, meaning }).toEqual({
        status: ERRORS[code as ErrorCode].status,
        retryable: ERRORS[code as ErrorCode].retryable,
        meaning: ERRORS[code as ErrorCode].meaning,
      });
    }
  });
});

describe('[ERR1] the table', () => {
  const statusesOf: Record<ErrorType, readonly number[]> = {
    validation_error: [400, 413, 422],
    auth_error: [401, 403],
    billing_error: [402],
    not_found_error: [404],
    state_error: [409],
    rate_limit_error: [429],
    server_error: [500, 502, 503, 504],
  };
  const entries = Object.entries(ERRORS);

  it.each(entries)('%s: status and family agree, the meaning is a sentence', (_code, row) => {
    expect(statusesOf[row.type]).toContain(row.status);
    expect(row.meaning).toMatch(/^[A-Z`].*\.$/);
  });

  it('a refused request is not worth repeating, except while another one is in flight or too much is asked', () => {
    const repeatable = entries.filter(([, row]) => row.retryable && row.status < 500).map(([code]) => code);
    expect(repeatable.sort()).toEqual(['IDEMPOTENCY_IN_FLIGHT', 'RATE_LIMITED', 'TOO_MANY_RUNS']);
  });

  it('[ACT1] a half-done input is never worth repeating', () => {
    for (const code of ['INPUT_FAILED', 'ACTION_ABORTED', 'TEXT_NOT_TYPEABLE'] as const)
      expect(ERRORS[code].retryable).toBe(false);
  });

  it('every way a run can be stopped has a code that exists, or is a plain cancel', () => {
    for (const { code } of Object.values(STOP_ENDINGS))
      if (code !== null) expect(isErrorCode(code)).toBe(true);
  });
});

describe('ProtocolError', () => {
  it('takes status and retryable from the table and keeps details and cause', () => {
    const cause = new Error('disk');
    const error = new ProtocolError('DB_UNAVAILABLE', 'No space left.', { path: '/data' }, { cause });
    expect(error).toMatchObject({
      name: 'ProtocolError',
      code: 'DB_UNAVAILABLE',
      status: 503,
      retryable: true,
      details: { path: '/data' },
      message: 'No space left.',
    });
    expect(error.cause).toBe(cause);
  });

  it.each(['toString', 'constructor', '__proto__', '', 'not_found'])('"%s" is not a code', (name) => {
    expect(isErrorCode(name)).toBe(false);
  });
});
