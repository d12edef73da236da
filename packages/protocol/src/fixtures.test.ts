import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Operation, Outcome } from './action.ts';
import { decodeText, decodeValue } from './decode.ts';
import { type ErrorCode, isErrorCode, ProtocolError } from './errors.ts';
import { RunEvent, RunEventPayload } from './events.ts';
import { Frame } from './frame.ts';
import { FrameHeader } from './frame-message.ts';
import { Display, FrameGeometry } from './geometry.ts';
import { DaemonMessage, ServerMessage } from './link.ts';
import { FromDaemon, FromGuard, ToDaemon, ToGuard } from './local.ts';
import { Observation, ObserveRequest, ScreenElement, WindowInfo } from './observation.ts';
import * as rest from './rest.ts';
import { Verdict } from './run.ts';

/**
 * Every message of every union has a good and a bad example under fixtures/<union>/:
 *   <message>.good[.<what>].json    the message
 *   <message>.bad.<why>.json        { code, place, message }: how and where it is refused
 */
const root = resolve(import.meta.dirname, '../fixtures');

type Union = {
  /** What decodes a file of this folder, given the message's name. */
  schemaOf: (message: string) => z.ZodType;
  members: readonly string[];
};

function discriminated(schema: z.ZodType, options: readonly z.ZodType[] = optionsOf(schema)): Union {
  return { schemaOf: () => schema, members: options.map(typeOf) };
}

function table(schemas: Readonly<Record<string, z.ZodType>>): Union {
  return {
    schemaOf: (message) => schemas[message] ?? expect.fail(`no schema is named ${message}`),
    members: Object.keys(schemas),
  };
}

function optionsOf(schema: z.ZodType): readonly z.ZodType[] {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) throw new Error('a discriminated union was expected');
  return schema.options as unknown as z.ZodType[];
}

function typeOf(option: z.ZodType): string {
  const shape = (option as z.ZodObject<{ type: z.ZodLiteral<string> }>).shape;
  return shape.type.value;
}

const unions: Record<string, Union> = {
  'link-daemon': discriminated(DaemonMessage),
  'link-server': discriminated(ServerMessage),
  'to-guard': discriminated(ToGuard),
  'from-guard': discriminated(FromGuard),
  'to-daemon': discriminated(ToDaemon),
  'from-daemon': discriminated(FromDaemon),
  operation: discriminated(Operation),
  'run-event': discriminated(RunEvent, optionsOf(RunEventPayload)),
  'frame-message': { schemaOf: () => FrameHeader, members: ['frame'] },
  observation: table({
    observation: Observation,
    observe_request: ObserveRequest,
    frame: Frame,
    geometry: FrameGeometry,
    display: Display,
    element: ScreenElement,
    window: WindowInfo,
    outcome: Outcome,
    verdict: Verdict,
  }),
  request: table({
    create_run: rest.CreateRunRequest,
    resume_run: rest.ResumeRunRequest,
    create_machine: rest.CreateMachineRequest,
    create_task: rest.CreateTaskRequest,
    patch_machine: rest.PatchMachineRequest,
    create_key: rest.CreateKeyRequest,
  }),
  response: table({
    run: rest.Run,
    run_list: rest.RunList,
    run_screenshot_list: rest.RunScreenshotList,
    run_log: rest.RunLog,
    machine: rest.MachineRecord,
    machine_list: rest.MachineList,
    machine_response: rest.MachineResponse,
    create_machine_response: rest.CreateMachineResponse,
    lifecycle: rest.LifecycleResponse,
    patch_machine_response: rest.PatchMachineResponse,
    machine_screenshot: rest.MachineScreenshot,
    created_key: rest.CreatedKey,
    key_list: rest.KeyList,
    revoked_key: rest.RevokedKey,
    usage: rest.Usage,
    health: rest.Health,
    error: rest.ErrorBody,
  }),
};

/** Requests and commands: an unknown field is a typo or a misunderstanding, so nothing is done. */
const strictMembers = new Set([
  ...['lease', 'release', 'observe', 'act', 'ping', 'narrate'].map((name) => `link-server/${name}`),
  ...(unions.operation?.members ?? []).map((name) => `operation/${name}`),
  ...(unions.request?.members ?? []).map((name) => `request/${name}`),
  ...['observe_request', 'frame', 'geometry', 'display'].map((name) => `observation/${name}`),
  'frame-message/frame',
]);

type Fixture = { union: string; message: string; file: string; text: string };

