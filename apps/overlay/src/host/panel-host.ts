import { errorAttributes, inertLine, type Logger, Scope } from '@deskhand/base';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';
import {
  contains,
  type FromDaemon,
  type FromGuard,
  type PanelKind,
  type PanelProbe,
  type PanelTarget,
  ProtocolError,
  type Rect,
  RememberedStop,
  type StopRecord,
  StopSource,
} from '@deskhand/protocol';
import { readLatchFile, writeLatchFile } from '@deskhand/protocol/latch-file';
import {
  connectToDaemon,
  connectToGuard,
  type DaemonConnection,
  type GuardConnection,
  readLocalToken,
} from '@deskhand/protocol/local-client';
import type { Platform } from '../core/hotkey-name.ts';

import {
  guardIsHeard,
  initialState,
  type PanelInput,
  type PanelState,
  reduce,
  viewOf,
} from '../core/panel-state.ts';
import { BEAT_MS, type CommandResult, type HostMessage, type PanelView } from '../core/panel-view.ts';
import type { RendererCommand } from '../core/panel-wire.ts';
import { ReconnectingLink } from './reconnecting-link.ts';
import type { RunHistory } from './run-history.ts';

/** Twice a second, so that a guard that hangs shows within two seconds. */
export const GUARD_POLL_MS = 500;
/** A command without an answer by then is shown as not confirmed; a later answer corrects it. */
export const CONFIRM_MS = 200;
/** How long an answer may still come and correct the picture. */
const ANSWER_MS = 5000;
/** One paint: a burst of messages becomes one snapshot. */
const PUBLISH_MS = 16;
/** A page that paints nothing by then is not shown. */
const PAINT_MS = 1000;
const HISTORY_MS = 700;

type Answer = (result: CommandResult['result'], message: string | null, code?: string) => void;

/** What a renderer may do; given with its credential, never asked for. */
export type RendererRole = 'viewer' | 'controller';

/** One window that shows the panel. */
export type Renderer = Readonly<{
  role: RendererRole;
  send(message: HostMessage): void;
  /** True when it is behind: thumbnails are dropped then, states never. */
  isBehind(): boolean;
}>;

/** Whose windows the panel is made of: X window ids, or the process that shows them. */
export type PanelWindows = Readonly<{
  windows?: readonly number[] | undefined;
  pids?: readonly number[] | undefined;
}>;

/** Moves the panel away from where the agent will click. */
export interface PanelMover {
  /** @returns the rectangles the panel covers now, desktop space; empty when it covers nothing. */
  dodge(target: Rect): Promise<readonly Rect[]>;
  /** Told when displays come, go or change. Desktop space. */
  displaysAre?(bounds: readonly Rect[]): void;
}

export type PanelHostOptions = Readonly<{
  kind: PanelKind;
  paths: RuntimePaths;
  platform: Platform;
  log: Logger;
  /** Monotonic milliseconds. */
  nowMs: () => number;
  mover?: PanelMover | undefined;
  history?: RunHistory | undefined;
  /** The next pointer action goes there; for panels that draw a ring around it. */
  onTarget?: ((target: PanelTarget) => void) | undefined;
}>;

/**
 * The part of the panel that outlives its windows: two sockets (guard, daemon), the state made of what they
 * say, and the way back for commands. Electron's main process and the browser host each own one.
 */
export class PanelHost implements AsyncDisposable {
  readonly #paths: RuntimePaths;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #mover: PanelMover | undefined;
  readonly #history: RunHistory | undefined;
  readonly #onTarget: PanelHostOptions['onTarget'];
  readonly #probes = new Map<string, (rect: Rect | null) => void>();
  readonly #scope = new Scope();
  readonly #guard: ReconnectingLink<GuardConnection>;
  readonly #daemon: ReconnectingLink<DaemonConnection>;
  readonly #renderers = new Set<Renderer>();
  readonly #viewListeners = new Set<(view: PanelView) => void>();
  #state: PanelState;
  /** A stop that no disk has. */
  readonly #knownStop = new RememberedStop();
  #thumbnail: Extract<HostMessage, { type: 'thumbnail' }> | null = null;
  #seq = 0;
  #rectsSeq = 0;
  #windows: PanelWindows = {};
  #rects: readonly Rect[] | null = null;
  #published = '';
  #publishTimer: NodeJS.Timeout | undefined;
  #historyTimer: NodeJS.Timeout | undefined;
  #historyOf = '';

