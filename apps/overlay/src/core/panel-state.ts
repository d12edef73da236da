import { inertLine, inertText } from '@deskhand/base';
import { type DaemonState, type GuardState, OPEN_STATUSES, type PanelStep } from '@deskhand/protocol';
import { DEFAULT_STOP_CHORD, hotkeyName, type Platform } from './hotkey-name.ts';

import { panelMode } from './panel-mode.ts';
import type { AskView, PanelView, PastRunView, PauseReason, RunView, StepView } from './panel-view.ts';

/** Steps kept for the log; older ones are in the run's replay. */
export const KEPT_STEPS = 50;
export const KEPT_RUNS = 20;
/**
 * Guard answers a question every half second; silence this long means its controls can't be trusted. With the time
 * until the next question is due, a STOP that nobody hears looks so within two seconds.
 */
export const GUARD_SILENCE_MS = 1200;

type KnownStep = Readonly<{
  step: number;
  action: string | null;
  thought: string | null;
  outcome: StepView['outcome'];
  firstAt: string;
  at: string;
  settledMs: number | null;
}>;

export type PanelState = Readonly<{
  platform: Platform;
  guard: GuardState | null;
  /** Monotonic milliseconds of guard's last word; null while its socket is down. */
  guardHeardAtMs: number | null;
  daemon: DaemonState | null;
  daemonUp: boolean;
  stepsOf: string | null;
  /** Oldest first. */
  steps: readonly KnownStep[];
  /** Oldest first; those this panel saw. */
  pastRuns: readonly PastRunView[];
  /** Today's runs as the server tells them, newest first; null where it can't be asked. */
  history: readonly PastRunView[] | null;
}>;

export type PanelInput =
  | Readonly<{ type: 'guard_state'; state: GuardState; nowMs: number }>
  | Readonly<{ type: 'guard_down' }>
  | Readonly<{ type: 'daemon_state'; state: DaemonState }>
  | Readonly<{ type: 'daemon_down' }>
  | Readonly<{ type: 'step'; step: PanelStep }>
  | Readonly<{ type: 'history'; runs: readonly PastRunView[] | null }>;

export function initialState(platform: Platform): PanelState {
  return {
    platform,
    guard: null,
    guardHeardAtMs: null,
    daemon: null,
    daemonUp: false,
    stepsOf: null,
    steps: [],
    pastRuns: [],
    history: null,
  };
}

/** Pure. Every input is idempotent: a snapshot or a step that comes twice changes nothing. */
export function reduce(state: PanelState, input: PanelInput): PanelState {
  switch (input.type) {
    case 'guard_state':
      return { ...state, guard: input.state, guardHeardAtMs: input.nowMs };
    case 'guard_down':
      return { ...state, guardHeardAtMs: null };
    case 'daemon_down':
      return { ...state, daemonUp: false };
    case 'daemon_state':
      return withSnapshot(state, input.state);
    case 'step':
      return withStep(state, input.step);
    case 'history':
      return { ...state, history: input.runs };
  }
}

function withSnapshot(state: PanelState, snapshot: DaemonState): PanelState {
  // A daemon that was restarted counts from the start again; within one connection an older snapshot is late news.
  if (state.daemonUp && state.daemon !== null && snapshot.seq < state.daemon.seq) return state;
  const pastRuns = remember(state.pastRuns, snapshot.run);
  // Steps may come before the first snapshot of their run, never after the last.
  const story = snapshot.run === null ? { stepsOf: null, steps: [] } : {};
  return { ...state, ...story, daemon: snapshot, daemonUp: true, pastRuns };
}

function remember(pastRuns: readonly PastRunView[], run: DaemonState['run']): readonly PastRunView[] {
  if (run === null) return pastRuns;
  const entry: PastRunView = {
    id: inertLine(run.id, 128),
    task: inertLine(run.task, 200),
    status: inertLine(run.status, 32),
    steps: run.step,
    costCents: run.costCents,
    startedAt: run.startedAt,
    replay: false,
  };
  const others = pastRuns.filter((past) => past.id !== entry.id);
  return [...others, entry].slice(-KEPT_RUNS);
}

function withStep(state: PanelState, message: PanelStep): PanelState {
  const steps = state.stepsOf === message.runId ? state.steps : [];
  const before = steps.find((known) => known.step === message.step);
  const merged: KnownStep = {
    step: message.step,
    action: message.action === undefined ? (before?.action ?? null) : inertLine(message.action, 200),
    thought: message.thought === undefined ? (before?.thought ?? null) : inertText(message.thought, 2000),
    outcome: message.outcome ?? before?.outcome ?? null,
    firstAt: before?.firstAt ?? message.at,
    at: message.at,
    settledMs: message.settledMs ?? before?.settledMs ?? null,
  };
  const others = steps.filter((known) => known.step !== message.step);
  const next = [...others, merged].sort((a, b) => a.step - b.step).slice(-KEPT_STEPS);
  return { ...state, stepsOf: message.runId, steps: next };
}

/** True while guard has been heard recently enough to be believed. */
export function guardIsHeard(state: PanelState, nowMs: number): boolean {
  return state.guardHeardAtMs !== null && nowMs - state.guardHeardAtMs <= GUARD_SILENCE_MS;
}

