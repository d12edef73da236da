import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { apiBenchmark } from './api.ts';
import { type Benchmark, type BenchReport, tableAsText } from './benchmark.ts';
import { desktopBenchmark } from './desktop.ts';
import { engineStepBenchmark } from './engine-step.ts';
import { modelBenchmark } from './model.ts';
import { ocrBenchmark } from './ocr.ts';
import { panelBenchmark } from './panel.ts';
import { settleBenchmark } from './settle.ts';
import { stopBenchmark } from './stop.ts';

/** Add a line here for each benchmark; `deskhand bench NAME` finds it by its name. */
const BENCHMARKS: readonly Benchmark[] = [
  desktopBenchmark,
  engineStepBenchmark,
  stopBenchmark,
  apiBenchmark,
  ocrBenchmark,
  modelBenchmark,
  panelBenchmark,
  settleBenchmark,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
});

const [name, ...rest] = positionals;
const chosen = name === undefined ? BENCHMARKS : BENCHMARKS.filter((benchmark) => benchmark.name === name);
if (values.list) {
  for (const benchmark of BENCHMARKS) console.log(`${benchmark.name}\t${benchmark.describe}`);
} else if (chosen.length === 0 || rest.length > 0) {
  const known = BENCHMARKS.map((benchmark) => benchmark.name).join(', ');
  console.error(
    rest.length > 0 ? 'At most one benchmark can be named.' : `No benchmark "${name}"; there are: ${known}.`,
  );
  process.exitCode = 2;
} else {
  await run(chosen);
}

async function run(benchmarks: readonly Benchmark[]): Promise<void> {
  const stop = new AbortController();
  for (const event of ['SIGINT', 'SIGTERM'] as const)
    process.once(event, () => stop.abort(new Error(`stopped by ${event}`)));
  const progress = (line: string) => console.error(line);
  const reports: BenchReport[] = [];
  try {
    for (const benchmark of benchmarks) reports.push(await benchmark.run({ signal: stop.signal, progress }));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    console.error((error as Error).message);
    process.exitCode = 130;
    return;
  }
  const machine = describeMachine();
  if (values.json) {
    console.log(JSON.stringify({ machine, at: new Date().toISOString(), reports }));
    return;
  }
  console.log(machine);
  for (const report of reports) for (const table of report.tables) console.log(`\n${tableAsText(table)}`);
}

function describeMachine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${gigabytes} GB, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
}
