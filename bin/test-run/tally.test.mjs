import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeFor, lastLine, readReport, sum, tallyCheck, tallyVitest } from './tally.mjs';

const file = (status, ...statuses) => ({ status, assertionResults: statuses.map((status) => ({ status })) });

describe('the count of npm test', () => {
  it.each([
    [
      'passed, failed, skipped and todo tests',
      [file('failed', 'passed', 'failed', 'skipped', 'todo', 'pending')],
      1,
      [1, 1, 3],
    ],
    [
      'a file that could not be loaded as one failure',
      [file('failed'), file('passed', 'passed')],
      1,
      [1, 1, 0],
    ],
    ['a file with passed tests whose hook failed as one failure', [file('failed', 'passed')], 1, [1, 1, 0]],
    [
      'a runner that ends badly although all tests passed as a failure',
      [file('passed', 'passed')],
      1,
      [1, 1, 0],
    ],
    ['only skipped tests as no failure', [file('passed', 'skipped')], 0, [0, 0, 1]],
    ['a report without tests as a failure', [], 0, [0, 1, 0]],
  ])('counts %s', (_name, testResults, exitCode, [passed, failed, skipped]) => {
    expect(tallyVitest({ testResults }, exitCode)).toEqual({ passed, failed, skipped });
  });

  it('counts a missing report as a failure, even with exit code 0', () => {
    expect(tallyVitest(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a static check as one test', () => {
    expect(
      [tallyCheck(0), tallyCheck(1), tallyCheck(null)].map((tally) => [tally.passed, tally.failed]),
    ).toEqual([
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
  });

  it('sums the stages into the promised last line', () => {
    const total = sum([
      tallyCheck(0),
      tallyVitest({ testResults: [file('failed', 'passed', 'failed', 'todo')] }, 1),
    ]);
    expect(lastLine(total)).toBe('2 passed, 1 failed, 1 skipped');
    expect(lastLine(sum([]))).toBe('0 passed, 0 failed, 0 skipped');
  });

  it('succeeds only with something passed and nothing failed', () => {
    expect(exitCodeFor({ passed: 3, failed: 0, skipped: 1 })).toBe(0);
    expect(exitCodeFor({ passed: 3, failed: 1, skipped: 0 })).toBe(1);
    expect(exitCodeFor({ passed: 0, failed: 0, skipped: 4 })).toBe(1);
  });

  it('reads no report from a file that is absent or cut short', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tally-'));
    try {
      writeFileSync(join(folder, 'cut.json'), '{"testResults":[');
      expect(readReport(join(folder, 'cut.json'))).toBeUndefined();
      expect(readReport(join(folder, 'absent.json'))).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
