import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gone, makeScratch } from '../set-up/scratch.mjs';
import { runStage } from './run-stage.mjs';
import { markName, stageEnvironment } from './stage-environment.mjs';
import { chooseStages, stages, wholeCeilingMs } from './stages.mjs';
import { endStrays, findStrays } from './strays.mjs';

async function run(script, { isVitest = false, ceilingMs = 10_000, environment = process.env } = {}) {
  using scratch = makeScratch({});
  const lines = [];
  const stage = { name: 'x', command: 'sh', args: ['-c', script, 'sh'], isVitest };
  const options = { repository: scratch.folder, reportFolder: scratch.folder, environment, ceilingMs };
  const tally = await runStage(stage, { ...options, write: (line) => lines.push(line) });
  return { tally, lines, read: scratch };
}

describe.skipIf(process.platform === 'win32')('a stage of npm test', () => {
  it('counts a check by its exit code and says its name and duration', async () => {
    const { tally, lines } = await run('exit 0');
    expect(tally).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect(lines[0]).toContain('── x: sh -c exit 0');
    expect(lines.at(-1)).toMatch(/^── x: 1 passed, 0 failed, 0 skipped in \d+\.\d s$/);
    expect((await run('exit 1')).tally.failed).toBe(1);
  });

  it('asks a test runner for a report and counts from it', async () => {
    const report = JSON.stringify({
      testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
    });
    const { tally } = await run(
      `for a; do case $a in --outputFile.json=*) echo '${report}' >"\${a#*=}";; esac; done`,
      { isVitest: true },
    );
    expect(tally).toEqual({ passed: 1, failed: 0, skipped: 0 });
  });

  it('counts a runner that crashes, or leaves no report, as failed', async () => {
    expect((await run('kill -SEGV $$', { isVitest: true })).tally).toEqual({
      passed: 0,
      failed: 1,
      skipped: 0,
    });
    expect((await run('exit 0', { isVitest: true })).tally).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('ends a hang at the ceiling, with everything the stage started', async () => {
    using scratch = makeScratch({});
    const pidFile = join(scratch.folder, 'pid');
    const { tally, lines } = await run(`sleep 60 & echo $! >${pidFile}; wait`, { ceilingMs: 200 });
    expect(tally.failed).toBe(1);
    expect(lines.join('\n')).toContain('its ceiling');
    await gone(Number(readFileSync(pidFile, 'utf8')));
  });

  it('counts a command that does not exist as failed', async () => {
    const lines = [];
    const stage = { name: 'x', command: 'no-such-command', args: [], isVitest: false };
    const options = { repository: '/', reportFolder: '/', environment: process.env, ceilingMs: 5_000 };
    const tally = await runStage(stage, { ...options, write: (line) => lines.push(line) });
    expect(tally.failed).toBe(1);
    expect(lines.join('\n')).toContain("can't be started");
  });
});

describe.runIf(process.platform === 'linux')('what tests leave behind', () => {
  it('is found by the mark although it left the process group, and ended', async () => {
    const mark = `mark-${process.pid}-${Date.now()}`;
    const environment = { ...process.env, [markName]: mark };
    const stray = spawn('sh', ['-c', "trap '' TERM; while :; do sleep 0.1; done"], {
      detached: true,
      stdio: 'ignore',
      env: environment,
    });
    const bystander = spawn('sleep', ['60'], {
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, [markName]: 'another' },
    });
    try {
      const found = await endStrays(mark, { graceMs: 200 });
      expect(found.map(({ pid }) => pid)).toContain(stray.pid);
      await new Promise((resolve) => (stray.signalCode ? resolve() : stray.once('exit', resolve)));
      expect(stray.signalCode).toBe('SIGKILL');
      // The last `sleep 0.1` of the loop may be in its tenth of a second still.
      for (let tries = 0; tries < 100 && findStrays(mark).length > 0; tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 50));
      expect(findStrays(mark)).toEqual([]);
      expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    } finally {
      bystander.kill('SIGKILL');
      stray.kill('SIGKILL');
    }
  });
});

describe('the environment of a stage', () => {
  const base = {
    PATH: '/usr/bin',
    HOME: '/home/me',
    DISPLAY: ':0',
    DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x',
    ANTHROPIC_API_KEY: 'k',
    DESKHAND_MODEL: 'openai/x',
    DATABASE_URL: 'postgres://x',
  };
  const make = (platform, more = {}) =>
    stageEnvironment({
      base: { ...base, ...more },
      repository: '/r',
      node: '/r/n/bin/node',
      mark: 'm',
      platform,
    });

  it("holds neither the person's settings nor, on Linux, their screen", () => {
    const environment = make('linux');
    for (const name of [
      'DISPLAY',
      'DBUS_SESSION_BUS_ADDRESS',
      'ANTHROPIC_API_KEY',
      'DESKHAND_MODEL',
      'DATABASE_URL',
    ]) {
      expect(environment).not.toHaveProperty(name);
    }
    expect(environment).toMatchObject({ HOME: '/home/me', [markName]: 'm', TURBO_TELEMETRY_DISABLED: '1' });
    expect(make('darwin').DISPLAY).toBe(':0');
  });

  it.skipIf(process.platform === 'win32')('finds the pinned Node and the tools first', () => {
    expect(make('linux').PATH).toBe('/r/n/bin:/r/node_modules/.bin:/usr/bin');
    const { PATH: _, ...rest } = base;
    const windows = stageEnvironment({
      base: { ...rest, Path: 'C' },
      repository: '/r',
      node: '/r/n/node',
      mark: 'm',
      platform: 'win32',
    });
    expect(windows.Path).toBe('/r/n:/r/node_modules/.bin:C');
    expect(windows).not.toHaveProperty('PATH');
  });
});

describe('the stages', () => {
  it('run all, or the named ones in their own order, and refuse an unknown name', () => {
    expect(chooseStages([])).toBe(stages);
    expect(chooseStages(['unit', 'lint']).map((stage) => stage.name)).toEqual(['lint', 'unit']);
    expect(() => chooseStages(['lint', 'units'])).toThrow(
      'no stage named units; there are: typecheck, lint, build, unit, server, e2e',
    );
  });

  it('end within twenty minutes whatever happens', () => {
    expect(wholeCeilingMs).toBeLessThan(20 * 60_000);
  });
});
