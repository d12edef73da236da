import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Benchmark, type BenchTable, tableAsText } from './benchmark.ts';

const run = promisify(execFile);
/** As `deskhand up` starts the daemon. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=2';
/** Programs and what they are asked for. */
const PARTS = [
  ['desktop-part.ts', '1920x1080'],
  ['desktop-part.ts', '3840x2160'],
  ['desktop-idle.ts', 'idle'],
  ['desktop-idle.ts', 'growth'],
] as const;

/**
 * Eyes and hands beside what people use instead, on one realistic screen, all columns in one run.
 * Each size has a process of its own: nut-js ends the process it runs in when its display goes away.
 */
export const desktopBenchmark: Benchmark = {
  name: 'desktop',
  describe: 'capture, typing, clicks and settling against screenshot-desktop, nut-js, xdotool and others',
  async run({ signal, progress }) {
    const tables: BenchTable[] = [];
    for (const [program, part] of PARTS) {
      progress(`desktop: ${part}`);
      const { stdout } = await run(
        process.execPath,
        [SMALL_YOUNG_GENERATION, new URL(program, import.meta.url).pathname, part],
        {
          signal,
          killSignal: 'SIGTERM',
          maxBuffer: 16 * 1024 * 1024,
        },
      );
      tables.push(...(JSON.parse(stdout) as BenchTable[]));
    }
    return { name: 'desktop', tables };
  },
};

/** For callers in this process; the same as `deskhand bench desktop`. */
export async function benchDesktop(options: { json: boolean; signal?: AbortSignal }): Promise<string> {
  const report = await desktopBenchmark.run({
    signal: options.signal ?? new AbortController().signal,
    progress: () => {},
  });
  return options.json ? JSON.stringify(report) : report.tables.map(tableAsText).join('\n\n');
}
