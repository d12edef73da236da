import {
  type ApprovalScope,
  BEAT_LOST_MS,
  type CommandName,
  type CommandResult,
  type HostMessage,
  type PanelCommand,
  type PanelView,
  type ThumbnailView,
} from '../core/panel-view.ts';
import { showPatch } from './probe-patch.ts';
import type { Transport } from './transport.ts';

/** Approve and Deny can be pressed this long after they appeared: a hand on its way to another button is no answer. */
export const ARM_MS = 600;
export const RESET_HOLD_MS = 1000;
const CONFIRM_AGAIN_MS = 5000;
const TICK_MS = 250;

export type LastCommand = Readonly<{
  name: CommandName;
  /** `pending` until somebody has answered. */
  result: CommandResult['result'] | 'pending';
  message: string | null;
  /** To be typed by the person, where no hand on a real device was felt. */
  code?: string;
}>;

/**
 * What one panel window knows: the host's last snapshot and what the person is doing with it right now.
 * Everything shown is a function of this; `changed` asks for a repaint.
 */
export class PanelModel {
  view: PanelView | null = null;
  thumbnail: (Omit<ThumbnailView, 'jpegBase64'> & { bitmap: ImageBitmap }) | null = null;
  hostHeard = false;
  linkRefused = false;
  last: LastCommand | null = null;
  note = '';
  /** The decision's buttons have been there long enough. */
  armed = false;
  /** A reset asked for without a press that could be held: by a screen reader, say. */
  confirmingReset = false;
  holdingReset = false;
  collapsed = false;
  nowMs = Date.now();

  readonly transport: Transport;
  readonly #changed: () => void;
  #sent: PanelCommand | undefined;
  #heardAtMs = 0;
  #shownAsk = '';
  #armTimer = 0;
  #holdTimer = 0;

  constructor(transport: Transport, changed: () => void) {
    this.transport = transport;
    this.#changed = changed;
  }

  start(): void {
    this.transport.start({
      message: (message) => this.#receive(message),
      lost: () => {
        this.hostHeard = false;
        this.#changed();
      },
      refused: () => {
        this.linkRefused = true;
        this.#changed();
      },
    });
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** The snapshot as far as it can be believed: without a host nothing in it is current. */
  get shown(): PanelView | null {
    if (this.view === null || this.hostHeard) return this.view;
    return {
      ...this.view,
      mode: 'controls_lost',
      ask: null,
      stop: { ...this.view.stop, active: false, chordArmed: null },
      links: { guard: false, daemon: false, server: false },
    };
  }

  stop(): void {
    this.transport.stop(this.#give('stop'));
  }

  /** @param what goes with it: the answer to a question. */
  command(name: Exclude<CommandName, 'stop'>, what?: Partial<PanelCommand>): void {
    if (this.transport.send(this.#give(name, what))) return;
    this.last = { name, result: 'not_confirmed', message: null };
    this.#changed();
  }

  /** The same command again, with what the person typed. */
  confirmWithCode(code: string): void {
    const { name } = this.#sent ?? {};
    if (name && name !== 'stop') this.command(name, { ...this.#sent, code });
  }

  #give(name: CommandName, what?: Partial<PanelCommand>): PanelCommand {
    this.#sent = { ...what, type: 'command', id: crypto.randomUUID(), name };
    this.last = { name, result: 'pending', message: null };
    this.#changed();
    return this.#sent;
  }

  toggleCollapsed(): void {
    this.collapsed = !this.collapsed;
    this.transport.collapse?.(this.collapsed);
    this.#changed();
  }

  /** With the digest of exactly what is on the screen: a request that changed meanwhile is not this one. */
  decide(name: 'approve' | 'deny', scope?: ApprovalScope): void {
    if (!this.armed) return;
    const request = this.shown?.ask?.request;
    this.command(name, {
      note: this.note || undefined,
      requestId: request?.requestId,
      digest: request?.digest,
      scope: request ? scope : undefined,
    });
  }

  holdReset(): void {
    if (this.holdingReset) return;
    this.holdingReset = true;
    this.#holdTimer = setTimeout(() => {
      this.holdingReset = false;
      this.command('reset');
    }, RESET_HOLD_MS);
    this.#changed();
  }

  releaseReset(): void {
    clearTimeout(this.#holdTimer);
    if (!this.holdingReset) return;
    this.holdingReset = false;
    this.#changed();
  }

  /** For those who cannot hold: asked twice instead. */
  activateReset(): void {
    if (this.confirmingReset) {
      this.confirmingReset = false;
      this.command('reset');
      return;
    }
    this.confirmingReset = true;
    setTimeout(() => {
      this.confirmingReset = false;
      this.#changed();
    }, CONFIRM_AGAIN_MS);
    this.#changed();
  }

  #receive(message: HostMessage): void {
    this.#heardAtMs = performance.now();
    if (!this.hostHeard) {
      this.hostHeard = true;
      this.#changed();
    }
    this.linkRefused = false;
    switch (message.type) {
      case 'view':
        this.view = message.view;
        this.#watchAsk();
        break;
      case 'thumbnail':
        this.#showThumbnail(message);
        break;
      case 'result':
        // Once confirmed it stays confirmed: a slower path has nothing to add.
        if (message.id !== this.#sent?.id || this.last?.result === 'confirmed') return;
        this.last = message;
        break;
      case 'probe':
        void showPatch(this.transport.window, message).then((place) =>
          this.transport.painted(message.id, place),
        );
        return;
      default:
        return;
    }
    this.#changed();
  }

  #watchAsk(): void {
    const ask = this.view?.ask ?? null;
    const identity = JSON.stringify(ask);
    if (identity === this.#shownAsk) return;
    this.#shownAsk = identity;
    this.note = '';
    this.armed = false;
    clearTimeout(this.#armTimer);
    if (ask === null) return;
    this.#armTimer = setTimeout(() => {
      this.armed = true;
      this.#changed();
    }, ARM_MS);
  }

  #showThumbnail({ jpegBase64, width, height, target }: ThumbnailView): void {
    const bytes = Uint8Array.from(atob(jpegBase64), (character) => character.charCodeAt(0));
    // An <img> would leave each picture in the page's cache: a hundred megabytes in an hour.
    void createImageBitmap(new Blob([bytes])).then((bitmap) => {
      this.thumbnail?.bitmap.close();
      this.thumbnail = { bitmap, width, height, target };
      this.#changed();
    }, Boolean);
  }

  #tick(): void {
    const heard = performance.now() - this.#heardAtMs < BEAT_LOST_MS;
    const second = Math.floor(Date.now() / 1000) !== Math.floor(this.nowMs / 1000);
    const lostNow = this.hostHeard && !heard;
    if (lostNow) this.hostHeard = false;
    if (!lostNow && !(second && this.view?.run)) return;
    this.nowMs = Date.now();
    this.#changed();
  }
}
