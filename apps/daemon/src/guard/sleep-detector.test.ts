import { expect, it } from 'vitest';
import { SleepDetector } from './sleep-detector.ts';

it('notices a sleep once, and neither drift nor a slow look', () => {
  let awakeMs = 5000;
  let everMs = 900_000;
  const detector = new SleepDetector({ awakeMs: () => awakeMs, everMs: () => everMs });
  const pass = (ms: number, asleepMs = 0) => {
    awakeMs += ms;
    everMs += ms + asleepMs;
    return detector.look();
  };
  for (let second = 0; second < 5000; second += 1) expect(pass(1000, 1)).toBe(false);
  expect(pass(60_000)).toBe(false);
  // Told at the next look, however soon after waking that is.
  expect(pass(150, 3_600_000)).toBe(false);
  expect(pass(1000)).toBe(true);
  expect(pass(1000)).toBe(false);
  expect(pass(1000, 3000)).toBe(true);
});
