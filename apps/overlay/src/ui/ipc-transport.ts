import type { HostMessage, PanelCommand } from '../core/panel-view.ts';
import type { Transport, TransportListener } from './transport.ts';

/** What the preload exposes; nothing else of Electron reaches this page. */
export type PanelBridge = Readonly<{
  subscribe(listener: (message: HostMessage) => void): void;
  /** The page is there; with an id: the patch of that probe is on the screen. */
  ready(probeId?: string): void;
  stop(id: string): void;
  control(id: string, name: string, runId?: string): void;
  decide(
    id: string,
    name: string,
    what: Readonly<Pick<PanelCommand, 'note' | 'requestId' | 'digest' | 'scope' | 'code'>>,
  ): void;
  setCollapsed(collapsed: boolean): void;
}>;

/** Electron: the sandboxed preload's named functions. */
export class IpcTransport implements Transport {
  readonly window = globalThis.window;
  readonly #bridge: PanelBridge;

  constructor(bridge: PanelBridge) {
    this.#bridge = bridge;
  }

  start(listener: TransportListener): void {
    this.#bridge.subscribe((message) => listener.message(message));
    this.#bridge.ready();
  }

  send(command: PanelCommand): boolean {
    const { id, name, note, requestId, digest, scope, code } = command;
    if (name === 'approve' || name === 'deny' || name === 'resume' || code !== undefined)
      this.#bridge.decide(id, name, { note, requestId, digest, scope, code });
    else this.#bridge.control(id, name);
    return true;
  }

  stop(command: PanelCommand): void {
    this.#bridge.stop(command.id);
  }

  replay(runId: string): void {
    this.#bridge.control(crypto.randomUUID(), 'replay', runId);
  }

  collapse(collapsed: boolean): void {
    this.#bridge.setCollapsed(collapsed);
  }

  painted(id: string): void {
    this.#bridge.ready(id);
  }
}
