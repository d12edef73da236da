import { join } from 'node:path';
import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import { type PageInfo, ProtocolError, type ScreenElement, type WindowInfo } from '@deskhand/protocol';
import { applicationEnvironment } from '../applications/application-environment.ts';
import { ProcessGroup } from '../applications/process-group.ts';
import type { Browser, FocusedField, PageRead } from '../ports.ts';
import type { WindowControl } from '../windows/window-control.ts';
import { browserFlags, prepareProfile } from './browser-profile.ts';
import { CdpError, CdpPipe } from './cdp-pipe.ts';
import { findBrowser } from './find-browser.ts';
import { PageElements, type PageReport } from './page-elements.ts';
import { PageTab, trackLoading } from './page-tab.ts';
import { toPageUrl } from './page-url.ts';

const START_CEILING_MS = 30_000;
const WINDOW_CEILING_MS = 15_000;
/** A browser without a tab has ended by then, or stays and gets one. */
const LEAVING_CEILING_MS = 3000;
const LOAD_CEILING_MS = 15_000;
const ANSWER_CEILING_MS = 400;
const READ_CEILING_MS = 1000;
const GOODBYE_CEILING_MS = 700;
const CLOSE_GRACE_MS = 300;
const POLL_MS = 20;
/** Enough to know that a request runs; bodies are of no use to us. */
const NETWORK_BUFFERS = { maxTotalBufferSize: 100_000, maxResourceBufferSize: 10_000 };

export type ChromiumBrowserOptions = Readonly<{
  /** Folder of our own profile; made at the first start. */
  profile: string;
  env: Readonly<Record<string, string>>;
  inheritedEnv: Readonly<Record<string, string | undefined>>;
  maximized: boolean;
  mayOpenFile: (path: string) => boolean;
  /** Windows of this desktop, to find and raise the browser's own. */
  windows: WindowControl;
  log: Logger;
}>;

type Running = Readonly<{
  group: ProcessGroup;
  cdp: CdpPipe;
  elements: PageElements;
  /** By session id of the tab itself. */
  tabs: Map<string, PageTab>;
  /** Session of a frame → its tab. */
  owners: Map<string, PageTab>;
}>;

type TargetInfo = { targetId: string; type: string; url: string; title: string };

/**
 * A Chromium-family browser with a profile of our own, driven over its debugging pipe. It starts at the
 * first navigation and again after somebody closed it.
 */
export class ChromiumBrowser implements Browser {
  readonly name = 'chromium';
  readonly #options: ChromiumBrowserOptions;
  #running: Promise<Running> | undefined;
  #live: Running | undefined;
  #lastActive: PageTab | undefined;
  #closed = false;

  constructor(options: ChromiumBrowserOptions) {
    this.#options = options;
  }

  /** What the last look at a page cost; null before the first. */
  get lastReport(): PageReport | null {
    return this.#live?.elements.lastReport ?? null;
  }

  isOurs(window: WindowInfo): boolean {
    const group = this.#live?.group;
    return group?.running === true && window.pid === group.pid;
  }

  /** Opens the browser or brings it forward. */
  async open(options: {
    signal: AbortSignal;
  }): Promise<{ application: string; windowId: string | null; started: boolean }> {
    const before = this.#live;
    const running = await this.#start(options);
    const started = running !== before;
    if (running.tabs.size === 0 && !started) await this.#newTab(running, options);
    const windowId = await this.#raise(options);
    return { application: 'Chromium', windowId, started };
  }

