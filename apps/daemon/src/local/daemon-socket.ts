import type { Logger, Secret } from '@deskhand/base';
import {
  contains,
  type DaemonCommand,
  type DaemonState,
  type FromDaemon,
  type PanelKind,
  type PanelProbe,
  type PanelRects,
  type PanelStep,
  type PanelTarget,
  type PanelThumbnail,
  type Point,
  ProtocolError,
  type Rect,
  type SenseCheck,
  ToDaemon,
} from '@deskhand/protocol';
import { type LocalPeer, LocalServer } from './local-server.ts';

type Peer = LocalPeer<FromDaemon>;

export type DaemonSocketOptions = Readonly<{
  path: string;
  /** What panel and CLI show; from the token file. */
  token: Secret;
  /** The whole state; `seq` is set here. */
  state: () => Promise<DaemonState>;
  /** @throws ProtocolError for what cannot be done now. */
  onCommand: (command: DaemonCommand, by: 'panel' | 'cli') => Promise<void>;
  /** Tries every sense; changes nothing. */
  examine: () => Promise<readonly SenseCheck[]>;
  /** A panel has come, or says of other windows than before that they are its own. */
  onPanelWindows: () => void;
  /** A panel says where its windows are now. */
  onPanelPlaced: () => void;
  /** A panel has come or gone. */
  onPanels: () => void;
  log: Logger;
}>;

/** A panel that has this much unread misses thumbnails, never states. */
const THUMBNAIL_BACKLOG_BYTES = 256 * 1024;
/** How long a panel may take to step aside. */
const DODGE_MS = 400;
const DODGE_MARGIN_PX = 24;

/** The daemon's socket for panel and CLI: commands in, full snapshots, steps and small pictures out. */
export class DaemonSocket implements AsyncDisposable {
  readonly #options: DaemonSocketOptions;
  readonly #server: LocalServer<ToDaemon, FromDaemon>;
  readonly #subscribers = new Map<Peer, { thumbnails: boolean; panel: PanelKind | null }>();
  readonly #rects = new Map<Peer, PanelRects>();
  readonly #dodging = new Map<string, () => void>();
  readonly #probing = new Map<string, (rect: Rect | null) => void>();
  #seq = 0;
  #nextDodge = 1;
  #nextProbe = 1;
  #announcing: Promise<void> | undefined;
  #announceAgain = false;

