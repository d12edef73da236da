import { readdirSync, readFileSync } from 'node:fs';
import { sleep } from '@deskhand/base';
import type { BenchTable } from './benchmark.ts';
import { brief } from './statistics.ts';

const IDLE_MS = 8000;

export type GuardCost = Readonly<{ when: string; rss: number; pss: number; uss: number; percent: number }>;

/** What guard costs while it does nothing but watch. */
export async function measureGuard(when: string, pid: number): Promise<GuardCost> {
  await sleep(2000);
  const before = { ms: processorMs(pid), atMs: performance.now() };
  await sleep(IDLE_MS);
  const share = (processorMs(pid) - before.ms) / (performance.now() - before.atMs);
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN) / 1024;
  return {
    when,
    rss: mb('Rss'),
    pss: mb('Pss'),
    uss: mb('Private_Clean') + mb('Private_Dirty'),
    percent: share * 100,
  };
}

export function guardTable(costs: readonly GuardCost[]): BenchTable {
  return {
    title: `Guard, idle for ${IDLE_MS / 1000} s`,
    note: 'RSS counts all pages, also those that other processes share (the Node program, mostly), PSS those in parts, USS only its own. Compiled code is kept from the first start on.',
    columns: ['when', 'RSS MB', 'PSS MB', 'USS MB', '% of a core'],
    rows: costs.map(({ when, rss, pss, uss, percent }) => [
      when,
      brief(rss),
      brief(pss),
      brief(uss),
      brief(percent),
    ]),
  };
}

/** Time on a processor, all threads; the kernel counts it in nanoseconds here, in hundredths of a second elsewhere. */
function processorMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);
}
