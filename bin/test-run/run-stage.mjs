import { join } from 'node:path';
import { killGroup, startGroup } from '../process-group.mjs';
import { lastLine, readReport, tallyCheck, tallyVitest } from './tally.mjs';

/**
 * Runs one stage with its output on the terminal, and ends its whole process group at the ceiling.
 * @param {import('./stages.mjs').Stage} stage
 * @param {{ repository: string, environment: object, reportFolder: string, ceilingMs: number, write: (line: string) => void }} options
 * @returns {Promise<import('./tally.mjs').Tally>}
 */
export async function runStage(stage, { repository, environment, reportFolder, ceilingMs, write }) {
  const reportFile = join(reportFolder, `${stage.name}.json`);
  const reporting = stage.isVitest
    ? ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
    : [];
  const startedAt = Date.now();
  write(`\n── ${stage.name}: ${stage.command} ${stage.args.join(' ')}`);
  const { child, ended } = startGroup(stage.command, [...stage.args, ...reporting], {
    cwd: repository,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  let passedCeiling = false;
  const ceiling = setTimeout(() => {
    passedCeiling = true;
    killGroup(child, 'SIGKILL');
  }, ceilingMs);
  const { code, signal, error } = await ended;
  clearTimeout(ceiling);
  // What a runner's workers leave in its group has no owner any more.
  killGroup(child, 'SIGKILL');

  const exitCode = code ?? 1;
  const tally = stage.isVitest ? tallyVitest(readReport(reportFile), exitCode) : tallyCheck(exitCode);
  if (error) write(`── ${stage.name}: ${stage.command} can't be started: ${error.message}`);
  if (passedCeiling) write(`── ${stage.name}: ended after ${Math.round(ceilingMs / 1000)} s, its ceiling`);
  else if (signal) write(`── ${stage.name}: ended by ${signal}`);
  write(`── ${stage.name}: ${lastLine(tally)} in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return tally;
}
