import { ApiError, type Client } from '@deskhand/client';

/** Cancels a run; one that has ended in the meantime is fine too. */
export async function cancelRun(client: Client, runId: string): Promise<string> {
  try {
    const run = await client.runs.cancel(runId, { signal: AbortSignal.timeout(10_000) });
    return run.status;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'INVALID_STATE') return String(error.extra.current_state);
    throw error;
  }
}
