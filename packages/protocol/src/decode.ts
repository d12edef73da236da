import type { z } from 'zod';
import { type ErrorCode, ProtocolError } from './errors.ts';

/** Byte limits at the edges. */
export const LIMITS = {
  /** One JSON message on the link. */
  linkTextBytes: 4 * 1024 * 1024,
  /** One binary message on the link (a frame and its header). */
  linkBinaryBytes: 48 * 1024 * 1024,
  /** One line on a local socket. */
  localLineBytes: 1024 * 1024,
  /** Deepest nesting of any JSON accepted anywhere. */
  jsonDepth: 32,
  /** Most places a refusal names; a message with more is no better understood by naming them all. */
  problems: 100,
} as const;

/** One place in a value that does not fit, in the shape the REST API reports. */
export type Problem = Readonly<{ loc: ReadonlyArray<string | number>; msg: string; type: string }>;

/**
 * Text → checked message.
 * @throws ProtocolError MESSAGE_TOO_LARGE, MALFORMED_MESSAGE; the message names the first bad place and never quotes values.
 */
export function decodeText<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  maxBytes: number = LIMITS.linkTextBytes,
): z.output<Schema> {
  // A UTF-16 unit is at most 3 bytes of UTF-8: measure exactly only when it could matter.
  if (
    text.length > maxBytes ||
    (text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes)
  )
    throw new ProtocolError('MESSAGE_TOO_LARGE', `A message of at most ${maxBytes} bytes was expected.`);
  return decodeValue(schema, parseJson(text));
}

/** @throws ProtocolError MALFORMED_MESSAGE for anything that is not JSON or is nested too deeply. */
export function parseJson(text: string): unknown {
  if (nestingDepth(text) > LIMITS.jsonDepth)
    throw new ProtocolError(
      'MALFORMED_MESSAGE',
      `JSON nested deeper than ${LIMITS.jsonDepth} levels is not accepted.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the input, which may hold a secret: keep it out.
    throw new ProtocolError(
      'MALFORMED_MESSAGE',
      'The message is not valid JSON.',
      {},
      { cause: new Error((cause as Error).name) },
    );
  }
  // Half a surrogate pair is no character: it cannot be stored, typed or compared. Only an escape can smuggle one in.
  if ((SURROGATE_ESCAPE.test(text) || !text.isWellFormed()) && !isWellFormed(value))
    throw new ProtocolError('MALFORMED_MESSAGE', 'The message holds half of a surrogate pair.');
  return value;
}

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** Every string and every key, however deep; the depth is limited by now. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isWellFormed);
  return Object.entries(value).every(([key, item]) => key.isWellFormed() && isWellFormed(item));
}

/** Unknown value → checked value, defaults filled in. */
export function decodeValue<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  code: ErrorCode = 'MALFORMED_MESSAGE',
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error);
  const first = problems[0];
  const place = first === undefined ? 'the message' : first.loc.join('.') || 'the message';
  throw new ProtocolError(code, `${place}: ${first?.msg ?? 'does not fit its schema'}`, {
    details: problems,
  });
}

/** Zod issues as the public list of problems. */
export function problemsOf(error: z.ZodError, prefix: ReadonlyArray<string | number> = []): Problem[] {
  const problems: Problem[] = [];
  for (const issue of error.issues) {
    const loc = [...prefix, ...issue.path.map(placeName)];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, LIMITS.problems))
        problems.push({
          loc: [...loc, placeName(key)],
          msg: 'Extra inputs are not permitted',
          type: 'extra_forbidden',
        });
    } else {
      problems.push({ loc, msg: issue.message, type: problemType(issue) });
    }
    if (problems.length >= LIMITS.problems) break;
  }
  return problems.slice(0, LIMITS.problems);
}

/** Keys come from the sender: a refusal must not grow with them. */
function placeName(part: PropertyKey): string | number {
  if (typeof part === 'number') return part;
  const name = String(part);
  return name.length <= 64 ? name : `${name.slice(0, 63).toWellFormed()}…`;
}

function problemType(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && / received undefined/.test(issue.message)
        ? 'missing'
        : `${issue.expected}_type`;
    case 'too_big':
      return issue.origin === 'string'
        ? 'string_too_long'
        : issue.origin === 'array'
          ? 'too_long'
          : 'less_than_equal';
    case 'too_small':
      return issue.origin === 'string'
        ? 'string_too_short'
        : issue.origin === 'array'
          ? 'too_short'
          : 'greater_than_equal';
    case 'invalid_value':
      return 'enum';
    case 'invalid_format':
      return 'string_pattern_mismatch';
    default:
      return 'value_error';
  }
}

/** Deepest bracket nesting, ignoring brackets in strings; linear, allocates nothing. */
function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 92) index += 1;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 91 || code === 123) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === 93 || code === 125) depth -= 1;
  }
  return deepest;
}
