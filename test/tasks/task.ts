import type { World } from './world.ts';

/** Who a task is meant for. `model` is any engine that sees pictures. */
export type EngineKind = 'builtin' | 'model';

/**
 * One real task: words, the applications they are about, and a judge that reads the true state (files on the
 * disk, an application's own store) and never the engine's word.
 */
export type TaskDefinition<State> = Readonly<{
  /** `family/what`, kebab-case, unique. */
  id: string;
  /** What a person would say. */
  instruction: (state: State) => string;
  /** Brings up what the task needs. With `world.sabotaged` the outcome comes out wrong although nothing looks broken. */
  setup: (world: World) => State | Promise<State>;
  /** What is wrong with the true state after the run, one sentence each; empty when it is as the task wants it. */
  check: (state: State) => readonly string[] | Promise<readonly string[]>;
  /** @default both kinds */
  engines?: readonly EngineKind[];
  /** How a correct run ends: a task that cannot be done must fail, and say so. @default 'succeeded' */
  ends?: 'succeeded' | 'failed';
  /** The run must ask a person; this is the answer. */
  answer?: string;
  /** @default 40 */
  maxSteps?: number;
  /**
   * The same words on a sabotaged application: what comes out wrong. Null for a task whose right ending is a
   * failure, where a wrong outcome has no meaning.
   */
  twin: string | null;
}>;

/** A task whose state type is known to nobody but itself. */
export type Task = Readonly<{
  id: string;
  family: string;
  engines: readonly EngineKind[];
  ends: 'succeeded' | 'failed';
  answer: string | null;
  maxSteps: number;
  twin: string | null;
  stage: (world: World) => Promise<StagedTask>;
}>;

export type StagedTask = Readonly<{ instruction: string; check: () => Promise<readonly string[]> }>;

export function task<State>(definition: TaskDefinition<State>): Task {
  const { setup, instruction, check } = definition;
  return {
    id: definition.id,
    family: definition.id.slice(0, definition.id.indexOf('/')),
    engines: definition.engines ?? ['builtin', 'model'],
    ends: definition.ends ?? 'succeeded',
    answer: definition.answer ?? null,
    maxSteps: definition.maxSteps ?? 40,
    twin: definition.twin,
    async stage(world) {
      const state = await setup(world);
      return { instruction: instruction(state), check: async () => check(state) };
    },
  };
}

/** One sentence when two values differ; compared as JSON, so that the order of fields counts for nothing. */
export function differs(what: string, actual: unknown, wanted: unknown): string[] {
  const [is, should] = [stable(actual), stable(wanted)];
  return is === should ? [] : [`${what} is ${is.slice(0, 300)} instead of ${should.slice(0, 300)}`];
}

function stable(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a.localeCompare(b)))
        : part,
    ) ?? 'undefined'
  );
}