  async navigate(url: string, options: { signal: AbortSignal }): Promise<PageInfo> {
    const target = toPageUrl(url, this.#options.mayOpenFile);
    const running = await this.#start(options);
    const tab = (await this.#activeTab(running, options)) ?? (await this.#newTab(running, options));
    this.#lastActive = tab;
    const send = { ...options, sessionId: tab.sessionId };
    await running.cdp.send('Page.bringToFront', {}, send);
    await this.#raise(options);
    const answer = await this.#goTo(running, tab, target, options);
    if (answer.errorText !== undefined && answer.isDownload !== true) {
      throw new ProtocolError('INVALID_STATE', `The page could not be loaded: ${answer.errorText}.`, {
        reason: answer.errorText,
      });
    }
    const deadline = performance.now() + LOAD_CEILING_MS;
    while (tab.mainFrameLoading && performance.now() < deadline) await sleep(POLL_MS, options);
    return infoOf(tab, tab.dialog === null ? await this.#told(running, tab, options) : {});
  }

  async page(): Promise<PageInfo | null> {
    const running = this.#live;
    if (running === undefined || running.cdp.isClosed) return null;
    const options = { signal: AbortSignal.timeout(ANSWER_CEILING_MS * 2) };
    try {
      const page = await this.#activePage(running, options, null);
      return page === null ? null : infoOf(page.tab, page);
    } catch {
      return null;
    }
  }

  async loading(): Promise<boolean> {
    const running = this.#live;
    if (running === undefined || running.cdp.isClosed) return false;
    const tab = this.#lastActive ?? [...running.tabs.values()].at(-1);
    return tab?.isLoading(performance.now()) ?? false;
  }

  async elements(
    window: WindowInfo | null,
    options: { signal: AbortSignal },
  ): Promise<readonly ScreenElement[]> {
    return window === null ? [] : (await this.read(window, options)).elements;
  }

  async read(window: WindowInfo, options: { signal: AbortSignal }): Promise<PageRead> {
    options.signal.throwIfAborted();
    const nothing: PageRead = { elements: [], whole: false };
    const running = this.#live;
    if (running === undefined || running.cdp.isClosed || !this.isOurs(window)) return nothing;
    const stop = { signal: AbortSignal.any([options.signal, AbortSignal.timeout(READ_CEILING_MS)]) };
    try {
      const [tab, client] = await Promise.all([
        this.#activeTab(running, stop, window),
        this.#options.windows.clientArea(window.id),
      ]);
      // Nothing of a page can be read or clicked while it waits for an answer; the question is the browser's own.
      if (tab === null || client === null || tab.dialog !== null) return nothing;
      return await running.elements.read(tab, window, client, stop);
    } catch (error) {
      options.signal.throwIfAborted();
      this.#options.log.warn('the page could not be read', errorAttributes(error));
      return nothing;
    }
  }

  async focusedField(window: WindowInfo, options: { signal: AbortSignal }): Promise<FocusedField | null> {
    const running = this.#live;
    if (running === undefined || running.cdp.isClosed || !this.isOurs(window)) return null;
    const stop = { signal: AbortSignal.any([options.signal, AbortSignal.timeout(READ_CEILING_MS)]) };
    const tab = await this.#activeTab(running, stop, window);
    if (tab === null || tab.dialog !== null) return null;
    const focus = await running.elements.focus(tab, stop);
    if (focus === null) return null;
    const { origin, ...field } = focus;
    return { ...field, bounds: null, origin };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const running = await this.#running?.catch(() => undefined);
    if (running === undefined) return;
    // Asked to end it writes its profile properly; a browser that hangs is ended all the same.
    const signal = AbortSignal.timeout(GOODBYE_CEILING_MS);
    await running.cdp.send('Browser.close', {}, { signal }).catch(() => {});
    await Promise.race([running.group.ended, sleep(GOODBYE_CEILING_MS)]);
    await running.group.close();
  }

  async #start(options: { signal: AbortSignal }): Promise<Running> {
    if (this.#closed) throw new ProtocolError('BROWSER_UNAVAILABLE', 'This desktop is shutting down.');
    const live = this.#live;
    if (live !== undefined && !(await this.#isLeaving(live, options))) return live;
    this.#running ??= this.#launch(options.signal).catch((error: unknown) => {
      this.#running = undefined;
      throw error;
    });
    return this.#running;
  }

  /**
   * Whether it has ended or is about to: whoever closes its last window closes the browser, which takes a moment.
   * One that has just come has no tab for a moment either.
   */
  async #isLeaving({ cdp, group, tabs }: Running, options: { signal: AbortSignal }): Promise<boolean> {
    const deadline = performance.now() + LEAVING_CEILING_MS;
    while (!cdp.isClosed && group.running && tabs.size === 0 && performance.now() < deadline)
      await sleep(POLL_MS, options);
    return cdp.isClosed || !group.running;
  }

  async #launch(caller: AbortSignal): Promise<Running> {
    const { inheritedEnv, env, profile, maximized, log } = this.#options;
    const environment = applicationEnvironment(inheritedEnv, env);
    const path = findBrowser({ platform: process.platform, environment });
    if (path === null) {
      throw new ProtocolError(
        'BROWSER_UNAVAILABLE',
        'No Chromium-family browser is installed. On Debian or Ubuntu: apt-get install -y chromium',
      );
    }
    const signal = AbortSignal.any([caller, AbortSignal.timeout(START_CEILING_MS)]);
    await prepareProfile(profile);
    const group = await ProcessGroup.start(
      {
        command: path,
        args: browserFlags({
          profile,
          sandbox: process.getuid?.() !== 0,
          maximized,
          ozonePlatform:
            process.platform === 'linux' ? (environment.WAYLAND_DISPLAY ? 'wayland' : 'x11') : null,
        }),
        env: environment,
        onParentDeath: 'SIGKILL',
        pipes: [2, 3, 4],
      },
      CLOSE_GRACE_MS,
    ).catch((cause: unknown) => {
      throw new ProtocolError('BROWSER_UNAVAILABLE', 'The browser could not be started.', {}, { cause });
    });
    try {
      const input = group.output(4);
      const output = group.output(3) as unknown as import('node:stream').Writable;
      const cdp = new CdpPipe(output, input);
      const running: Running = {
        group,
        cdp,
        elements: new PageElements(cdp),
        tabs: new Map(),
        owners: new Map(),
      };
      this.#follow(running);
      await Promise.race([
        cdp.send('Target.setDiscoverTargets', { discover: true }, { signal }),
        group.ended.then((end) => {
          throw new Error(`the browser ended at once (${end.signal ?? `code ${end.code}`})`);
        }),
      ]);
      await cdp.send(
        'Target.setAutoAttach',
        { autoAttach: true, waitForDebuggerOnStart: false, flatten: true },
        { signal },
      );
      group.unref();
      this.#live = running;
      void cdp.closed.then(() => this.#forget(running));
      log.info('browser started', { pid: group.pid });
      return running;
    } catch (cause) {
      await group.close();
      caller.throwIfAborted();
      throw new ProtocolError(
        'BROWSER_UNAVAILABLE',
        'The browser did not start. If another one uses the same profile, close it.',
        {},
        { cause },
      );
    }
  }

  #forget(running: Running): void {
    if (this.#live === running) this.#live = undefined;
    this.#running = undefined;
    this.#lastActive = undefined;
    void running.group.close();
    this.#options.log.info('browser closed', { pid: running.group.pid });
  }

  /** @throws ProtocolError when the browser refuses or the page asks whether it may be left. */
  async #goTo(
    running: Running,
    tab: PageTab,
    url: string,
    options: { signal: AbortSignal },
  ): Promise<{ errorText?: string; isDownload?: boolean }> {
    let forget = () => {};
    const asked = new Promise<never>((_, reject) => {
      forget = tab.onDialog(() => {
        if (tab.dialog?.kind !== 'beforeunload') return;
        reject(
          new ProtocolError(
            'INVALID_STATE',
            'The page asks whether it may be left; answer that question first.',
          ),
        );
      });
    });
    const going = running.cdp.send<{ errorText?: string; isDownload?: boolean }>(
      'Page.navigate',
      { url },
      { ...options, sessionId: tab.sessionId },
    );
    try {
      return await Promise.race([going, asked]);
    } catch (cause) {
      going.catch(() => {});
      options.signal.throwIfAborted();
      if (!(cause instanceof CdpError)) throw cause;
      throw new ProtocolError('INVALID_STATE', 'The browser refused to go to that address.', {}, { cause });
    } finally {
      forget();
    }
  }

  /** Keeps the list of tabs true, and what each of them is doing. */
  #follow(running: Running): void {
    const { cdp, tabs, owners } = running;
    trackLoading(cdp, (sessionId) => (sessionId === undefined ? undefined : owners.get(sessionId)));
    const prepare = (sessionId: string, tab: PageTab) => {
      owners.set(sessionId, tab);
      const options = { signal: AbortSignal.timeout(START_CEILING_MS), sessionId };
      const send = (method: string, parameters: Readonly<Record<string, unknown>> = {}) =>
        cdp.send(method, parameters, options).catch(() => {});
      void send('Page.enable');
      void send('Network.enable', NETWORK_BUFFERS);
      void send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
    };
    cdp.on('Target.attachedToTarget', (parameters, parentSessionId) => {
      const { sessionId, targetInfo } = parameters as unknown as {
        sessionId: string;
        targetInfo: TargetInfo;
      };
      if (targetInfo.type === 'page' && parentSessionId === undefined) {
        const tab = new PageTab(targetInfo, sessionId);
        tabs.set(sessionId, tab);
        prepare(sessionId, tab);
        return;
      }
      const tab = parentSessionId === undefined ? undefined : owners.get(parentSessionId);
      if (targetInfo.type !== 'iframe' || tab === undefined || parentSessionId === undefined) return;
      tab.frames.set(sessionId, { sessionId, frameId: targetInfo.targetId, parentSessionId });
      prepare(sessionId, tab);
    });
    cdp.on('Target.detachedFromTarget', (parameters) => {
      const { sessionId } = parameters as unknown as { sessionId: string };
      const tab = owners.get(sessionId);
      owners.delete(sessionId);
      const frame = tab?.frames.get(sessionId);
      if (frame !== undefined) tab?.frameStopped(frame.frameId);
      tab?.frames.delete(sessionId);
      if (tabs.delete(sessionId) && this.#lastActive === tab) this.#lastActive = undefined;
    });
    cdp.on('Target.targetInfoChanged', (parameters) => {
      const { targetInfo } = parameters as unknown as { targetInfo: TargetInfo };
      for (const tab of tabs.values()) {
        if (tab.targetId !== targetInfo.targetId) continue;
        tab.url = targetInfo.url;
        tab.title = targetInfo.title;
      }
    });
  }

  /** The tab a person sees; with several windows the one of `window`, else the one with the focus. */
  async #activeTab(
    running: Running,
    options: { signal: AbortSignal },
    window: WindowInfo | null = null,
  ): Promise<PageTab | null> {
    return (await this.#activePage(running, options, window))?.tab ?? null;
  }

  /** The same with what the page says of itself, where it answered. */
  async #activePage(
    running: Running,
    options: { signal: AbortSignal },
    window: WindowInfo | null,
  ): Promise<{ tab: PageTab; url?: string; title?: string } | null> {
    const tabs = [...running.tabs.values()];
    if (tabs.length === 0) return null;
    const seen = await Promise.all(
      tabs.map(async (tab) => {
        if (tab.dialog !== null)
          return { tab, visible: tab === this.#lastActive, focus: false, silent: true };
        return { tab, ...(await this.#told(running, tab, options)) };
      }),
    );
    options.signal.throwIfAborted();
    const visible = seen.filter((item) => item.visible);
    const titled =
      window === null || visible.length < 2
        ? undefined
        : visible.find(({ tab }) => tab.title !== '' && window.title.startsWith(tab.title));
    // A tab that does not answer may be showing a question of its own; it stays the active one.
    const silent = seen.find((item) => item.silent && item.tab === this.#lastActive);
    const chosen =
      titled ?? seen.find((item) => item.visible && item.focus) ?? silent ?? visible.at(-1) ?? seen.at(-1);
    if (chosen === undefined) return null;
    this.#lastActive = chosen.tab;
    return chosen;
  }

  /** What a page says of itself, in time or not at all. */
  async #told(
    running: Running,
    tab: PageTab,
    options: { signal: AbortSignal },
  ): Promise<{ visible: boolean; focus: boolean; silent: boolean; url?: string; title?: string }> {
    const answer = await running.elements.evaluate(
      tab.sessionId,
      tab.mainFrameId,
      '[document.visibilityState, document.hasFocus(), location.href, document.title]',
      { signal: AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_CEILING_MS)]) },
    );
    const [visibility, focus, url, title] = Array.isArray(answer) ? (answer as unknown[]) : [];
    return {
      visible: visibility === 'visible',
      focus: focus === true,
      silent: answer === undefined,
      ...(typeof url === 'string' ? { url } : {}),
      ...(typeof title === 'string' ? { title } : {}),
    };
  }

