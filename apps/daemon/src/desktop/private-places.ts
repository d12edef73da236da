import { contains, type Point, ProtocolError, type Rect, type WindowInfo } from '@deskhand/protocol';
import { nameFits } from '../policy/plain-name.ts';
import type { WindowSystem } from '../ports.ts';

/** What the person marked private: windows by application or title, places of the desktop. */
export type PrivateRules = Readonly<{ windows: readonly string[]; regions: readonly Rect[] }>;

/** Where the person's private things are now, so that no picture, word or element of them leaves this desktop. */
export class PrivatePlaces {
  readonly #rules: () => PrivateRules;
  readonly #windows: WindowSystem;

  constructor(rules: () => PrivateRules, windows: WindowSystem) {
    this.#rules = rules;
    this.#windows = windows;
  }

  /** Whether anything is marked at all. */
  get any(): boolean {
    const { windows, regions } = this.#rules();
    return windows.length > 0 || regions.length > 0;
  }

  hides(window: WindowInfo | null): boolean {
    if (window === null) return false;
    return this.#rules().windows.some(
      (pattern) => nameFits(pattern, window.application) || nameFits(pattern, window.title),
    );
  }

  hidesPoint(point: Point): boolean {
    return this.#rules().regions.some((region) => contains(region, point));
  }

  /**
   * All of a private window, also what others cover of it: rather too much than too little.
   * @throws ProtocolError CAPTURE_FAILED when windows are marked and cannot be found out.
   */
  async places(): Promise<readonly Rect[]> {
    const { windows, regions } = this.#rules();
    if (windows.length === 0) return regions;
    try {
      const all = await this.#windows.windows();
      return [
        ...regions,
        ...all.filter((window) => !window.minimized && this.hides(window)).map(({ bounds }) => bounds),
      ];
    } catch (cause) {
      throw new ProtocolError(
        'CAPTURE_FAILED',
        'Windows are marked private and cannot be found now, so no picture is taken.',
        {},
        { cause },
      );
    }
  }
}
