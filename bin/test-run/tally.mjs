import { readFileSync } from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

/** @returns {Tally} */
export function sum(tallies) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const tally of tallies) {
    for (const key of Object.keys(total)) total[key] += tally[key];
  }
  return total;
}

/** A static check is one test. */
export function tallyCheck(exitCode) {
  return exitCode === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/**
 * Counts from Vitest's JSON report. A file that could not be loaded, a runner that ended badly although no test
 * failed, and a missing or empty report each count as one failure: silence is never success.
 * @param {object | undefined} report
 * @param {number} exitCode of the runner
 * @returns {Tally}
 */
export function tallyVitest(report, exitCode) {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report?.testResults ?? []) {
    let failedHere = 0;
    for (const { status } of file.assertionResults ?? []) {
      if (status === 'passed') tally.passed += 1;
      else if (status === 'failed') failedHere += 1;
      else tally.skipped += 1;
    }
    tally.failed += file.status === 'failed' ? Math.max(1, failedHere) : failedHere;
  }
  const sawTests = tally.passed + tally.failed + tally.skipped > 0;
  if (tally.failed === 0 && (exitCode !== 0 || !sawTests)) tally.failed = 1;
  return tally;
}

/** Vitest's report, or undefined when the runner left none or a broken one. */
export function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The last line of `npm test`, a promise to whoever reads it. */
export function lastLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

export function exitCodeFor({ passed, failed }) {
  return failed === 0 && passed > 0 ? 0 : 1;
}