  constructor(options: PanelHostOptions) {
    this.#paths = options.paths;
    this.#log = options.log;
    this.#nowMs = options.nowMs;
    this.#mover = options.mover;
    this.#history = options.history;
    this.#onTarget = options.onTarget;
    this.#state = initialState(options.platform);
    const connect =
      <C>(open: (o: { path: string; token: string; role: 'panel' }) => Promise<C>, path: string) =>
      async () =>
        open({ path, token: readLocalToken(this.#paths.tokenFile), role: 'panel' });
    this.#guard = new ReconnectingLink<GuardConnection>(connect(connectToGuard, this.#paths.guardSocket), {
      up: (connection) => {
        connection.onMessage((message) => this.#fromGuard(message));
        void this.#askGuard();
      },
      down: () => this.#apply({ type: 'guard_down' }),
    });
    this.#daemon = new ReconnectingLink<DaemonConnection>(
      connect(connectToDaemon, this.#paths.daemonSocket),
      {
        up: (connection) => {
          connection.onMessage((message) => this.#fromDaemon(message));
          connection.send({ type: 'subscribe', thumbnails: true, panel: options.kind });
          // A daemon that came later, or came back, knows nothing of where the panel is.
          if (this.#rects !== null) this.reportRects(this.#rects);
          void connection
            .request({ type: 'command', name: 'status' })
            .then((reply) => this.#fromDaemon(reply))
            .catch((error) => this.#log.warn('the daemon did not say its state', errorAttributes(error)));
        },
        down: () => this.#apply({ type: 'daemon_down' }),
      },
    );
  }

  start(): void {
    this.#scope.use('guard link', this.#guard);
    this.#scope.use('daemon link', this.#daemon);
    this.#guard.start();
    this.#daemon.start();
    const poll = setInterval(() => void this.#askGuard(), GUARD_POLL_MS);
    const beat = setInterval(() => this.#broadcast({ type: 'beat' }), BEAT_MS);
    this.#scope.add('timers', () => {
      clearTimeout(this.#historyTimer);
      clearInterval(poll);
      clearInterval(beat);
      clearTimeout(this.#publishTimer);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope.close();
  }

  get view(): PanelView {
    return viewOf(this.#state, this.#nowMs());
  }

  /** X display the agent uses, as the daemon names it; null where there is none or it is not known. */
  get display(): string | null {
    return this.#state.daemon?.display ?? null;
  }

  /** For what shows state outside a renderer: tray, border, notifications. @returns its own unsubscribe. */
  onView(listener: (view: PanelView) => void): () => void {
    this.#viewListeners.add(listener);
    listener(this.view);
    return () => this.#viewListeners.delete(listener);
  }

  /** Starts feeding a window with snapshots. @returns its own detach. */
  attach(renderer: Renderer): () => void {
    this.#renderers.add(renderer);
    renderer.send({ type: 'view', seq: this.#seq, view: this.view });
    if (this.#thumbnail !== null) renderer.send(this.#thumbnail);
    this.#askHistorySoon();
    return () => this.#renderers.delete(renderer);
  }

  /** Does a renderer's command. The answers go to that renderer: at once, and again when a late one corrects it. */
  async command(renderer: Renderer, command: RendererCommand): Promise<void> {
    const answer: Answer = (result, message, code) =>
      renderer.send({
        type: 'result',
        id: command.id,
        name: command.name,
        result,
        message,
        ...(code === undefined ? {} : { code }),
      });
    if (renderer.role === 'viewer' && command.name !== 'stop') {
      answer('refused', 'This window may only watch and stop.');
      return;
    }
    if (command.name === 'stop') await this.#stop(answer);
    else await this.#confirm(this.#send(command), answer);
  }

  /** STOP from anywhere in this process (tray, shortcut); the same path as the button. */
  async stop(by: 'panel' | 'tray' | 'cli' = 'panel'): Promise<CommandResult['result']> {
    let last: CommandResult['result'] = 'not_confirmed';
    await this.#stop((result) => {
      last = result;
    }, by);
    return last;
  }

  /** The patch of a probe is on the screen; null when it can't be. */
  painted(id: string, rect: Rect | null): void {
    this.#probes.get(id)?.(rect);
  }

  /**
   * Tells the daemon what the panel covers, so that it aims nothing there. Desktop space, physical pixels.
   * @param of whose windows these are, where that is known.
   */
  reportRects(rects: readonly Rect[], id?: string, of: PanelWindows = this.#windows): void {
    this.#windows = of;
    this.#rects = rects;
    this.#rectsSeq += 1;
    this.#daemon.current?.send({
      type: 'rects',
      seq: this.#rectsSeq,
      rects: [...rects],
      ...(id === undefined ? {} : { id }),
      ...(of.windows === undefined ? {} : { windows: [...of.windows] }),
      ...(of.pids === undefined ? {} : { pids: [...of.pids] }),
    });
  }

  /** To guard and daemon in the same turn, over two sockets. What neither takes goes into the latch file. */
  async #stop(
    answer: (result: CommandResult['result'], message: string | null) => void,
    by: 'panel' | 'tray' | 'cli' = 'panel',
  ): Promise<void> {
    const guard = acknowledged(this.#guard.current?.request({ type: 'stop', by }, ANSWER_MS));
    const daemon = acknowledged(this.#daemon.current?.request({ type: 'command', name: 'stop' }, ANSWER_MS));
    const any = Promise.any([guard, daemon]);
    any.catch(() => {});
    const inTime = await withinConfirm(any);
    if (inTime) answer('confirmed', null);
    // Without guard's word the latch may not be set: set it here. Guard notices it, or finds it when it starts.
    const guardInTime = inTime && (await withinConfirm(guard));
    const written = guardInTime ? null : this.#writeLatch(by);
    if (inTime) return;
    answer('not_confirmed', written);
    await any.then(
      () => answer('confirmed', null),
      () => {},
    );
  }

  /** @returns what to tell the person, or null when the latch is on disk. */
  #writeLatch(by: 'panel' | 'tray' | 'cli'): string | null {
    const latch = {
      by,
      at: new Date().toISOString(),
      reason: 'Guard did not confirm the stop, so the panel set the latch itself.',
    };
    try {
      if (readLatchFile(this.#paths.latchFile).tripped) return null;
      writeLatchFile(this.#paths.latchFile, latch);
      return null;
    } catch (error) {
      // The next guard hears it from here.
      this.#knownStop.remember(latch);
      this.#log.error('the latch file could not be written', errorAttributes(error));
      return 'The latch file could not be written either.';
    }
  }

  /** No disk took it, and guard, who remembered it, is gone. */
  #writeKnownStop(stop: StopRecord): void {
    try {
      if (!readLatchFile(this.#paths.latchFile).tripped) writeLatchFile(this.#paths.latchFile, stop);
      this.#knownStop.forget();
    } catch {
      // Still no room: the next look tries again.
    }
  }

  /** @throws ProtocolError of the refusal, NOT_RUNNING, UPSTREAM_TIMEOUT */
  async #send(command: RendererCommand): Promise<void> {
    if (command.name === 'reset') {
      // Only guard owns the latch, and only guard can tell a person's hand from the agent's.
      const proof = command.code === undefined ? {} : { code: command.code };
      await acknowledged(this.#guard.current?.request({ type: 'reset', by: 'panel', ...proof }, ANSWER_MS));
      return;
    }
    if (command.name === 'pause' || command.name === 'takeover') {
      // Withholding input is safe twice: guard does it even if the daemon is busy.
      acknowledged(
        this.#guard.current?.request({ type: 'pause', reason: 'asked on the panel' }, ANSWER_MS),
      ).catch(() => {});
    }
    const runId = this.#state.daemon?.run?.id;
    await acknowledged(
      this.#daemon.current?.request(
        {
          type: 'command',
          name: command.name,
          ...(command.note === undefined ? {} : { note: command.note }),
          ...(runId === undefined ? {} : { runId }),
          ...(command.requestId === undefined ? {} : { requestId: command.requestId }),
          ...(command.digest === undefined ? {} : { digest: command.digest }),
          ...(command.code === undefined ? {} : { code: command.code }),
          ...(command.scope === undefined ? {} : { scope: command.scope }),
        },
        ANSWER_MS,
      ),
    );
  }

  async #confirm(work: Promise<void>, answer: Answer): Promise<void> {
    const settled = work.then(
      () => answer('confirmed', null),
      async (error: unknown) => {
        const refused =
          error instanceof ProtocolError && error.code !== 'NOT_RUNNING' && error.code !== 'UPSTREAM_TIMEOUT';
        const code =
          refused && error.code === 'INSUFFICIENT_SCOPE' ? await this.#codeInsteadOfHand() : undefined;
        answer(refused ? 'refused' : 'not_confirmed', inertLine((error as Error).message, 300), code);
      },
    );
    const inTime = await withinConfirm(settled);
    if (!inTime) answer('not_confirmed', null);
    await settled;
  }

  /** Undefined when guard gives none. */
  async #codeInsteadOfHand(): Promise<string | undefined> {
    const reply = await this.#guard.current?.request({ type: 'challenge' }, ANSWER_MS).catch(() => undefined);
    return reply?.type === 'code' ? reply.code : undefined;
  }

  async #askGuard(): Promise<void> {
    const guard = this.#guard.current;
    if (guard === null) {
      if (this.#knownStop.stop !== undefined) this.#writeKnownStop(this.#knownStop.stop);
      this.#publishSoon();
      return;
    }
    try {
      this.#fromGuard(await guard.request({ type: 'status' }, ANSWER_MS));
    } catch {
      // Its silence is the message; see guardIsHeard.
      this.#publishSoon();
    }
  }

  #fromGuard(message: FromGuard): void {
    // A stopped guard leaves each question open; the clock, not a reply, tells that it is gone.
    if (message.type !== 'guard_state') return;
    const unknown = this.#knownStop.hear(message);
    if (unknown !== undefined) this.#handOver(unknown);
    else if (message.latch.memoryOnly === true) this.#knownStop.remember(message.latch);
    // From here on the file tells every guard that comes.
    else if (message.latch.tripped) this.#knownStop.forget();
    this.#apply({ type: 'guard_state', state: message, nowMs: this.#nowMs() });
  }

  /** This guard was started anew, and no disk could tell it. */
  #handOver({ by, at, reason }: StopRecord): void {
    const source = StopSource.catch('panel').parse(by);
    const why = reason === undefined ? {} : { reason };
    acknowledged(this.#guard.current?.request({ type: 'stop', by: source, at, ...why }, ANSWER_MS)).catch(
      (error) => this.#log.error('guard could not be told of the stop', errorAttributes(error)),
    );
  }

  #fromDaemon(message: FromDaemon): void {
    switch (message.type) {
      case 'state':
        this.#apply({ type: 'daemon_state', state: message });
        this.#mover?.displaysAre?.(message.displays.map(({ bounds }) => bounds));
        return;
      case 'step':
        this.#apply({ type: 'step', step: message });
        return;
      case 'thumbnail': {
        const { jpegBase64, width, height, target } = message;
        this.#thumbnail = {
          type: 'thumbnail',
          jpegBase64,
          width,
          height,
          // Outside the picture there is nothing to mark.
          target:
            target !== null && contains({ x: 0, y: 0, width, height }, target)
              ? { x: target.x, y: target.y }
              : null,
        };
        for (const renderer of this.#renderers) if (!renderer.isBehind()) renderer.send(this.#thumbnail);
        return;
      }
      case 'dodge':
        void this.#dodge(message.id, message.target);
        return;
      case 'probe':
        void this.#probe(message);
        return;
      case 'target':
        this.#onTarget?.(message);
        return;
      default:
        return;
    }
  }

  async #probe({ id, nonce, showMs }: PanelProbe): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Rect | null>();
    const timer = setTimeout(() => resolve(null), PAINT_MS);
    this.#probes.set(id, resolve);
    if (this.#renderers.size === 0) resolve(null);
    this.#broadcast({ type: 'probe', id, nonce, showMs });
    const rect = await promise;
    clearTimeout(timer);
    this.#probes.delete(id);
    this.#daemon.current?.send({ type: 'probe_shown', id, rect });
  }

  /** When a run begins or ends, and when somebody looks; a moment later, so that the server knows it, too. */
  #askHistorySoon(): void {
    if (this.#history === undefined || this.#historyTimer !== undefined) return;
    this.#historyTimer = setTimeout(() => {
      this.#historyTimer = undefined;
      void this.#askHistory();
    }, HISTORY_MS);
  }

  async #askHistory(): Promise<void> {
    try {
      const machineId = this.#state.daemon?.machineId ?? null;
      const runs = (await this.#history?.today(machineId, new Date())) ?? null;
      this.#apply({ type: 'history', runs });
    } catch (error) {
      this.#log.debug('today’s runs could not be asked for', errorAttributes(error));
      this.#apply({ type: 'history', runs: null });
    }
  }

  #watchRuns(): void {
    const { run } = this.#state.daemon ?? {};
    const now = run ? `${run.id} ${run.status}` : '';
    if (now === this.#historyOf) return;
    this.#historyOf = now;
    this.#askHistorySoon();
  }

  async #dodge(id: string, target: Rect): Promise<void> {
    try {
      const rects = await this.#mover?.dodge(target);
      // A panel that can't move says nothing: the daemon then refuses the click instead of making it here.
      if (rects !== undefined) this.reportRects(rects, id);
    } catch (error) {
      this.#log.warn('the panel could not step aside', errorAttributes(error));
    }
  }

  #apply(input: PanelInput): void {
    this.#state = reduce(this.#state, input);
    this.#watchRuns();
    this.#publishSoon();
  }

  #publishSoon(): void {
    this.#publishTimer ??= setTimeout(() => {
      this.#publishTimer = undefined;
      this.#publish();
    }, PUBLISH_MS);
  }

  #publish(): void {
    const view = this.view;
    const text = JSON.stringify(view);
    if (text === this.#published) return;
    this.#published = text;
    this.#seq += 1;
    this.#broadcast({ type: 'view', seq: this.#seq, view });
    for (const listener of this.#viewListeners) listener(view);
  }

  #broadcast(message: HostMessage): void {
    for (const renderer of this.#renderers) renderer.send(message);
  }

  /** True while guard answers. */
  get guardIsHeard(): boolean {
    return guardIsHeard(this.#state, this.#nowMs());
  }
}

/** @throws ProtocolError NOT_RUNNING when there is no connection to send on. */
async function acknowledged(reply: Promise<{ type: string }> | undefined): Promise<void> {
  if (reply === undefined) throw new ProtocolError('NOT_RUNNING', 'The controls are not connected.');
  await reply;
}

/** True when `work` succeeds within CONFIRM_MS; false when it fails or is late. */
function withinConfirm(work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), CONFIRM_MS);
    work.then(
      () => {
        clearTimeout(timer);
        resolve(true);
      },
      () => {
        clearTimeout(timer);
        resolve(false);
      },
    );
  });
}
