import { describe, expect, it } from 'vitest';
import { runStep } from './run-step.mjs';
import { gone, makeSink } from './scratch.mjs';

const step = (script, more = {}) => ({
  label: 'a step',
  command: 'sh',
  args: ['-c', script],
  ceilingMs: 10_000,
  ...more,
});

describe.skipIf(process.platform === 'win32')('a step of set-up', () => {
  it('returns both outputs and whether it succeeded', async () => {
    const { ok, output, commandLine } = await runStep(step('echo out; echo err >&2; exit 3'), makeSink());
    expect(ok).toBe(false);
    expect(output.split('\n').sort()).toEqual(['', 'err', 'out']);
    expect(commandLine).toBe('sh -c echo out; echo err >&2; exit 3');
  });

  it('says begin and end in plain lines where there is no terminal', async () => {
    const sink = makeSink();
    await runStep(step('exit 0'), sink);
    expect(sink.text).toMatch(/^set-up: a step …\nset-up: a step done in \d+\.\d s\n$/);
  });

  it('redraws one line with the last output on a terminal, and removes it', async () => {
    const sink = makeSink({ isTTY: true });
    await runStep(step('printf "\\033[32mfetching x\\033[0m\\n"; sleep 0.4'), sink);
    expect(sink.text).toContain('a step 0 s  fetching x');
    expect(sink.text.endsWith('\r\x1b[2K')).toBe(true);
    expect(sink.text).not.toContain('\n');
  });

  it('ends a step at its ceiling together with its children', async () => {
    const startedAt = Date.now();
    const failure = await runStep(step('sleep 30 & echo $!; wait', { ceilingMs: 150 }), makeSink()).catch(
      (error) => error,
    );
    expect(failure.message).toContain('not done after');
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    await gone(Number(failure.lastLines[0]));
  });

  it('does not wait for a daemon that keeps the output open', async () => {
    const startedAt = Date.now();
    const { output } = await runStep(step('sleep 5 & echo $!'), makeSink());
    expect(Date.now() - startedAt).toBeLessThan(3_000);
    process.kill(Number(output.trim()), 'SIGKILL');
  });

  it('names a command that does not exist', async () => {
    await expect(runStep(step('', { command: 'no-such-command' }), makeSink())).rejects.toThrow(
      "no-such-command can't be started",
    );
  });
});
