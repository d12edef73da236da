import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inertLine } from '@deskhand/base';
import { Client } from '@deskhand/client';
import { ProtocolError, type Run, RunId } from '@deskhand/protocol';
import { collectRecord, renderReplay } from '@deskhand/replay';
import { z } from 'zod';
import type { PastRunView } from '../core/panel-view.ts';

/** Written by the server of the same person on the same computer; mode 0600. */
const Credentials = z.looseObject({ api_key: z.string(), base_url: z.string() });
const MOST_RUNS = 100;
const LIST_MS = 5000;

/**
 * The runs of this desktop as their server tells them, where this computer may ask it: with `deskhand up` it may,
 * with a control plane elsewhere there is no key here and the panel shows what it saw itself.
 */
export class RunHistory {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Runs that began since midnight, newest first; null where there is nobody to ask. @throws when asking failed. */
  async today(machineId: string | null, now: Date): Promise<readonly PastRunView[] | null> {
    const client = this.#client();
    if (client === null) return null;
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
    const { data } = await client.runs.list({ limit: MOST_RUNS, signal: AbortSignal.timeout(LIST_MS) });
    return data
      .filter((run) => machineId === null || run.machine_id === machineId)
      .filter((run) => Date.parse(run.created_at) >= midnight)
      .map(pastRun);
  }

  /** The replay page of a run, one self-contained HTML text. @throws ProtocolError NOT_RUNNING, ApiError */
  async replay(runId: string): Promise<string> {
    const client = this.#client();
    if (client === null)
      throw new ProtocolError('NOT_RUNNING', 'No server of this computer keeps this run; ask where it runs.');
    return renderReplay(await collectRecord(client, RunId.parse(runId)));
  }

  /** Read anew each time: the server may come later than the panel, and change its port. */
  #client(): Client | null {
    let text: string;
    try {
      text = readFileSync(join(this.#dataDir, 'credentials.json'), 'utf8');
    } catch {
      return null;
    }
    const { api_key, base_url } = Credentials.parse(JSON.parse(text));
    return new Client({ baseUrl: base_url, apiKey: api_key });
  }
}

function pastRun(run: Run): PastRunView {
  return {
    id: inertLine(run.id, 128),
    task: inertLine(run.task, 200),
    status: inertLine(run.status.replaceAll('_', ' '), 32),
    steps: run.steps_completed,
    costCents: run.cost_cents,
    startedAt: run.started_at ?? run.created_at,
    replay: true,
  };
}
