import { errorAttributes, type Logger, randomHex, sleep } from '@deskhand/base';
import { type ExclusionState, PROBE_SIDE_PX, type Rect } from '@deskhand/protocol';
import { primaryDisplay } from './display-layout.ts';
import { findProbePatch } from './find-probe-patch.ts';
import type { ProbeWindow } from './probe-window.ts';
import type { X11ScreenCapture } from './x11-screen-capture.ts';

/** How long the patch may take to show in an ordinary picture; a compositor needs a frame or two. */
const SHOWN_CEILING_MS = 1500;
const POLL_MS = 15;
/** Where the panel says the patch is, give or take its frame. */
const SEARCH_MARGIN_PX = 64;
const PANEL_SHOW_MS = 2000;
const PANEL_CEILING_MS = 1500;

export type OverlayExclusionOptions = Readonly<{
  capture: X11ScreenCapture;
  /** Puts a patch on the screen as another client of the X server, marked as ours. */
  probeWindow: ProbeWindow;
  /** Makes the panel paint a patch; null when there is none or it could not. */
  probePanel: (nonce: string, options: { showMs: number; ceilingMs: number }) => Promise<Rect | null>;
  log: Logger;
}>;

/**
 * Proves that our own windows are in no picture: a patch that was never seen before is put on the screen, has to be in
 * an ordinary picture, and has to be missing from the one that frames are made of. Whatever can't be proven is painted
 * over instead, and said so.
 */
export class OverlayExclusion {
  readonly #options: OverlayExclusionOptions;
  #state: ExclusionState;
  #testing: Promise<void> | null = null;
  #again = false;

  constructor(options: OverlayExclusionOptions) {
    this.#options = options;
    this.#state = {
      strategy: 'mask',
      reason: options.capture.whyComposingIsImpossible ?? 'The self-test has not run yet.',
      testedAt: null,
    };
  }

  get state(): ExclusionState {
    return this.#state;
  }

  /** Runs the test now, or once more when it is running already. Never throws: what fails is painted over. */
  test(signal: AbortSignal): Promise<void> {
    this.#again = true;
    this.#testing ??= (async () => {
      while (this.#again && !signal.aborted) {
        this.#again = false;
        await this.#testOnce(signal);
      }
    })().finally(() => {
      this.#testing = null;
    });
    return this.#testing;
  }

  async #testOnce(signal: AbortSignal): Promise<void> {
    const { capture, log } = this.#options;
    const startedMs = performance.now();
    const conclude = (strategy: ExclusionState['strategy'], reason: string | null, panel?: boolean) => {
      const tookMs = Math.round(performance.now() - startedMs);
      this.#state = {
        strategy,
        reason,
        testedAt: new Date().toISOString(),
        tookMs,
        ...(panel === undefined ? {} : { panelProven: panel }),
      };
      log.info('own windows in pictures', { strategy, ...(reason === null ? {} : { reason }), tookMs });
    };
    try {
      const impossible = capture.whyComposingIsImpossible;
      if (impossible !== null) {
        conclude('mask', impossible);
        return;
      }
      await capture.compose(true);
      const fault = await this.#fault(signal);
      if (fault !== null) {
        await capture.compose(false);
        conclude('mask', fault);
        return;
      }
      const panel = await this.#panelFault(signal);
      if (panel === 'no panel') conclude('compose', null);
      else conclude(panel === null ? 'compose' : 'mask', panel, panel === null);
    } catch (error) {
      if (signal.aborted) return;
      log.warn('the self-test of the overlay’s exclusion broke off', errorAttributes(error));
      await capture.compose(false).catch(() => {});
      conclude('mask', 'The self-test broke off; the daemon’s log says why.');
    }
  }

  /** @returns why composition cannot be trusted. */
  async #fault(signal: AbortSignal): Promise<string | null> {
    const { capture, probeWindow } = this.#options;
    const display = primaryDisplay(await capture.displays());
    if (display === undefined) return 'No display is connected.';
    const { bounds } = display;
    const nonce = randomHex(16);
    const place = {
      x: bounds.x + bounds.width - PROBE_SIDE_PX,
      y: bounds.y + bounds.height - PROBE_SIDE_PX,
      width: PROBE_SIDE_PX,
      height: PROBE_SIDE_PX,
    };
    await using _shown = await probeWindow.show(nonce, place);
    if (!(await this.#isSeen(nonce, place, signal))) return 'The test patch did not show on the screen.';
    return findProbePatch(await capture.grab(bounds, { signal }), nonce) === null
      ? null
      : 'The test patch was still in the composed picture.';
  }

  /** @returns null when the panel is left out, too; 'no panel'; or why it is painted over. */
  async #panelFault(signal: AbortSignal): Promise<string | null> {
    const { capture, probePanel } = this.#options;
    const nonce = randomHex(16);
    const rect = await probePanel(nonce, { showMs: PANEL_SHOW_MS, ceilingMs: PANEL_CEILING_MS });
    if (rect === null) return 'no panel';
    const displays = await capture.displays();
    for (const { bounds } of displays)
      if (findProbePatch(await capture.grab(bounds, { signal }), nonce) !== null)
        return 'The panel’s window is not known to be ours: it is painted over.';
    // Missing from the picture means something only if the patch really was on the screen.
    const around = {
      x: rect.x - SEARCH_MARGIN_PX,
      y: rect.y - SEARCH_MARGIN_PX,
      width: rect.width + 2 * SEARCH_MARGIN_PX,
      height: rect.height + 2 * SEARCH_MARGIN_PX,
    };
    return (await this.#isSeen(nonce, around, signal))
      ? null
      : 'The panel’s test patch did not show on the screen: the panel is painted over where it is known.';
  }

  /** Whether an ordinary picture of a place shows the patch before the ceiling. */
  async #isSeen(nonce: string, place: Rect, signal: AbortSignal): Promise<boolean> {
    const { capture } = this.#options;
    const deadlineMs = performance.now() + SHOWN_CEILING_MS;
    for (;;) {
      const region = capture.clip(place);
      if (region !== null && findProbePatch(await capture.grabEverything(region, { signal }), nonce) !== null)
        return true;
      if (performance.now() > deadlineMs) return false;
      await sleep(POLL_MS, { signal });
    }
  }
}