  constructor(options: DaemonSocketOptions) {
    this.#options = options;
    this.#server = new LocalServer<ToDaemon, FromDaemon>({
      path: options.path,
      tokens: { panel: options.token, cli: options.token },
      schema: ToDaemon,
      onAttach: () => {
        this.announce();
        this.#options.onPanels();
      },
      onMessage: (peer, message) => this.#handle(peer, message),
      onDetach: (peer) => {
        this.#subscribers.delete(peer);
        this.#rects.delete(peer);
        this.announce();
        this.#options.onPanels();
      },
      log: options.log,
    });
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  get panelConnected(): boolean {
    return [...this.#server.peers].some(({ role }) => role === 'panel');
  }

  /** What the panel that came last says it is; `none` without one. */
  get panelKind(): PanelKind | 'panel' | 'none' {
    const kinds = [...this.#subscribers]
      .filter(([{ role }]) => role === 'panel')
      .map(([, said]) => said.panel);
    return kinds.findLast((kind) => kind !== null) ?? (this.panelConnected ? 'panel' : 'none');
  }

  get wantsThumbnails(): boolean {
    return [...this.#subscribers.values()].some(({ thumbnails }) => thumbnails);
  }

  /** Where panels cover the desktop. */
  get covered(): readonly Rect[] {
    return [...this.#rects.values()].flatMap(({ rects }) => rects);
  }

  /** Whose windows the panels are, as far as they know. */
  get panelWindows(): Readonly<{ windows: readonly number[]; pids: readonly number[] }> {
    const known = [...this.#rects.values()];
    return {
      windows: known.flatMap(({ windows }) => windows ?? []),
      pids: known.flatMap(({ pids }) => pids ?? []),
    };
  }

  /**
   * Makes the panels paint the patch of a nonce.
   * @returns where it is, desktop space, as soon as it is painted; null when no panel could within the ceiling.
   */
  async probe(nonce: string, options: { showMs: number; ceilingMs: number }): Promise<Rect | null> {
    const panels = [...this.#server.peers].filter(({ role }) => role === 'panel');
    if (panels.length === 0) return null;
    const id = `probe-${this.#nextProbe++}`;
    const { promise, resolve } = Promise.withResolvers<Rect | null>();
    const timer = setTimeout(() => resolve(null), options.ceilingMs);
    let silent = panels.length;
    this.#probing.set(id, (rect) => {
      silent -= 1;
      if (rect !== null || silent === 0) resolve(rect);
    });
    const message: PanelProbe = { type: 'probe', id, nonce, showMs: options.showMs };
    for (const panel of panels) panel.send(message);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#probing.delete(id);
    }
  }

  /** Where the next pointer action goes, for panels that draw the ring. */
  target(target: PanelTarget): void {
    for (const peer of this.#subscribers.keys()) if (peer.role === 'panel') peer.send(target);
  }

  /** Sends everybody who subscribed the present state; several calls in one moment are one message. */
  announce(): void {
    if (this.#announcing !== undefined) {
      this.#announceAgain = true;
      return;
    }
    this.#announcing = this.#announce().finally(() => {
      this.#announcing = undefined;
      if (!this.#announceAgain) return;
      this.#announceAgain = false;
      this.announce();
    });
  }

  step(step: PanelStep): void {
    for (const peer of this.#subscribers.keys()) peer.send(step);
  }

  thumbnail(thumbnail: PanelThumbnail): void {
    for (const [peer, { thumbnails }] of this.#subscribers)
      if (thumbnails && peer.pendingBytes < THUMBNAIL_BACKLOG_BYTES) peer.send(thumbnail);
  }

  /**
   * Makes panels step aside from a point that input is about to hit.
   * @throws ProtocolError POLICY_DENIED: the panel is still there, and it belongs to the person.
   */
  async clearTarget(point: Point): Promise<void> {
    const inTheWay = [...this.#rects].filter(([, { rects }]) => rects.some((rect) => contains(rect, point)));
    if (inTheWay.length === 0) return;
    const id = `dodge-${this.#nextDodge++}`;
    const answered = new Promise<void>((resolve) => this.#dodging.set(id, resolve));
    const target = {
      x: point.x - DODGE_MARGIN_PX,
      y: point.y - DODGE_MARGIN_PX,
      width: 2 * DODGE_MARGIN_PX,
      height: 2 * DODGE_MARGIN_PX,
    };
    for (const [peer] of inTheWay) peer.send({ type: 'dodge', id, target, deadlineMs: DODGE_MS });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DODGE_MS);
    });
    await Promise.race([answered, late]);
    clearTimeout(timer);
    this.#dodging.delete(id);
    if (this.covered.some((rect) => contains(rect, point)))
      throw new ProtocolError('POLICY_DENIED', 'own_window: Deskhand’s own panel is there.', {
        rule: 'own_window',
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #handle(peer: Peer, message: ToDaemon): void {
    switch (message.type) {
      case 'subscribe':
        this.#subscribers.set(peer, { thumbnails: message.thumbnails, panel: message.panel ?? null });
        this.announce();
        return;
      case 'rects': {
        const before = this.#rects.get(peer);
        this.#rects.set(peer, message);
        if (before === undefined || ownersOf(before) !== ownersOf(message)) this.#options.onPanelWindows();
        if (message.id !== undefined) this.#dodging.get(message.id)?.();
        else this.#options.onPanelPlaced();
        return;
      }
      case 'probe_shown':
        this.#probing.get(message.id)?.(message.rect);
        return;
      case 'command':
        void this.#command(peer, message);
        return;
      case 'attach':
        throw new ProtocolError('INVALID_STATE', 'This connection is attached already.');
    }
  }

  async #command(peer: Peer, command: DaemonCommand): Promise<void> {
    const { id } = command;
    try {
      if (command.name === 'status') {
        peer.send({ ...(await this.#options.state()), id, seq: ++this.#seq });
        return;
      }
      if (command.name === 'examine') {
        peer.send({ type: 'examined', id, checks: [...(await this.#options.examine())] });
        return;
      }
      await this.#options.onCommand(command, peer.role === 'panel' ? 'panel' : 'cli');
      peer.send({ type: 'ack', id });
    } catch (error) {
      const known = error instanceof ProtocolError;
      if (!known) this.#options.log.error('a local command failed', { command: command.name });
      peer.send({
        type: 'refused',
        id,
        code: known ? error.code : 'INTERNAL_ERROR',
        message: known ? error.message : 'The command failed; the daemon’s log says why.',
      });
    }
  }

  async #announce(): Promise<void> {
    if (this.#subscribers.size === 0) return;
    const message = { ...(await this.#options.state()), seq: ++this.#seq };
    for (const peer of this.#subscribers.keys()) peer.send(message);
  }
}

/** Whose windows a panel says are its own, as one word to compare. */
function ownersOf({ windows = [], pids = [] }: PanelRects): string {
  return `${windows.join()} ${pids.join()}`;
}
