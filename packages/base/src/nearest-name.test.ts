import { expect, it } from 'vitest';
import { nearestName } from './nearest-name.ts';

const known = ['port', 'host', 'log_level', 'run_step_cents', 'run_step_v1_cents'];

it.each([
  ['prot', 'port'],
  ['Port', 'port'],
  ['loglevel', 'log_level'],
  ['run_step_cent', 'run_step_cents'],
  ['run_step_v1_cnets', 'run_step_v1_cents'],
  ['x', undefined],
  ['', undefined],
  ['something_else', undefined],
])('%j may mean %j', (given, meant) => {
  expect(nearestName(given, known)).toBe(meant);
});
