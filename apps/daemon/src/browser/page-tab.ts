import type { CdpPipe } from './cdp-pipe.ts';

/** A request that takes longer is a stream or a long poll: nobody waits for it. */
const LONGEST_REQUEST_MS = 2500;
/** A page that has been asking without a pause for this long asks for ever. */
const LONGEST_BUSY_MS = 6000;
/** What a page needs before it looks complete; pictures and fonts count only until it has loaded. */
const COUNTED_AFTER_LOAD = new Set(['Document', 'Stylesheet', 'Script', 'XHR', 'Fetch']);
const NEVER_COUNTED = new Set([
  'WebSocket',
  'EventSource',
  'Ping',
  'Prefetch',
  'CSPViolationReport',
  'Media',
]);

type Request = Readonly<{ startedAt: number; afterLoad: boolean; type: string }>;

/** A part of a tab that lives in a process of its own and has its own session. */
export type FrameSession = Readonly<{ sessionId: string; frameId: string; parentSessionId: string }>;

/** One tab: its sessions, its title and address, and whether it is still loading. */
export class PageTab {
  readonly targetId: string;
  readonly sessionId: string;
  url: string;
  title: string;
  /** Frames of other sites, by session. */
  readonly frames = new Map<string, FrameSession>();
  readonly #loadingFrames = new Set<string>();
  readonly #requests = new Map<string, Request>();
  #busySince: number | null = null;
  /** What the page is asking the person, if it is: its script stands still until somebody answers. */
  dialog: Readonly<{ kind: string }> | null = null;
  readonly #dialogWaiters = new Set<() => void>();

  constructor(target: Readonly<{ targetId: string; url: string; title: string }>, sessionId: string) {
    this.targetId = target.targetId;
    this.sessionId = sessionId;
    this.url = target.url;
    this.title = target.title;
  }

  /** The main frame has the target's id. */
  get mainFrameId(): string {
    return this.targetId;
  }

  get mainFrameLoading(): boolean {
    return this.#loadingFrames.has(this.mainFrameId);
  }

  /** @param now milliseconds of a monotonic clock, the one the events were noted with. */
  isLoading(now: number): boolean {
    if (this.#loadingFrames.size > 0) return true;
    let busy = false;
    for (const request of this.#requests.values()) {
      if (request.afterLoad && !COUNTED_AFTER_LOAD.has(request.type)) continue;
      if (now - request.startedAt <= LONGEST_REQUEST_MS) busy = true;
    }
    if (!busy) {
      this.#busySince = null;
      return false;
    }
    this.#busySince ??= now;
    return now - this.#busySince <= LONGEST_BUSY_MS;
  }

  dialogOpened(kind: string): void {
    this.dialog = { kind };
    for (const wake of this.#dialogWaiters) wake();
  }

  dialogClosed(): void {
    this.dialog = null;
  }

  /** @returns its own unsubscribe. */
  onDialog(listener: () => void): () => void {
    this.#dialogWaiters.add(listener);
    return () => this.#dialogWaiters.delete(listener);
  }

  frameStarted(frameId: string, now: number): void {
    if (frameId === this.mainFrameId) {
      // Whatever the old page was waiting for is of no interest any more.
      this.#requests.clear();
      this.#busySince = now;
    }
    this.#loadingFrames.add(frameId);
  }

  frameStopped(frameId: string): void {
    this.#loadingFrames.delete(frameId);
  }

  requestStarted(id: string, type: string, now: number): void {
    if (NEVER_COUNTED.has(type)) return;
    this.#requests.set(id, { startedAt: now, afterLoad: this.#loadingFrames.size === 0, type });
    this.#busySince ??= now;
  }

  requestEnded(id: string): void {
    this.#requests.delete(id);
    if (this.#requests.size === 0) this.#busySince = null;
  }
}

/** Tells the tabs of a browser what their pages do and ask. `tabOf` finds a tab by any of its sessions. */
export function trackLoading(
  cdp: CdpPipe,
  tabOf: (sessionId: string | undefined) => PageTab | undefined,
): void {
  const now = () => performance.now();
  const on = <Parameters>(method: string, act: (tab: PageTab, parameters: Parameters) => void) => {
    cdp.on(method, (parameters, sessionId) => {
      const tab = tabOf(sessionId);
      if (tab !== undefined) act(tab, parameters as Parameters);
    });
  };
  on<{ frameId: string }>('Page.frameStartedLoading', (tab, { frameId }) => tab.frameStarted(frameId, now()));
  on<{ frameId: string }>('Page.frameStoppedLoading', (tab, { frameId }) => tab.frameStopped(frameId));
  on<{ frameId: string }>('Page.frameDetached', (tab, { frameId }) => tab.frameStopped(frameId));
  on<{ type: string }>('Page.javascriptDialogOpening', (tab, { type }) => tab.dialogOpened(type));
  on('Page.javascriptDialogClosed', (tab) => tab.dialogClosed());
  on<{ requestId: string; type?: string }>('Network.requestWillBeSent', (tab, { requestId, type }) =>
    tab.requestStarted(requestId, type ?? 'Other', now()),
  );
  on<{ requestId: string }>('Network.loadingFinished', (tab, { requestId }) => tab.requestEnded(requestId));
  on<{ requestId: string }>('Network.loadingFailed', (tab, { requestId }) => tab.requestEnded(requestId));
}
