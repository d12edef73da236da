import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSettleRig, SETTLE_SCENARIOS, type SettleRig } from '../bench/settle.ts';

/** Those that fool a wait for silence; `deskhand bench settle` has them all, many times, beside fixed sleeps. */
const NAMES = [
  'a menu opens',
  'a page loads in three pieces, 700 ms',
  'two bursts, 300 and 900 ms: the network is busy',
  'two bursts, 300 and 900 ms: the page says so',
  'a bar grows for 600 ms',
];
const stop = new AbortController();
let rig: SettleRig;

beforeAll(async () => {
  rig = await openSettleRig(stop.signal);
  // The first page of a browser that has just started takes its own time.
  const [first] = SETTLE_SCENARIOS;
  if (first !== undefined) await rig.trial(first, stop.signal);
});
afterAll(() => rig?.[Symbol.asyncDispose]());

describe('the picture settled on is the one that stays', () => {
  it.each(SETTLE_SCENARIOS.filter(({ name }) => NAMES.includes(name)))('$name', async (scenario) => {
    const { wrong, reason } = await rig.trial(scenario, stop.signal);
    expect({ wrong, reason }).toEqual({
      wrong: false,
      reason: expect.stringMatching(/^(quiet|load_finished)$/),
    });
  });
});
