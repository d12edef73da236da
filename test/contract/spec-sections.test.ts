import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Which part of the contract (v1-api.md) is checked where. A check says so in its name, as in `[2.4] …` for a section and
 * `[11#17] …` for a decision; a section that loses its last check fails here.
 */
const SECTIONS: Readonly<Record<string, string>> = {
  '1.1': 'base path and transport',
  '1.2': 'authentication and keys',
  '1.3': 'response headers',
  '1.4': 'error envelope',
  '1.5': 'idempotency',
  '1.6': 'lists, limits, validation',
  '1.7': 'timestamps and ids',
  '2.2': 'create request',
  '2.3': 'run object',
  '2.4': 'state machine',
  '2.5': 'cancel, resume, list',
  '2.6': 'action policy',
  '2.7': 'run screenshots',
  '3.1': 'framing of events',
  '3.2': 'cursor, replay, close',
  '3.3': 'event types',
  '4': 'outbound webhooks',
  '5': 'engine versions',
  '6': 'billing',
  '7.1': 'machine endpoints',
  '7.2': 'register request',
  '7.3': 'machine record',
  '7.4': 'connection',
  '7.5': 'machine pricing',
  '8.6': 'models, keys',
  '8.7': 'a model key of one’s own',
  '9.6': 'tasks',
};

/** Decisions that concern what this server serves; the others are about inference, workflows, schedules and tools. */
const DECISIONS = [
  ...[
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 23, 24, 25, 26, 31, 32, 33, 34, 35,
  ],
  ...[36, 37, 38, 39, 40, 44, 50, 51, 52],
];

const FOLDERS = ['contract', 'faults', 'security'];

function checks(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const folder of FOLDERS) {
    const where = path.resolve(import.meta.dirname, '..', folder);
    for (const file of readdirSync(where).filter(
      (name) => name.endsWith('.test.ts') && !name.startsWith('spec-'),
    ))
      for (const [, tags = ''] of readFileSync(path.join(where, file), 'utf8').matchAll(
        /\(\s*['`]((?:\[[\w.#]+\] )+)/g,
      ))
        for (const [, id = ''] of tags.matchAll(/\[(\d[\d.#]*)\]/g))
          found.set(id, [...(found.get(id) ?? []), `${folder}/${file}`]);
  }
  return found;
}

describe('the contract, section by section', () => {
  const found = checks();

  it('every section has checks that bear its number', () => {
    const without = Object.entries(SECTIONS).filter(([id]) => !found.has(id));
    expect(without).toEqual([]);
  });

  it('every decision has a check that bears its number', () => {
    expect(DECISIONS.filter((number) => !found.has(`11#${number}`))).toEqual([]);
  });

  it('no check bears a number that does not exist', () => {
    const known = new Set([...Object.keys(SECTIONS), ...DECISIONS.map((number) => `11#${number}`)]);
    expect([...found.keys()].filter((id) => !known.has(id))).toEqual([]);
  });
});