/**
 * The snapshot a renderer draws.
 * @param nowMs monotonic clock, the one the inputs were stamped with.
 */
export function viewOf(state: PanelState, nowMs: number): PanelView {
  const guardHeard = guardIsHeard(state, nowMs);
  const guard = guardHeard ? state.guard : null;
  const daemon = state.daemonUp ? state.daemon : null;
  const mode = panelMode({ guard, daemon });
  // What was last known stays on the screen when its source is lost; the mode says that it is old.
  const shown = state.daemon;
  const steps = shown?.run && state.stepsOf === shown.run.id ? state.steps : [];
  const newest = steps.at(-1);
  const run = runView(shown, newest);
  const goesOn = run !== null && run.endedAt === null && mode !== 'stopped';
  const hotkey = guard?.hotkey ?? shown?.stopHotkey ?? null;
  const latch = guard?.latch.tripped ? guard.latch : shown?.latch.tripped ? shown.latch : null;
  return {
    mode,
    machineName: inertLine(shown?.name ?? '', 80),
    stop: {
      active: guardHeard,
      chord: hotkeyName(inertLine(hotkey?.chord ?? DEFAULT_STOP_CHORD, 64), state.platform),
      chordArmed: guard === null ? null : guard.hotkey.armed,
      chordReason: line(guard?.hotkey.reason, 200),
    },
    links: { guard: guardHeard, daemon: daemon !== null, server: daemon?.server.connected ?? false },
    serverUrl: line(shown?.server.url, 200),
    pause: mode === 'paused' || mode === 'takeover' ? pauseView(shown) : null,
    latch:
      mode === 'stopped'
        ? { by: line(latch?.by, 32), at: latch?.at ?? null, reason: line(latch?.reason, 200) }
        : null,
    pairing:
      mode === 'pairing' && shown?.pairing
        ? {
            host: inertLine(shown.pairing.host, 200),
            code: line(shown.pairing.code, 64),
            expiresAt: shown.pairing.expiresAt ?? null,
          }
        : null,
    run,
    ask: mode === 'awaiting_human' ? askView(shown) : null,
    next: goesOn && newest !== undefined && newest.outcome === null ? stepView(newest) : null,
    thought: newest?.thought ?? null,
    steps: steps.map(stepView).reverse(),
    pastRuns: (state.history ?? [...state.pastRuns].reverse()).filter(
      // The run on the screen is no past one, unless there is a replay to open.
      (past) => past.id !== run?.id || past.replay,
    ),
    wholeDay: state.history !== null,
    details: detailsOf(state, guardHeard),
  };
}

const OPEN: ReadonlySet<string> = new Set(OPEN_STATUSES);

function runView(daemon: DaemonState | null, newest: KnownStep | undefined): RunView | null {
  const run = daemon?.run;
  if (!run) return null;
  return {
    id: inertLine(run.id, 128),
    task: inertLine(run.task, 300),
    status: inertLine(run.status, 32),
    step: run.step,
    maxSteps: run.maxSteps,
    costCents: run.costCents,
    budgetCents: run.budgetCents ?? null,
    startedAt: run.startedAt,
    deadlineAt: run.deadlineAt,
    endedAt: OPEN.has(run.status) ? null : (newest?.at ?? run.startedAt),
    engine: inertLine(run.engine, 80),
  };
}

function stepView({ step, action, outcome, firstAt, at, settledMs }: KnownStep): StepView {
  return { step, action, outcome, at, settledMs, tookMs: Math.max(0, Date.parse(at) - Date.parse(firstAt)) };
}

function pauseView(daemon: DaemonState | null): { kind: PauseReason; reason: string | null } {
  return { kind: daemon?.pauseKind ?? 'unknown', reason: line(daemon?.controlReason, 200) };
}

function askView(daemon: DaemonState | null): AskView {
  const run = daemon?.run;
  const ask = run?.ask;
  return {
    question: inertText(run?.awaitingReason ?? '', 1000),
    request: ask
      ? {
          requestId: ask.requestId,
          digest: ask.digest,
          application: inertLine(ask.application, 120),
          action: inertLine(ask.action, 300),
        }
      : null,
  };
}

function detailsOf(state: PanelState, guardHeard: boolean): PanelView['details'] {
  const { daemon, guard } = state;
  if (daemon === null) return [];
  const entries: Array<[string, string | null]> = [
    ['machine', daemon.machineId],
    ['server', daemon.server.url],
    ['display', daemon.display],
    ['displays', daemon.displays.map((d) => `${d.bounds.width}×${d.bounds.height}`).join(', ')],
    ['capture', daemon.backends.capture],
    ['input', daemon.backends.input],
    ['accessibility', daemon.backends.accessibility],
    ['hands', guardHeard ? (guard?.handsAlive ? 'alive' : 'not running') : 'unknown'],
    ['engine', daemon.run?.engine ?? null],
  ];
  return entries
    .filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== '')
    .map(([name, value]) => ({ name, value: inertLine(value, 200) }));
}

function line(text: string | null | undefined, maxCharacters: number): string | null {
  return text === null || text === undefined ? null : inertLine(text, maxCharacters);
}
