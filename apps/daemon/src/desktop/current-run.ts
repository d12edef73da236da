import type { Narrate, PanelRun, RunBrief } from '@deskhand/protocol';

const KNOWN_RUNS = 1000;
/** A run in one of these is over: the panel shows it until the next one begins. */
const FINISHED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'timed_out']);

/** The run that has, or had last, this desktop: what panels show of it and since when it is here. */
export class CurrentRun {
  #run: PanelRun | null = null;
  /** When each run first came here, by a clock that nobody sets. */
  readonly #firstMoments = new Map<string, number>();
  /** Who asked the server for it, in the server's words. */
  #requestedBy = '';

  get shown(): PanelRun | null {
    return this.#run;
  }

  get id(): string | undefined {
    return this.#run?.id;
  }

  get requestedBy(): string {
    return this.#requestedBy;
  }

  /** Since it first came here; null without a run. */
  get ranMs(): number | null {
    const began = this.#run === null ? undefined : this.#firstMoments.get(this.#run.id);
    return began === undefined ? null : performance.now() - began;
  }

  get waitsForPerson(): boolean {
    return this.#run?.status === 'awaiting_human';
  }

  begin(run: RunBrief): void {
    this.#requestedBy = run.requestedBy;
    this.#noteFirstMoment(run.runId);
    this.#run = {
      id: run.runId,
      task: run.task,
      status: 'running',
      step: 0,
      maxSteps: run.maxSteps,
      costCents: 0,
      deadlineAt: run.deadlineAt,
      startedAt: new Date().toISOString(),
      engine: run.engine,
      awaitingReason: null,
    };
  }

  narrate(narrate: Narrate): void {
    if (this.#run?.id !== narrate.runId) return;
    this.#run = {
      ...this.#run,
      status: narrate.status,
      step: narrate.step,
      maxSteps: narrate.maxSteps,
      costCents: narrate.costCents,
      awaitingReason: narrate.awaitingReason ?? null,
    };
  }

  /** The lease for it is over. One that waits for a person, or is finished, is shown on. */
  leaseEnded(runId: string): void {
    if (this.#run?.id !== runId || this.waitsForPerson || FINISHED.has(this.#run.status)) return;
    this.#run = null;
  }

  /** A run that lost its lease and got it back, or was given it anew, is still the same. */
  #noteFirstMoment(runId: string): void {
    if (this.#firstMoments.has(runId)) return;
    this.#firstMoments.set(runId, performance.now());
    const [oldest] = this.#firstMoments.keys();
    if (this.#firstMoments.size > KNOWN_RUNS && oldest !== undefined) this.#firstMoments.delete(oldest);
  }
}
