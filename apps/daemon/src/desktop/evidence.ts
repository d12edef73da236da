import type { Operation, Outcome, Point, Rect, WindowInfo } from '@deskhand/protocol';
import type { FrameMemory } from '../capture/index.ts';
import type { DesktopSenses } from './desktop-senses.ts';

const NEAR_PX = 48;
/** A text cursor that blinks: too narrow for a letter. */
const CARET_MAX_WIDTH_PX = 3;
/** Changed share of the screen that a clock or a blinking cursor does not reach. */
const CONSIDERABLE = 0.001;

/** The desktop just before an operation. */
export class Before {
  readonly #senses: DesktopSenses;
  readonly #region: Rect;
  readonly #memory: FrameMemory;
  readonly #activeId: string | null;
  readonly #activeTitle: string | null;

  private constructor(senses: DesktopSenses, region: Rect, memory: FrameMemory, active: WindowInfo | null) {
    this.#senses = senses;
    this.#region = region;
    this.#memory = memory;
    this.#activeId = active?.id ?? null;
    this.#activeTitle = active?.title ?? null;
  }

  static async look(
    senses: DesktopSenses,
    region: Rect,
    memory: FrameMemory,
    signal: AbortSignal,
  ): Promise<Before> {
    const active = await senses.windows.activeWindow().catch(() => null);
    memory.remember(await senses.capture.grab(region, { signal }));
    return new Before(senses, region, memory, active);
  }

  /** What is different now. @param target desktop point of a pointer action. */
  async compare(
    target: Point | null,
    signal: AbortSignal,
  ): Promise<{ evidence: NonNullable<Outcome['evidence']>; onlyCaret: boolean }> {
    const active = await this.#senses.windows.activeWindow().catch(() => null);
    const image = await this.#senses.capture.grab(this.#region, { signal });
    const difference = this.#memory.compare(image);
    const near =
      target === null
        ? null
        : this.#memory.changedNear(
            image,
            { x: target.x - this.#region.x, y: target.y - this.#region.y, width: 1, height: 1 },
            NEAR_PX,
          );
    return {
      onlyCaret: (difference?.bounds?.width ?? 0) <= CARET_MAX_WIDTH_PX,
      evidence: {
        ...(difference === null ? {} : { changedFraction: difference.changedFraction }),
        ...(near === null ? {} : { changedNearTarget: near }),
        focusChanged: (active?.id ?? null) !== this.#activeId,
        windowChanged:
          (active?.id ?? null) !== this.#activeId || (active?.title ?? null) !== this.#activeTitle,
      },
    };
  }
}

/** Judges an operation that hands or a tool have done; refused and failed ones keep their word. */
export function judge(
  operation: Operation,
  done: Outcome,
  seen: { evidence: NonNullable<Outcome['evidence']>; onlyCaret: boolean },
): Outcome {
  if (done.status === 'refused' || done.status === 'failed') return done;
  const evidence = { ...done.evidence, ...seen.evidence };
  const outcome = { ...done, evidence };
  if (done.status === 'confirmed') return outcome;
  const { changedFraction = 0, changedNearTarget, windowChanged } = evidence;
  if (windowChanged === true) return { ...outcome, status: 'confirmed' };
  const visible = changedFraction > 0 && !seen.onlyCaret;
  switch (operation.type) {
    case 'click':
    case 'drag':
    case 'scroll':
      if (visible && (changedNearTarget === true || changedFraction > CONSIDERABLE))
        return { ...outcome, status: 'confirmed' };
      return { ...outcome, status: changedFraction === 0 ? 'no_effect' : 'unverified' };
    case 'type_text':
    case 'key_press':
    case 'key_combo':
      // Copying leaves no visible trace, nor does a password prompt: nothing seen proves nothing.
      return { ...outcome, status: visible ? 'confirmed' : 'unverified' };
    default:
      return outcome;
  }
}
