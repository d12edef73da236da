import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ALL_TASKS } from './all-tasks.ts';
import type { Attempt, AttemptPlan } from './runner/attempt.ts';
import { keepReplay } from './runner/keep-replay.ts';
import { reportPage } from './runner/report-page.ts';
import { isNoModel, runSuite } from './runner/run-suite.ts';
import { attemptLine, summarise, summaryText } from './runner/summary.ts';
import type { Task } from './task.ts';

/** `deskhand eval`: the task suite on virtual desktops. */
const MAX_REPEATS = 1000;

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'builtin' },
    filter: { type: 'string', default: '' },
    repeat: { type: 'string', default: '1' },
    verify: { type: 'boolean', default: false },
    'twins-only': { type: 'boolean', default: false },
    report: { type: 'string' },
    desktops: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const kind = values.engine === 'builtin' ? 'builtin' : 'model';
const wanted = values.filter.split(',').map((part) => part.trim());
const chosen = ALL_TASKS.filter(
  (task) => task.engines.includes(kind) && wanted.some((part) => task.id.includes(part)),
);
const repeat = Number(values.repeat);
const desktops = Number(values.desktops);

if (values.list && values.json) {
  console.log(JSON.stringify(chosen.map(({ id, family, twin }) => ({ id, family, twin }))));
} else if (values.list) {
  for (const task of chosen) console.log(`${task.id}${task.twin === null ? '' : `\ttwin: ${task.twin}`}`);
} else if (chosen.length === 0) {
  usage(`No task of the suite fits "${values.filter}"; --list shows them.`);
} else if (!Number.isInteger(repeat) || repeat < 1 || repeat > MAX_REPEATS) {
  usage(`--repeat is a number from 1 to ${MAX_REPEATS}.`);
} else if (desktops !== 1 && desktops !== 2) {
  usage('--desktops is 1 or 2.');
} else {
  await run(plansFor(chosen));
}

function usage(message: string): void {
  console.error(message);
  process.exitCode = 2;
}

/** Every task as often as asked; with `--verify` judged by the verifier, and its twin beside it. */
function plansFor(tasks: readonly Task[]): AttemptPlan[] {
  const version = values.verify || values['twins-only'] ? 'v4' : 'v3';
  return Array.from({ length: repeat }, (_, index) =>
    tasks.flatMap((task): AttemptPlan[] => {
      const plan = { task, repeat: index + 1, engine: values.engine };
      return [
        ...(values['twins-only'] ? [] : [{ ...plan, twin: false, version } as const]),
        ...(version === 'v4' && task.twin !== null ? [{ ...plan, twin: true, version } as const] : []),
      ];
    }),
  ).flat();
}

async function run(plans: readonly AttemptPlan[]): Promise<void> {
  const stop = new AbortController();
  for (const event of ['SIGINT', 'SIGTERM'] as const)
    process.once(event, () => stop.abort(new Error(`stopped by ${event}`)));
  const started = performance.now();
  const report = values.report === undefined ? null : path.resolve(values.report);
  const replays = report === null ? null : report.replace(/(?:\.html?)?$/i, '-runs');
  if (replays !== null) mkdirSync(replays, { recursive: true });
  let attempts: Attempt[];
  try {
    attempts = await runSuite({
      plans,
      desktops,
      freshEvery: 12,
      signal: stop.signal,
      ...(replays === null
        ? {}
        : { keep: (attempt, run, desktop) => keepReplay(attempt, run, desktop, replays) }),
      progress: (attempt, done, total) => console.error(`${done}/${total} ${attemptLine(attempt)}`),
    });
  } catch (error) {
    if (isNoModel(error)) return usage(error.message);
    if (!stop.signal.aborted) throw error;
    console.error((error as Error).message);
    process.exitCode = 130;
    return;
  }
  const machine = describeMachine();
  const at = new Date().toISOString();
  const summary = summarise(attempts, (performance.now() - started) / 1000);
  if (report !== null && replays !== null) {
    const command = `deskhand eval ${process.argv.slice(2).join(' ')}`;
    const engine = values.engine;
    const page = { machine, at, command, engine, summary, attempts, replays: path.basename(replays) };
    writeFileSync(report, reportPage(page));
    console.error(`Report: ${report}`);
  }
  if (values.json) console.log(JSON.stringify({ machine, at, summary, attempts }));
  else console.log(`${machine}\n\n${summaryText(summary, attempts)}`);
  if (attempts.some(({ outcome }) => outcome === 'wrong' || outcome === 'fooled' || outcome === 'void'))
    process.exitCode = 1;
}

function describeMachine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${gigabytes} GB, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
}
