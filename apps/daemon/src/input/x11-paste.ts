import type { X11Clipboard, X11Connection } from '../x11/index.ts';

/**
 * Above this many changes of the keyboard map a text is pasted instead: each change keeps the window manager
 * busy, and a Chinese page needs one for every few dozen characters.
 */
export const MAX_TYPED_ROUNDS = 8;
/** How long an application may take to fetch what was pasted. */
const TAKEN_WITHIN_MS = 3000;

/**
 * Windows where a paste is not the same as typing (bracketed paste, other shortcuts): their text is always typed.
 * By the second part of WM_CLASS, lower case.
 */
const TERMINALS =
  /^(u?xterm|u?rxvt|urxvt|.*-?terminal.*|konsole|kitty|alacritty|tilix|terminator|sakura|guake|foot|st|org\.wezfurlong\.wezterm|ghostty|termite|tilda|yakuake)$/;

/** Pastes into the active window, the clipboard lent for the moment. */
export class X11Paste {
  readonly #connection: X11Connection;
  readonly #clipboard: X11Clipboard;
  readonly #pressPaste: () => Promise<void>;

  /** @param parts.pressPaste presses and releases the paste shortcut. */
  constructor(parts: {
    connection: X11Connection;
    clipboard: X11Clipboard;
    pressPaste: () => Promise<void>;
  }) {
    this.#connection = parts.connection;
    this.#clipboard = parts.clipboard;
    this.#pressPaste = parts.pressPaste;
  }

  /** The window to paste into, or null where pasting is not like typing. */
  async target(): Promise<number | null> {
    const connection = this.#connection;
    const [active] = await connection.getNumbers(connection.root, '_NET_ACTIVE_WINDOW');
    if (active === undefined || active === 0) return null;
    const names = (await connection.getText(active, 'WM_CLASS'))?.split('\0') ?? [];
    return names.some((name) => TERMINALS.test(name.toLowerCase())) ? null : active;
  }

  /** @throws ProtocolError INPUT_FAILED when the window's client does not take the text. */
  async paste(text: string, window: number, stop: { signal: AbortSignal }): Promise<void> {
    await this.#clipboard.lend(
      text,
      {
        use: this.#pressPaste,
        // Clipboard managers fetch too: only the application's own request counts.
        accepts: (requestor) => this.#connection.sameClient(requestor, window),
        ceilingMs: TAKEN_WITHIN_MS,
      },
      stop,
    );
  }
}
