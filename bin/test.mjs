// npm test: set-up, then every stage of bin/test-run/stages.mjs. `npm test -- unit e2e` runs only the named ones.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithNpm } from './end-with-npm.mjs';
import { interrupted } from './process-group.mjs';
import { findNode } from './set-up/find-node.mjs';
import { isSetUp } from './set-up/is-set-up.mjs';
import { root } from './set-up/repository.mjs';
import { runStage } from './test-run/run-stage.mjs';
import { stageEnvironment } from './test-run/stage-environment.mjs';
import { chooseStages, wholeCeilingMs } from './test-run/stages.mjs';
import { endStrays } from './test-run/strays.mjs';
import { exitCodeFor, lastLine, sum } from './test-run/tally.mjs';

const endAt = Date.now() + wholeCeilingMs;
const write = (line) => process.stdout.write(`${line}\n`);

endWithNpm();

let chosen;
try {
  chosen = chooseStages(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`npm test: ${error.message}\n`);
  process.exit(2);
}

if (await isSetUp('test')) await runAll(chosen);
else write(lastLine({ passed: 0, failed: 1, skipped: 0 }));

async function runAll(list) {
  const mark = randomUUID();
  const reportFolder = mkdtempSync(join(tmpdir(), 'deskhand-test-'));
  const environment = stageEnvironment({ base: process.env, repository: root, node: findNode(root), mark });
  const tallies = [];
  try {
    for (const stage of list) {
      if (interrupted()) break;
      const ceilingMs = Math.max(1_000, Math.min(stage.ceilingMs, endAt - Date.now()));
      tallies.push(await runStage(stage, { repository: root, environment, reportFolder, ceilingMs, write }));
    }
  } finally {
    rmSync(reportFolder, { recursive: true, force: true });
    const strays = await endStrays(mark);
    for (const { pid, command } of strays)
      write(`── left running by the tests, ended now: ${pid} ${command}`);
  }
  const total = sum(tallies);
  process.exitCode = interrupted()?.exitCode ?? exitCodeFor(total);
  write(`\n${lastLine(total)}`);
}
