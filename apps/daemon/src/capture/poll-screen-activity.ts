import type { Rect } from '@deskhand/protocol';
import type { ScreenActivity, ScreenCapture, Settled } from '../ports.ts';
import { ChangeHistory } from './change-history.ts';
import { FrameMemory } from './frame-difference.ts';
import { type SettleOptions, waitForQuiet } from './wait-for-quiet.ts';

/** 30 looks a second. */
const POLL_MS = 33;

/**
 * Screen changes by comparing pictures, for systems that do not announce them. Looks only while
 * somebody waits, so what happened before the first look of a `settle` is seen as one change.
 */
export class PollScreenActivity implements ScreenActivity {
  readonly #capture: ScreenCapture;
  readonly #region: () => Promise<Rect>;
  readonly #now: () => number;
  readonly #history = new ChangeHistory();
  readonly #memory = new FrameMemory();
  #disposed = false;

  /** @param parts.region what to watch, desktop space; asked at each look, since displays come and go. */
  constructor(parts: { capture: ScreenCapture; region: () => Promise<Rect>; now?: () => number }) {
    this.#capture = parts.capture;
    this.#region = parts.region;
    this.#now = parts.now ?? (() => performance.now());
  }

  mark(): void {
    this.#history.mark(this.#now());
  }

  changedAfterMs(): number | null {
    return this.#history.changedAfterMs(this.#now());
  }

  tookClockForAnswer(): boolean {
    return this.#history.tookClockForAnswer(this.#now());
  }

  async settle(options: SettleOptions, stop: { signal: AbortSignal }): Promise<Settled> {
    const settled = await waitForQuiet(
      this.#history,
      options,
      { look: () => this.#look(stop), now: this.#now, stepMs: POLL_MS },
      stop,
    );
    this.#history.decide(this.#now());
    return settled;
  }

  async #look(stop: { signal: AbortSignal }): Promise<void> {
    if (this.#disposed) throw new Error('the activity watcher was closed');
    const region = await this.#region();
    const image = await this.#capture.grab(region, stop);
    const difference = this.#memory.compare(image);
    if (difference !== null && difference.bounds !== null) {
      const { x, y, width, height } = difference.bounds;
      this.#history.add({ x: x + region.x, y: y + region.y, width, height }, this.#now());
    }
    if (difference === null || difference.changedPixels > 0) this.#memory.remember(image);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#memory.forget();
  }
}