function fixtures(kind: 'good' | 'bad'): Fixture[] {
  return readdirSync(root).flatMap((union) =>
    readdirSync(resolve(root, union))
      .filter((file) => file.split('.')[1] === kind)
      .map((file) => ({
        union,
        message: file.split('.')[0] ?? '',
        file: `${union}/${file}`,
        text: readFileSync(resolve(root, union, file), 'utf8'),
      })),
  );
}

const good = fixtures('good');
const bad = fixtures('bad');

function schemaFor({ union, message }: Fixture): z.ZodType {
  return (unions[union] ?? expect.fail(`no union is named ${union}`)).schemaOf(message);
}

function refusalOf(decode: () => unknown): ProtocolError {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return error as ProtocolError;
  }
  return expect.fail('it was accepted');
}

describe('coverage', () => {
  it.each(Object.entries(unions).flatMap(([union, { members }]) => members.map((m) => [union, m] as const)))(
    '%s/%s has a good and a bad fixture',
    (union, member) => {
      const named = (fixture: Fixture) => fixture.union === union && fixture.message === member;
      expect(good.some(named), 'good').toBe(true);
      expect(bad.some(named), 'bad').toBe(true);
    },
  );

  it('every file belongs to a member, or shows an unknown one', () => {
    const strays = [...good, ...bad].filter(
      ({ union, message }) => !unions[union]?.members.includes(message) && message !== 'unknown',
    );
    expect(strays.map(({ file }) => file)).toEqual([]);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.json'),
    );
    expect(files).toHaveLength(good.length + bad.length);
  });
});

describe('good fixtures', () => {
  it.each(good)('$file parses and survives a round trip', (fixture) => {
    const schema = schemaFor(fixture);
    const original = JSON.parse(fixture.text) as Record<string, unknown>;
    const decoded = decodeText(schema, fixture.text);
    expect(decodeText(schema, JSON.stringify(decoded))).toEqual(decoded);
    // Nothing was dropped or changed; only defaults were added, and null stands for absent.
    const present = Object.entries(original).filter(([, value]) => value !== null);
    expect(decoded).toMatchObject(Object.fromEntries(present));
  });

  it.each(good)('[LINK3] $file with a field of the future', (fixture) => {
    const schema = schemaFor(fixture);
    const value = { ...(JSON.parse(fixture.text) as object), x_future: 1 };
    if (!strictMembers.has(`${fixture.union}/${fixture.message}`)) {
      expect(decodeValue(schema, value)).toMatchObject({ x_future: 1 });
      return;
    }
    const refusal = refusalOf(() => decodeValue(schema, value));
    expect(refusal.details.details).toContainEqual({
      loc: ['x_future'],
      msg: 'Extra inputs are not permitted',
      type: 'extra_forbidden',
    });
  });
});

describe('bad fixtures', () => {
  const Expectation = z.strictObject({ code: z.string(), place: z.string(), message: z.unknown() });

  it.each(bad)('$file is refused in the right place', (fixture) => {
    const { code, place, message } = Expectation.parse(JSON.parse(fixture.text));
    expect(isErrorCode(code)).toBe(true);
    const refusal = refusalOf(() => decodeValue(schemaFor(fixture), message, code as ErrorCode));
    expect(refusal.code).toBe(code);
    const places = (refusal.details.details as { loc: unknown[] }[]).map(({ loc }) => loc.join('.'));
    expect(places).toContain(place);
  });
});

describe('hostile fixtures', () => {
  const marker = 'hush-hush-4711';
  const hostile: unknown[] = [
    null,
    true,
    -1,
    1e308,
    marker,
    marker.repeat(1000),
    [marker],
    { [`${marker}`]: marker },
    JSON.parse(`{"__proto__":{"polluted":"${marker}"}}`),
  ];

  /** Every way to put `replacement` somewhere into `value`. */
  function* mutations(value: unknown, replacement: unknown): Generator<unknown> {
    yield replacement;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries())
        for (const changed of mutations(item, replacement)) yield value.with(index, changed);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value))
        for (const changed of mutations(item, replacement)) yield { ...value, [key]: changed };
    }
  }

  it.each(good)('[ERR2] $file with anything in any place: accepted or refused, never quoted', (fixture) => {
    const schema = schemaFor(fixture);
    const original = JSON.parse(fixture.text) as unknown;
    for (const replacement of hostile) {
      for (const mutated of mutations(original, replacement)) {
        try {
          decodeValue(schema, mutated);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          const { message, details } = error as ProtocolError;
          const messages = (details.details as { msg: string }[]).map(({ msg }) => msg);
          // A key is a place and may be named; a value never.
          const said = [message.replaceAll(/^[^:]*: /g, ''), ...messages].join('\n');
          expect(said).not.toContain(marker);
          expect(message.length).toBeLessThan(2000);
        }
      }
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
