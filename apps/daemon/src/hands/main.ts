import { errorAttributes, StopError, sleep } from '@deskhand/base';
import { type Action, decodeValue, type Outcome, ProtocolError } from '@deskhand/protocol';
import { connectToGuard } from '@deskhand/protocol/local-client';
import type { DisplayServer } from '../display-server.ts';
import {
  type ActionMemory,
  executeAction,
  openNutInputBackend,
  openX11InputBackend,
  ReservedChords,
} from '../input/index.ts';
import type { Aim, InputBackend } from '../ports.ts';
import { logLevelFrom, processLog } from '../process-log.ts';
import { parseStopChord } from '../safety/stop-chord.ts';
import { openX11 } from '../x11/index.ts';
import { type FromHands, ToHands } from './hands-messages.ts';
import { type Fence, InputGate } from './input-gate.ts';

/**
 * The hands process: the only one that injects input. It may be killed at any line. One action at a time,
 * between any two primitives the gate; on every way out whatever is held is released.
 */
const GUARD_RETRY_MS = 100;
const X11_BACKEND = 'x11-xtest';
/** A lease that ran out must also end an action that is just waiting. */
const GATE_LOOK_MS = 25;
/** The daemon hears of "armed" from guard a moment before guard's next lease reaches these hands. */
const OPENING_CEILING_MS = 500;
const EXIT_CEILING_MS = 400;

/** Codes that are thrown before the first primitive, whatever the gate has said by then. */
const NEVER_BEGUN: ReadonlySet<string> = new Set(['UNKNOWN_KEY', 'RESERVED_CHORD', 'TEXT_NOT_TYPEABLE']);

const log = processLog('hands', logLevelFrom(process.env.DESKHAND_LOG));
const gate = new InputGate(() => performance.now());
let backend: InputBackend | undefined;
let memory: ActionMemory | undefined;
let current: { id: number; abort: AbortController; done: Promise<void> } | undefined;
let leaving = false;

function tell(message: FromHands): void {
  if (process.connected) process.send?.(message, () => {});
}

async function leave(why: string, code: number): Promise<void> {
  if (leaving) return;
  leaving = true;
  log.info('hands end', { why });
  current?.abort.abort(new StopError('ACTION_ABORTED', 'Hands are ending.'));
  const letGo = async () => {
    // What an action holds it releases itself. Only after a fault nobody knows any more who holds what.
    await current?.done;
    // On X11 guard lets go as well, and knows which keys are under the person's own fingers.
    if (code !== 0 || backend?.name !== X11_BACKEND) await backend?.releaseAll();
    await backend?.[Symbol.asyncDispose]();
  };
  await Promise.race([letGo().catch(() => {}), sleep(EXIT_CEILING_MS)]);
  process.exit(code);
}

process.stderr.on('error', () => {});
process.on('disconnect', () => void leave('the daemon is gone', 0));
process.on('SIGTERM', () => void leave('SIGTERM', 0));
process.on('SIGINT', () => void leave('SIGINT', 0));
process.on('SIGHUP', () => void leave('SIGHUP', 0));
process.on('uncaughtException', (error) => {
  log.error('hands fail', errorAttributes(error));
  void leave('fault', 1);
});
process.on('unhandledRejection', (error) => {
  log.error('hands fail', errorAttributes(error));
  void leave('fault', 1);
});
process.on('message', (raw) => {
  let message: ToHands;
  try {
    message = decodeValue(ToHands, raw);
  } catch (error) {
    log.error('the daemon said something unknown', errorAttributes(error));
    return;
  }
  switch (message.type) {
    case 'boot':
      void start(message);
      return;
    case 'lease':
      gate.lease(message);
      return;
    case 'lease_ended':
      gate.leaseEnded();
      return;
    case 'perform':
      void perform(message);
      return;
    case 'abort':
      if (current?.id === message.id) current.abort.abort(new StopError('ACTION_ABORTED'));
      return;
    case 'release': {
      const { id } = message;
      current?.abort.abort(new StopError('ACTION_ABORTED'));
      void Promise.resolve(current?.done).then(() => tell({ type: 'released', id }));
      return;
    }
  }
});

async function start(boot: Extract<ToHands, { type: 'boot' }>): Promise<void> {
  const chord = parseStopChord(boot.chord);
  memory = {
    reserved: new ReservedChords({
      now: () => performance.now(),
      stopChord: [...chord.modifiers, chord.key],
    }),
    now: () => performance.now(),
    lastClick: null,
  };
  try {
    backend = await openBackend(boot.server);
    // What hands before these held when they were killed, guard has released; opening repaired the keyboard map.
    tell({ type: 'ready', backend: backend.name });
  } catch (error) {
    log.error('no way to move mouse or keys', errorAttributes(error));
    const known = error instanceof ProtocolError;
    tell({
      type: 'problem',
      code: known ? error.code : 'INPUT_FAILED',
      message: known ? error.message : 'The input backend cannot be opened; the log says why.',
    });
    await leave('no input backend', 1);
    return;
  }
  void stayWithGuard(boot.guardSocket, boot.guardToken);
}

