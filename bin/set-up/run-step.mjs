import { interrupted, killGroup, startGroup } from '../process-group.mjs';
import { SetUpError } from './set-up-error.mjs';

const quietMs = 2_000;
const plainLineEveryMs = 10_000;

/**
 * Runs one command with its output kept for the error message, and shows that time passes: on a terminal one line
 * that is redrawn, elsewhere a plain line now and then.
 * @param {{ label: string, command: string, args: string[], ceilingMs: number, env?: object, cwd?: string, shell?: boolean }} step
 * @returns {Promise<{ ok: boolean, output: string, commandLine: string }>}
 * @throws {SetUpError} when the command can't be started, passes its ceiling or is interrupted
 */
export async function runStep(step, stream = process.stderr) {
  const commandLine = [step.command, ...step.args].join(' ');
  const startedAt = Date.now();
  const progress = showProgress(step.label, stream);
  const { child, ended } = startGroup(step.command, step.args, {
    cwd: step.cwd,
    env: { ...process.env, ...step.env },
    shell: step.shell ?? false,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-200_000);
      progress.said(text);
    });
  }
  let passedCeiling = false;
  const ceiling = setTimeout(() => {
    passedCeiling = true;
    killGroup(child, 'SIGKILL');
  }, step.ceilingMs);
  const { code, error } = await ended;
  clearTimeout(ceiling);
  progress.end(code === 0, Date.now() - startedAt);
  const interruption = interrupted();
  if (interruption) throw new SetUpError(`interrupted (${interruption.signal}) in: ${step.label}`);
  if (error) {
    const message = `${step.label}: ${step.command} can't be started (${error.message})`;
    throw new SetUpError(message, { command: commandLine });
  }
  if (passedCeiling) {
    const message = `${step.label}: not done after ${Math.round(step.ceilingMs / 1000)} s; try again, and check the network if it repeats`;
    throw new SetUpError(message, { command: commandLine, output });
  }
  return { ok: code === 0, output, commandLine };
}

function showProgress(label, stream) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
  let lastLine = '';
  let frame = 0;
  if (!stream.isTTY) stream.write(`set-up: ${label} …\n`);
  const timer = setInterval(
    () => {
      if (!stream.isTTY) {
        stream.write(`set-up: ${label} … ${seconds()} s\n`);
        return;
      }
      frame = (frame + 1) % frames.length;
      const text = `${frames[frame]} ${label} ${seconds()} s  ${lastLine}`;
      stream.write(`\r\x1b[2K${text.slice(0, (stream.columns || 80) - 1)}`);
    },
    stream.isTTY ? 120 : plainLineEveryMs,
  );
  return {
    said(text) {
      const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '');
      // Control characters of a child's own progress display would garble ours.
      lastLine = (lines.at(-1) ?? lastLine).replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x1f]/g, '').trim();
    },
    end(ok, durationMs) {
      clearInterval(timer);
      if (stream.isTTY) stream.write('\r\x1b[2K');
      if (durationMs >= quietMs || !ok || !stream.isTTY) {
        stream.write(`set-up: ${label} ${ok ? 'done' : 'failed'} in ${(durationMs / 1000).toFixed(1)} s\n`);
      }
    },
  };
}
