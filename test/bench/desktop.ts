import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Benchmark, type BenchTable, tableAsText } from './benchmark.ts';

const run = promisify(execFile);
/** Part → display size. */
const PARTS = ['1920x1080', '3840x2160'] as const;

/**
 * Eyes and hands beside what people use instead, on one realistic screen, all columns in one run.
 * Each size has a process of its own: nut-js ends the process it runs in when its display goes away.
 */
export const desktopBenchmark: Benchmark = {
  name: 'desktop',
  describe: 'capture, typing, clicks and settling against screenshot-desktop, nut-js, xdotool and others',
  async run({ signal, progress }) {
    const tables: BenchTable[] = [];
    for (const size of PARTS) {
      progress(`desktop: ${size}`);
      const { stdout } = await run(
        process.execPath,
        [new URL('desktop-part.ts', import.meta.url).pathname, size],
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
