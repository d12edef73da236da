import type { HostMessage, PanelCommand } from '../core/panel-view.ts';
import type { Later } from './later.tsx';
import type { Transport, TransportListener } from './transport.ts';
import type { Place } from './window-place.ts';

const KEY = 'deskhand.panel.key';
const RETRY_MS = 500;

/**
 * Browser mode. Code (fragment) → session (cookie and key) → ticket → websocket, on this origin only.
 * Looks for the host again for ever: giving up would be a dead stop button.
 */
export class WsTransport implements Transport {
  /** The window that shows the panel now: this page's, or the one kept on top. */
  window: Window = globalThis.window;

  get page(): Document {
    return this.window.document;
  }

  #listener: TransportListener | undefined;
  #socket: WebSocket | undefined;
  #means: Later | undefined;

  start(listener: TransportListener): void {
    this.#listener = listener;
    void this.#keepConnected();
  }

  send(command: PanelCommand): boolean {
    return this.#sendText(command);
  }

  stop(command: PanelCommand): void {
    this.#sendText(command);
    // A second road, for a socket that is open but leads nowhere. A stop may come twice; it must come once.
    this.#post('/stop')
      .then(async (response) => {
        if (!response.ok) throw new Error(String(response.status));
        const { result } = (await response.json()) as { result: 'confirmed' | 'not_confirmed' };
        this.#listener?.message({ type: 'result', id: command.id, name: 'stop', result, message: null });
      })
      .catch(() => {
        if (this.#socket === undefined)
          this.#listener?.message({
            type: 'result',
            id: command.id,
            name: 'stop',
            result: 'not_confirmed',
            message: null,
          });
      });
  }

  /** The page of a run comes from this host, too, for one ticket; its window has no way to this one. */
  async replay(runId: string): Promise<void> {
    const ticket = await this.#ticket();
    if (ticket) open(`/replay/${encodeURIComponent(runId)}?ticket=${ticket}`, '_blank', 'noopener');
  }

  painted(id: string, place: object): void {
    this.#sendText({ type: 'painted', id, ...place });
  }

  placed(means: Later): void {
    this.#means = means;
    means.watchPlace(this);
  }

  /** Tells the host where this window is; `id` when it asked for the move. */
  place(place: Place, id?: string): void {
    this.#sendText({ type: 'place', id, ...place });
  }

  #sendText(message: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  async #keepConnected(): Promise<void> {
    // A fresh link opened in this very window changes only the fragment.
    addEventListener('hashchange', () => void this.#redeemCode());
    await this.#redeemCode();
    for (;;) {
      try {
        const ticket = await this.#ticket();
        if (ticket) await this.#live(ticket);
      } catch {
        // Nobody listens just now.
      }
      this.#listener?.lost();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** The code leaves the address bar and the history before anything else happens. */
  async #redeemCode(): Promise<void> {
    const code = /^#code=([0-9a-f]+)$/.exec(location.hash)?.[1];
    if (code === undefined) return;
    history.replaceState(null, '', location.pathname);
    try {
      const response = await fetch('/session', { method: 'POST', body: JSON.stringify({ code }) });
      if (response.ok) sessionStorage.setItem(KEY, ((await response.json()) as { key: string }).key);
    } catch {
      // The ticket will tell.
    }
  }

  /** One ticket opens one thing, once. */
  async #ticket(): Promise<string | undefined> {
    const response = await this.#post('/ticket');
    if (response.status === 401) this.#listener?.refused();
    return response.ok ? ((await response.json()) as { ticket: string }).ticket : undefined;
  }

  #post(path: string): Promise<Response> {
    return fetch(path, { method: 'POST', headers: { 'X-Deskhand-Key': sessionStorage.getItem(KEY) ?? '' } });
  }

  /** Resolves when the socket has closed. */
  #live(ticket: string): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`ws://${location.host}/panel`, ['deskhand.panel.1', `ticket.${ticket}`]);
      this.#socket = socket;
      socket.onmessage = ({ data }) => {
        try {
          const message = JSON.parse(String(data)) as HostMessage;
          if (message.type === 'move')
            void this.#means
              ?.moveWindow(this.window, message.x, message.y)
              .then((place) => this.place(place, message.id));
          else this.#listener?.message(message);
        } catch {
          // Half a message is no message; the next snapshot is complete.
        }
      };
      socket.onopen = () => {
        if (this.#means) this.place(this.#means.placeOf(this.window));
      };
      socket.onclose = () => {
        this.#socket = undefined;
        resolve();
      };
    });
  }
}
