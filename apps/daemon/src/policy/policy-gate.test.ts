import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { mintRunId, type RunId } from '@deskhand/protocol';
import { writeDefaultPolicy } from '@deskhand/protocol/policy-file';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CurrentRun } from '../desktop/current-run.ts';
import { SavedPaths } from '../files/saved-paths.ts';
import { PolicyReader } from './policy-file.ts';
import { PolicyGate } from './policy-gate.ts';

const MINUTE_MS = 60_000;
let folder: string;
let run: CurrentRun;
let gate: PolicyGate;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  folder = mkdtempSync(join(tmpdir(), 'deskhand-gate-'));
  const file = join(folder, 'policy.json');
  writeDefaultPolicy(file);
  const policy = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...policy, runs: { ...policy.runs, max_minutes: 30 } }));
  run = new CurrentRun();
  gate = new PolicyGate({
    policy: new PolicyReader(file),
    workFolder: join(folder, 'work'),
    savedPaths: new SavedPaths(),
    serverIsLocal: true,
    run: () => ({ starter: 'http://127.0.0.1 me', ranMs: run.ranMs }),
    onAsking: () => {},
    audit: { append: () => {} },
    log: silentLogger,
  });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const ONE = mintRunId();
const OTHER = mintRunId();
const lease = (runId: RunId) =>
  run.begin({
    runId,
    task: 'Do it.',
    requestedBy: 'me',
    engine: 'builtin',
    maxSteps: 10,
    deadlineAt: null,
  });
const verdict = () => gate.decideOrigin().decision;

it('[POL] the longest a run may act counts from its first lease, also when it lost that one and came back', () => {
  lease(ONE);
  vi.advanceTimersByTime(20 * MINUTE_MS);
  expect(verdict().verdict).toBe('allow');
  // The server was gone for a while, and gives it this desktop anew.
  run.leaseEnded(ONE);
  vi.advanceTimersByTime(5 * MINUTE_MS);
  lease(ONE);
  expect(verdict().verdict).toBe('allow');
  vi.advanceTimersByTime(5 * MINUTE_MS);
  expect(verdict()).toMatchObject({ verdict: 'deny', rule: 'runs:max_minutes' });
});

it('[POL] another run in between gives the first one no minute more, and has all of its own', () => {
  lease(ONE);
  vi.advanceTimersByTime(29 * MINUTE_MS);
  run.leaseEnded(ONE);
  lease(OTHER);
  vi.advanceTimersByTime(2 * MINUTE_MS);
  expect(verdict().verdict).toBe('allow');
  run.leaseEnded(OTHER);
  lease(ONE);
  expect(verdict()).toMatchObject({ verdict: 'deny', rule: 'runs:max_minutes' });
});

it('[POL] nobody’s run has no length', () => {
  expect(run.ranMs).toBeNull();
  expect(verdict().verdict).toBe('allow');
});