  async #newTab(running: Running, options: { signal: AbortSignal }): Promise<PageTab> {
    const { targetId } = await running.cdp.send<{ targetId: string }>(
      'Target.createTarget',
      { url: 'about:blank' },
      options,
    );
    const deadline = performance.now() + WINDOW_CEILING_MS;
    while (performance.now() < deadline) {
      const tab = [...running.tabs.values()].find((candidate) => candidate.targetId === targetId);
      if (tab !== undefined) return tab;
      await sleep(POLL_MS, options);
    }
    throw new ProtocolError('BROWSER_UNAVAILABLE', 'The browser did not open a tab.');
  }

  /** Waits for the browser's window and gives it the focus. @returns its id, or null when none appeared. */
  async #raise(options: { signal: AbortSignal }): Promise<string | null> {
    const deadline = performance.now() + WINDOW_CEILING_MS;
    while (performance.now() < deadline) {
      const window = (await this.#options.windows.windows()).find((candidate) => this.isOurs(candidate));
      if (window !== undefined) {
        if (!window.active) await this.#options.windows.focus(window.id);
        return window.id;
      }
      await sleep(POLL_MS, options);
    }
    return null;
  }
}

/** @param said what the page itself says; a page that shows a question says nothing. */
function infoOf(
  tab: PageTab,
  { url = tab.url, title = tab.title }: { url?: string; title?: string },
): PageInfo {
  return {
    url: url.slice(0, 8192),
    title: title.slice(0, 2000),
    loading: tab.isLoading(performance.now()),
  };
}

/** Where a daemon keeps its browser's profile. */
export function profileFolder(dataDir: string): string {
  return join(dataDir, 'browser-profile');
}
