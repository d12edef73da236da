import type { OperationType, Point } from '@deskhand/protocol';
import type { EarlyListener, Settled } from '../ports.ts';
import type { DesktopSenses } from './desktop-senses.ts';
import { SettleMemory, type SettlePlace } from './settle-wishes.ts';

/** Nothing was just done: a short look is enough to catch a screen in motion. */
const PLAIN_LOOK = { floorMs: 0, answerMs: 0, quietMs: 60 } as const;
/** What lights up under the pointer does so with the next frame; what fades changes with each. */
const HOVER = { floorMs: 20, answerMs: 20, quietMs: 28, ceilingMs: 150 } as const;

type SettleHints = Readonly<{
  arrived?: () => Promise<boolean>;
  told?: () => Promise<boolean>;
  early?: EarlyListener;
}>;

type Senses = Pick<DesktopSenses, 'activity' | 'browser' | 'elements' | 'windows'>;

/** Waits for the screen to come to rest, for as long as the last operations of the kind needed at that place. */
export class Settling {
  readonly #senses: Senses;
  readonly #memory = new SettleMemory();

  constructor(senses: Senses) {
    this.#senses = senses;
  }

  /** A new operation comes: what happened since the last decision is learnt from. */
  next(): void {
    const { activity } = this.#senses;
    if (activity.tookClockForAnswer()) this.#memory.unlearn();
    this.#memory.next(activity.changedAfterMs());
  }

  /** Right before the input: from here on changes are its effects. */
  begin(): void {
    this.#senses.activity.mark();
  }

  /** The pointer was moved and nothing pressed. */
  afterApproach(signal: AbortSignal): Promise<Settled> {
    return this.#wait(HOVER, signal);
  }

  /** Nothing was done: whether the screen is in motion. */
  look(ceilingMs: number, signal: AbortSignal): Promise<Settled> {
    return this.#wait({ ...PLAIN_LOOK, ceilingMs }, signal);
  }

  /**
   * @param where.target what was clicked, desktop space.
   * @param where.ceilingMs null between two operations of one command.
   * @param hints.arrived whether what the next operation of the command needs is there already.
   * @param hints.told whether what was clicked says of itself that it changed.
   * @param hints.early is told when it will be quiet soon.
   * @returns null where the operation is not waited for.
   */
  async after(
    type: OperationType,
    where: Readonly<{ place: SettlePlace; target: Point | null; ceilingMs: number | null }>,
    signal: AbortSignal,
    hints: SettleHints = {},
  ): Promise<Settled | null> {
    const { place, target, ceilingMs } = where;
    const wish = this.#memory.wish(type, place, ceilingMs);
    if (wish === null) return null;
    const settled = await this.#wait({ ...wish, target, ...hints }, signal);
    if (ceilingMs !== null) this.#memory.ended(type, place, wish, settled);
    return settled;
  }

  #wait(wish: Parameters<DesktopSenses['activity']['settle']>[0], signal: AbortSignal): Promise<Settled> {
    return this.#senses.activity.settle({ ...wish, stillLoading: () => this.#stillLoading() }, { signal });
  }

  /** Whether the page we drive loads, or the window in front says of itself that it is busy. Nobody knows: no. */
  async #stillLoading(): Promise<boolean> {
    const { browser, elements, windows } = this.#senses;
    if (browser !== null && (await browser.loading())) return true;
    if (elements?.isBusy === undefined) return false;
    const active = await windows.activeWindow().catch(() => null);
    return active !== null && (await elements.isBusy(active));
  }
}
