import { describeWithoutSecrets, type Operation, type Outcome } from '@deskhand/protocol';
import type { Database } from '../storage/database.ts';
import type { Tx } from '../storage/schema.ts';
import type { Seal } from '../storage/seal.ts';
import type { RunRow } from './run-record.ts';

export type PendingAction = Readonly<{
  commandId: string;
  step: number;
  bootId: string | null;
  frameId: string | null;
  operations: readonly Operation[];
}>;

export type FinishedAction = Readonly<{
  commandId: string;
  step: number;
  operations: readonly Operation[];
  outcomes: readonly Outcome[];
}>;

/** Of each operation in words, in the order of the operations. */
export type InWords = Readonly<{ descriptions: readonly string[] }>;

export type PastAction = { step: number; operation: Operation; outcome: Outcome };

/**
 * What a run sent to its machine. An action lies here whole, sealed, from before it is sent until it is answered or the
 * run ends; of an answered one remains what was done, typed text left out.
 */
export class RunActions {
  readonly #database: Database;
  readonly #seal: Seal;

  constructor(database: Database, seal: Seal) {
    this.#database = database;
    this.#seal = seal;
  }

  /** @param position of its first event, which orders a run's actions. */
  async keep(tx: Tx, runId: string, position: number, action: PendingAction): Promise<void> {
    await tx
      .insertInto('run_actions')
      .values({
        run_id: runId,
        command_id: action.commandId,
        position,
        step: action.step,
        boot_id: action.bootId,
        sealed: this.#seal.close(
          JSON.stringify({ frameId: action.frameId, operations: action.operations }),
          purpose(runId, action.commandId),
        ),
        history: null,
      })
      .execute();
  }

  /** Erases what was kept for sending it again. @returns false when it was answered before. */
  async finish(tx: Tx, runId: string, action: FinishedAction): Promise<boolean> {
    const history = action.outcomes.flatMap((outcome, index): PastAction[] => {
      const operation = action.operations[index];
      return operation === undefined
        ? []
        : [{ step: action.step, operation: withoutSecrets(operation), outcome }];
    });
    const { numUpdatedRows } = await tx
      .updateTable('run_actions')
      .set({ sealed: null, history: JSON.stringify(history) })
      .where('run_id', '=', runId)
      .where('command_id', '=', action.commandId)
      .where('history', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Nothing of an ended run is ever sent again, so its secrets go. */
  async eraseSealed(tx: Tx, runId: string): Promise<void> {
    await tx
      .updateTable('run_actions')
      .set({ sealed: null })
      .where('run_id', '=', runId)
      .where('sealed', 'is not', null)
      .execute();
  }

  /** The action that was stored and not answered, if the last driver died in between. */
  async pending(runId: string): Promise<PendingAction | null> {
    const row = await this.#database.read
      .selectFrom('run_actions')
      .selectAll()
      .where('run_id', '=', runId)
      .where('sealed', 'is not', null)
      .orderBy('position', 'desc')
      .executeTakeFirst();
    if (row === undefined || row.sealed === null) return null;
    const opened = this.#seal.open(row.sealed, purpose(runId, row.command_id));
    const { frameId, operations } = JSON.parse(opened) as { frameId: string | null; operations: Operation[] };
    return { commandId: row.command_id, step: row.step, bootId: row.boot_id, frameId, operations };
  }

  /** The step whose actions are answered and that was not closed, if the last driver died in between. */
  async unclosedStep(row: RunRow): Promise<number | null> {
    const last = await this.#database.read
      .selectFrom('run_actions')
      .select('step')
      .where('run_id', '=', row.id)
      .where('history', 'is not', null)
      .orderBy('step', 'desc')
      .limit(1)
      .executeTakeFirst();
    return last !== undefined && last.step > row.steps_completed ? last.step : null;
  }

  /** What the person said who resumed it last. */
  async lastNote(runId: string): Promise<string | null> {
    const row = await this.#database.read
      .selectFrom('run_events')
      .select('event')
      .where('run_id', '=', runId)
      .where('type', '=', 'resumed')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : ((JSON.parse(row.event) as { note: string | null }).note ?? null);
  }

  /** What the run did so far, typed text left out. */
  async history(runId: string): Promise<PastAction[]> {
    const rows = await this.#database.read
      .selectFrom('run_actions')
      .select('history')
      .where('run_id', '=', runId)
      .where('history', 'is not', null)
      .orderBy('position')
      .execute();
    return rows.flatMap((row) => JSON.parse(row.history ?? '[]') as PastAction[]);
  }
}

/** Still an operation, but typed text is its length. */
function withoutSecrets(operation: Operation): Operation {
  if (operation.type !== 'type_text') return operation;
  const { text } = describeWithoutSecrets(operation);
  return { type: 'type_text', text: String(text) };
}

function purpose(runId: string, commandId: string): string {
  return `action ${runId} ${commandId}`;
}
