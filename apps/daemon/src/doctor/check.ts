import type { SenseCheck } from '@deskhand/protocol';

/** How a trial went; its time is taken around it. */
export type Trial = Readonly<{
  state: SenseCheck['state'];
  detail: string;
  todo?: string;
  notRun?: boolean;
  /** Instead of the time of the whole trial. */
  ms?: number | null;
}>;

/** A trial that hangs must not hang the doctor. */
const CEILING_MS = 8000;

/**
 * Runs one trial and takes its time.
 * @param work gets a signal that aborts at the ceiling; what it throws is a failure with `todo` as the remedy.
 */
export async function check(
  name: string,
  todo: string,
  work: (signal: AbortSignal) => Promise<Trial>,
): Promise<SenseCheck> {
  const startedMs = performance.now();
  const ceiling = AbortSignal.timeout(CEILING_MS);
  const late = new Promise<never>((_, reject) => {
    ceiling.addEventListener('abort', () => reject(new Error(`no answer within ${CEILING_MS / 1000} s`)), {
      once: true,
    });
  });
  try {
    const { ms, ...trial } = await Promise.race([work(ceiling), late]);
    return { name, ...trial, ms: ms === undefined ? since(startedMs) : ms };
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).slice(0, 500);
    return { name, state: 'fail', detail, ms: since(startedMs), todo };
  }
}

export function since(startedMs: number): number {
  return Math.round((performance.now() - startedMs) * 10) / 10;
}