async function openBackend(server: DisplayServer): Promise<InputBackend> {
  // Without the display server these hands are useless; new ones start when it is back.
  const leaveAfter = (closed: Promise<Error | null>) =>
    void closed.then((why) => {
      if (why !== null) void leave('the display server is gone', 1);
    });
  switch (server.kind) {
    case 'native':
      return openNutInputBackend({ log, platform: process.platform });
    case 'portal': {
      const { openPortalInputBackend } = await import('../portal/portal-input-backend.ts');
      const onLost = ({ code, message }: ProtocolError) => {
        tell({ type: 'problem', code, message });
        void leave('control is not shared any more', 1);
      };
      return openPortalInputBackend({ ...server, log, onLost });
    }
    case 'wlroots': {
      const { openWaylandInputBackend } = await import('../input/wayland-input-backend.ts');
      const opened = await openWaylandInputBackend({ socket: server.socket, log });
      leaveAfter(opened.closed);
      return opened;
    }
    case 'x11': {
      const connection = await openX11({ display: server.display, log });
      leaveAfter(connection.closed);
      return openX11InputBackend({ connection, log });
    }
  }
}

/** Reconnects for ever: a guard that was restarted finds its hands again. */
async function stayWithGuard(path: string, token: string): Promise<void> {
  while (!leaving) {
    try {
      await using guard = await connectToGuard({ path, token, role: 'hands' });
      guard.onMessage((message) => {
        if (message.type === 'guard_lease') gate.guardLease(message.ttlMs);
        if (message.type === 'guard_state')
          message.unheard === true ? gate.guardGone() : gate.guardState(message.control);
      });
      await new Promise<void>((resolve) => guard.onClose(resolve));
    } catch (error) {
      log.debug('guard does not answer', errorAttributes(error));
    }
    gate.guardGone();
    await sleep(GUARD_RETRY_MS);
  }
}

async function perform(request: Extract<ToHands, { type: 'perform' }>): Promise<void> {
  const { id, action } = request;
  const fence = { epoch: request.epoch, leaseId: request.leaseId };
  const startedMs = performance.now();
  const answer = (outcome: Omit<Outcome, 'durationMs'>) =>
    tell({
      type: 'outcome',
      id,
      outcome: { ...outcome, durationMs: performance.now() - startedMs } as Outcome,
    });
  if (backend === undefined || memory === undefined || current !== undefined) {
    answer({
      status: 'refused',
      code: 'INPUT_FAILED',
      message: current === undefined ? 'Hands are not ready.' : 'Hands are doing another action.',
    });
    return;
  }
  const abort = new AbortController();
  const done = Promise.withResolvers<void>();
  current = { id, abort, done: done.promise };
  let begun = false;
  await untilOpen(fence, abort.signal);
  const watch = setInterval(() => {
    try {
      gate.check(fence);
    } catch (error) {
      abort.abort(error);
    }
  }, GATE_LOOK_MS);
  try {
    backend.aim?.(request.aim as Aim | null);
    await executeAction(
      action,
      {
        backend,
        memory,
        gate: () => {
          gate.check(fence);
          begun = true;
        },
      },
      { signal: abort.signal, keysOnly: request.keysOnly },
    );
    answer(await judge(action, backend));
  } catch (error) {
    // Why it was told to stop says more than that it was.
    const cause = abort.signal.aborted ? abort.signal.reason : error;
    const known = cause instanceof ProtocolError ? cause : error instanceof ProtocolError ? error : undefined;
    if (known === undefined)
      log.error('an action failed', { action: action.type, ...errorAttributes(error) });
    answer({
      status: begun && !NEVER_BEGUN.has(known?.code ?? '') ? 'failed' : 'refused',
      code: known?.code ?? 'INPUT_FAILED',
      message: known?.message ?? 'The input could not be injected completely.',
    });
  } finally {
    clearInterval(watch);
    backend.aim?.(null);
    current = undefined;
    done.resolve();
  }
}

/** Waits a moment for a gate that is about to open. What it says afterwards counts. */
async function untilOpen(fence: Fence, signal: AbortSignal): Promise<void> {
  const giveUpMs = performance.now() + OPENING_CEILING_MS;
  while (performance.now() < giveUpMs && !signal.aborted) {
    try {
      gate.check(fence);
      return;
    } catch {
      await sleep(5, { signal }).catch(() => {});
    }
  }
}

/** Only a pointer can prove where it went; everything else is judged by what the screen shows. */
async function judge(action: Action, on: InputBackend): Promise<Omit<Outcome, 'durationMs'>> {
  if (action.type === 'wait') return { status: 'confirmed' };
  if (action.type !== 'move')
    return on.pointerWasHeld?.() === true
      ? { status: 'unverified', evidence: { pointerHeldByOther: true } }
      : { status: 'unverified' };
  if (on.pointerIsUntold === true) return { status: 'unverified' };
  const { x, y } = await on.pointer();
  return Math.abs(x - action.point.x) <= 1 && Math.abs(y - action.point.y) <= 1
    ? { status: 'confirmed' }
    : { status: 'no_effect', message: 'The pointer did not go there.' };
}
