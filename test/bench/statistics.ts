export type Sample = Readonly<{ medianMs: number; p95Ms: number; count: number }>;

export function summarize(milliseconds: readonly number[]): Sample {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { medianMs: at(0.5), p95Ms: at(0.95), count: sorted.length };
}

/** Rounded for reading: three significant digits. */
export function brief(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : value;
}

/** 1 = equal, 0 = nothing in common: 1 − Levenshtein distance / longer length, by characters. */
export function likeness(wanted: string, got: string): number {
  const a = [...wanted];
  const b = [...got];
  if (a.length === 0 && b.length === 0) return 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      current.push(
        Math.min(
          (previous[column] as number) + 1,
          (current[column - 1] as number) + 1,
          (previous[column - 1] as number) + (same ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return 1 - (previous[b.length] as number) / Math.max(a.length, b.length);
}

/**
 * Ways to do the same work, tried in turn within one run, each round in another order: noise of the machine hits all
 * alike, and nobody always comes after the one that leaves the caches cold.
 */
export type Contender = Readonly<{
  name: string;
  /** How often compared with the fastest ones: 1 = every round, 4 = every fourth. */
  every: number;
  /** @returns bytes produced; with the time when it was taken elsewhere, in another process. */
  work: () => Promise<number | Readonly<{ bytes: number; ms: number }>>;
}>;

/** 0 … count − 1 in an order that is the same for the same seed. */
function shuffled(count: number, seed: number): number[] {
  let state = (seed + 2) * 48_271;
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    state = (state * 48_271) % 2_147_483_647;
    const other = state % (last + 1);
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  return order;
}

export async function race(
  contenders: readonly Contender[],
  options: { rounds: number; signal: AbortSignal },
): Promise<Array<Sample & { name: string; bytes: number; failure: string | null }>> {
  const times = contenders.map(() => [] as number[]);
  const bytes = contenders.map(() => 0);
  const failures = contenders.map(() => null as string | null);
  // One round first that does not count: caches, compilers, page faults.
  for (let round = -1; round < options.rounds; round += 1) {
    for (const index of shuffled(contenders.length, round)) {
      const contender = contenders[index] as Contender;
      options.signal.throwIfAborted();
      if (failures[index] !== null || (round >= 0 && round % contender.every !== 0)) continue;
      const startedAt = performance.now();
      let ms: number;
      try {
        const done = await contender.work();
        ms = typeof done === 'number' ? performance.now() - startedAt : done.ms;
        bytes[index] = typeof done === 'number' ? done : done.bytes;
      } catch (error) {
        failures[index] = (error as Error).message.split('\n')[0] ?? 'failed';
        continue;
      }
      if (round >= 0) times[index]?.push(ms);
    }
  }
  return contenders.map(({ name }, index) => ({
    name,
    bytes: bytes[index] ?? 0,
    failure: failures[index] ?? null,
    ...summarize(times[index] ?? []),
  }));
}
