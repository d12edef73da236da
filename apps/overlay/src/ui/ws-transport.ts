import type { CommandResult, HostMessage, PanelCommand } from '../core/panel-view.ts';
import { keepOnTop } from './keep-on-top.ts';
import type { Transport, TransportListener } from './transport.ts';
import { moveWindow, type Place, placeOf } from './window-place.ts';

const KEY = 'deskhand.panel.key';
const RETRY_MS = 500;
const WATCH_MS = 300;

/**
 * Browser mode. Code (fragment) → session (cookie and key) → ticket → websocket, on this origin only.
 * Looks for the host again for ever: giving up would be a dead stop button.
 */
export class WsTransport implements Transport {
  /** The window that shows the panel now: this page's, or the one kept on top. */
  window: Window = globalThis.window;

  readonly pin = keepOnTop?.bind(null, (shown) => {
    this.window = shown;
  });

  #listener: TransportListener | undefined;
  #socket: WebSocket | undefined;
  #place = '';

  start(listener: TransportListener): void {
    this.#listener = listener;
    void this.#keepConnected();
    setInterval(() => this.#watchPlace(), WATCH_MS);
  }

  send(command: PanelCommand): boolean {
    return this.#sendText(command);
  }

  async stop(command: PanelCommand): Promise<void> {
    this.#sendText(command);
    const tell = (result: CommandResult['result']) =>
      this.#listener?.message({ type: 'result', id: command.id, name: 'stop', result, message: null });
    // A second road, for a socket that is open but leads nowhere. A stop may come twice; it must come once.
    try {
      // What refuses answers in plain text, which is no JSON.
      const { result } = await (await this.#post('/stop')).json();
      tell(result);
    } catch {
      if (this.#socket === undefined) tell('not_confirmed');
    }
  }

  /** The page of a run comes from this host, too, for one ticket; its window has no way to this one. */
  async replay(runId: string): Promise<void> {
    const ticket = await this.#ticket();
    if (ticket) open(`/replay/${encodeURIComponent(runId)}?ticket=${ticket}`, '_blank', 'noopener');
  }

  painted(id: string, place: object): void {
    this.#sendText({ type: 'painted', id, ...place });
  }

  /** Says where the panel's window is whenever it has moved; there is no event for that. */
  #watchPlace(): void {
    const place = placeOf(this.window);
    const text = JSON.stringify(place);
    // A window whose first picture is not out yet knows no size: that is no place.
    if (place.width && place.height && text !== this.#place && this.#tellPlace(place)) this.#place = text;
  }

  /** `id` when the host asked for the move. */
  #tellPlace(place: Place, id?: string): boolean {
    return this.#sendText({ type: 'place', id, ...place });
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
            void moveWindow(this.window, message.x, message.y).then((place) =>
              this.#tellPlace(place, message.id),
            );
          else this.#listener?.message(message);
        } catch {
          // Half a message is no message; the next snapshot is complete.
        }
      };
      socket.onopen = () => {
        this.#place = '';
        this.#watchPlace();
      };
      socket.onclose = () => {
        this.#socket = undefined;
        resolve();
      };
    });
  }
}
