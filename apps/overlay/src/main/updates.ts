import { errorAttributes, type Logger } from '@deskhand/base';
import type { AppUpdater } from 'electron-updater';
import type { PanelMode } from '../core/panel-view.ts';

/** What is used of electron-updater, by its own types. */
export type UpdaterPort = Pick<
  AppUpdater,
  | 'autoDownload'
  | 'autoInstallOnAppQuit'
  | 'setFeedURL'
  | 'on'
  | 'checkForUpdates'
  | 'downloadUpdate'
  | 'quitAndInstall'
>;

export const CHECK_MS = 24 * 60 * 60_000;

export type UpdatesOptions = Readonly<{
  /** Where updates are; null is nowhere: then nothing is loaded, asked or downloaded. */
  feedUrl: string | null;
  /** Loads electron-updater, which must not happen outside Electron. */
  load: () => Promise<UpdaterPort>;
  /** The windows are about to be closed for it. */
  onInstall: () => void;
  /** An update lies ready; it is installed when the person restarts the panel. */
  onReady: () => void;
  log: Logger;
}>;

/**
 * Updates of the panel. Asked for and downloaded only while nobody is in control and nothing is stopped, installed only
 * by the person's own click. electron-updater refuses what is not signed as the running program is.
 */
export class Updates implements Disposable {
  readonly #options: UpdatesOptions;
  #updater: UpdaterPort | undefined;
  #timer: NodeJS.Timeout | undefined;
  #mode: PanelMode = 'controls_lost';
  #wanted = false;
  #found = false;
  #ready = false;

  constructor(options: UpdatesOptions) {
    this.#options = options;
  }

  /** @returns false when there is no place to update from. */
  async start(): Promise<boolean> {
    const { feedUrl, load, log } = this.#options;
    if (feedUrl === null) return false;
    const url = new URL(feedUrl);
    if (url.protocol !== 'https:' || url.hostname.endsWith('.invalid')) {
      log.warn('updates are off: their address must be https', { host: url.hostname });
      return false;
    }
    const updater = await load();
    updater.autoDownload = false;
    updater.autoInstallOnAppQuit = false;
    updater.setFeedURL({ provider: 'generic', url: url.href });
    updater.on('error', (error) => log.warn('no update', errorAttributes(error)));
    updater.on('update-available', () => {
      this.#found = true;
      this.#go();
    });
    updater.on('update-downloaded', () => {
      this.#ready = true;
      this.#options.onReady();
    });
    this.#updater = updater;
    this.#want();
    this.#timer = setInterval(() => this.#want(), CHECK_MS);
    return true;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** True while installing disturbs nobody. */
  get mayInstall(): boolean {
    return this.#ready && this.#mode === 'idle';
  }

  onMode(mode: PanelMode): void {
    this.#mode = mode;
    this.#go();
  }

  /** The person asked for it. Does nothing while the agent works or a stop stands. */
  install(): void {
    if (!this.mayInstall) return;
    // On macOS the windows are closed first, before anybody says that the application quits.
    this.#options.onInstall();
    this.#updater?.quitAndInstall();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #want(): void {
    this.#wanted = true;
    this.#go();
  }

  /** Asks and downloads as soon as the desktop is idle. */
  #go(): void {
    if (this.#updater === undefined || this.#mode !== 'idle' || this.#ready) return;
    const work = this.#found
      ? this.#updater.downloadUpdate()
      : this.#wanted
        ? this.#updater.checkForUpdates()
        : undefined;
    this.#found = false;
    this.#wanted = false;
    work?.catch((error) => this.#options.log.warn('no update', errorAttributes(error)));
  }
}
