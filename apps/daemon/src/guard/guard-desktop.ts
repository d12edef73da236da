/** Whether the native hotkey would really be heard, proven at start. */
export type HotkeyStatus = Readonly<{ armed: boolean; reason?: string }>;

export type PersonInputKind = 'pointer' | 'button' | 'key';

/** What guard needs from an operating system: ears for the person, and the power to let everything go. */
export interface GuardDesktop extends AsyncDisposable {
  readonly hotkey: HotkeyStatus;
  /** A key or button of a real device is down, or was within these milliseconds. False where that can't be known. */
  personPresent(withinMs: number): boolean;
  /** Releases every key and button that injection holds, from guard's own connection. Never throws. */
  releaseAll(): Promise<void>;
}

export type GuardDesktopEvents = Readonly<{
  onStopGesture: (gesture: 'chord' | 'triple') => void;
  /** A real device acted. Says that, never what. */
  onPersonInput: (kind: PersonInputKind) => void;
  onHotkeyChanged: () => void;
}>;

/**
 * Systems where the native hotkey is not built yet. Latch, lease and sockets work everywhere; the state
 * says that the hotkey does not, and why.
 */
export class NoNativeDesktop implements GuardDesktop {
  readonly hotkey: HotkeyStatus;
  constructor(reason: string) {
    this.hotkey = { armed: false, reason };
  }
  personPresent(): boolean {
    return false;
  }
  async releaseAll(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
