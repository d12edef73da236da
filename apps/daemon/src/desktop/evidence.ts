import { sleep } from '@deskhand/base';
import {
  intersection,
  type Operation,
  type Outcome,
  type Point,
  type Rect,
  union,
  type WindowInfo,
} from '@deskhand/protocol';
import { FEEDBACK_REACH_PX, type FrameMemory, withoutAll } from '../capture/index.ts';
import type { ElementFacts, RawImage, Settled } from '../ports.ts';
import type { DesktopSenses } from './desktop-senses.ts';

const NEAR_PX = 48;
/** A text cursor that blinks: too narrow for a letter. */
const CARET_MAX_WIDTH_PX = 3;
/** Changed share of the screen that a clock or a blinking cursor does not reach. */
const CONSIDERABLE = 0.001;

/** How long a click into a field waits to be told that the field has the focus, and how often it asks. */
const TELLS_FOCUS_MS = 250;
const ASK_FOCUS_MS = 20;

/** What is different after an operation. */
export type Seen = Readonly<{
  evidence: NonNullable<Outcome['evidence']>;
  /** Nothing wider than a text cursor changed. */
  onlyCaret: boolean;
  /** Nothing but a small thing under the pointer, as a look of being pressed or pointed at is. */
  onlyFeedback: boolean;
  /** Whether some of the change lies in the window that got the input. */
  inReceiver: boolean;
  /** What the pointer was on, where its application tells: whether it can be used, and whether it is made to be. */
  target: Readonly<{ enabled: boolean; usable: boolean }> | null;
  /** Whether what was clicked has the focus now and had it not before; that something else lost it proves nothing. */
  focusArrived: boolean;
  /** Whether what has the focus is a field whose text is known, before and after. */
  fieldKnown: boolean;
}>;

/** What applications and the window manager say at one moment. */
type Facts = Readonly<{
  active: WindowInfo | null;
  focused: ElementFacts | null;
  under: ElementFacts | null;
}>;

type Senses = Pick<DesktopSenses, 'capture' | 'elements' | 'windows'>;

type BeforeParts = Readonly<{
  senses: Senses;
  /** What is compared, desktop space. */
  region: Rect;
  memory: FrameMemory;
  /** The window that will get the input. */
  receiver: WindowInfo | null;
  /** Where the pointer was a moment ago, if what lights up or goes dark under it may not have done so yet. */
  cameFrom?: Point | null;
}>;

/** The desktop just before an operation. */
export class Before {
  readonly #senses: Senses;
  readonly #region: Rect;
  readonly #memory: FrameMemory;
  readonly #active: WindowInfo | null;
  readonly #receiver: WindowInfo | null;
  readonly #focused: ElementFacts | null;
  readonly #under: ElementFacts | null;
  readonly #cameFrom: Point | null;
  #arrived: ElementFacts | null = null;

  private constructor(parts: BeforeParts, facts: Facts) {
    this.#senses = parts.senses;
    this.#region = parts.region;
    this.#memory = parts.memory;
    this.#receiver = parts.receiver;
    this.#active = facts.active;
    this.#focused = facts.focused;
    this.#under = facts.under;
    this.#cameFrom = parts.cameFrom ?? null;
  }

  /**
   * What is said of where the input will go; may be asked while the pointer is still on its way.
   * @param target desktop point of a pointer action.
   */
  static ask(parts: BeforeParts, target: Point | null, signal: AbortSignal): Promise<Facts> {
    const asked = factsNow(parts.senses, parts.receiver, target, signal);
    asked.catch(() => {});
    return asked;
  }

  /** The rest, to be asked last. */
  static async look(parts: BeforeParts, asked: Promise<Facts>, signal: AbortSignal): Promise<Before> {
    const { senses, region, memory } = parts;
    const [facts, active] = await Promise.all([asked, senses.windows.activeWindow().catch(() => null)]);
    memory.remember(await senses.capture.grab(region, { signal }));
    return new Before(parts, { ...facts, active });
  }

  /** Whether what was clicked takes text, had the focus elsewhere before and has it now: its application says so. */
  async focusArrived(signal: AbortSignal): Promise<boolean> {
    const { elements } = this.#senses;
    const clicked = this.#under;
    if (clicked === null || this.#receiver === null || !clicked.states.includes('editable')) return false;
    if (clicked.id === this.#focused?.id) return false;
    const focused = (await elements?.focused?.(this.#receiver, { signal }).catch(() => null)) ?? null;
    this.#arrived = focused?.id === clicked.id ? focused : null;
    return this.#arrived !== null;
  }

  /**
   * Whether a field, a box or another thing that holds a state of its own was clicked, and says now that its state, its
   * value or its focus is another one than before. What a button does shows elsewhere: it tells nothing by that.
   */
  async clickedTells(target: Point, signal: AbortSignal): Promise<boolean> {
    const clicked = this.#under;
    if (clicked === null || this.#receiver === null) return false;
    if (!HOLDS_STATE.has(clicked.role) && !clicked.states.includes('editable')) return false;
    const { focused, under } = await factsNow(this.#senses, this.#receiver, target, signal);
    if (under?.id !== clicked.id && focused?.id !== clicked.id) return false;
    const arrived = focused?.id === clicked.id && this.#focused?.id !== clicked.id;
    return (arrived && clicked.states.includes('editable')) || differs(clicked, under);
  }

  /** @param settled how the wait ended that came between. */
  async compare(target: Point | null, settled: Settled, signal: AbortSignal): Promise<Seen> {
    const { active, focused, under } = await this.#factsAfter(target, signal);
    const focusMoved = focused !== null && this.#focused !== null && focused.id !== this.#focused.id;
    const focusArrived = focusMoved && focused.id === under?.id;
    const image = await this.#senses.capture.grab(this.#region, { signal });
    const change = this.#changeIn(settled, image, target, focusArrived ? [] : this.#pointedAt(target));
    const windowChanged =
      (active?.id ?? null) !== (this.#active?.id ?? null) ||
      (active?.title ?? null) !== (this.#active?.title ?? null);
    const fieldKnown =
      focused?.value != null && focused.id === this.#focused?.id && this.#focused.value !== null;
    return {
      onlyCaret: (change.bounds?.width ?? 0) <= CARET_MAX_WIDTH_PX,
      onlyFeedback: settled.answerMs === null,
      inReceiver:
        change.bounds === null ||
        this.#receiver === null ||
        intersection(change.bounds, this.#receiver.bounds) !== null,
      target:
        this.#under === null ? null : { enabled: isEnabled(this.#under), usable: isUsable(this.#under) },
      focusArrived,
      fieldKnown,
      evidence: {
        changedFraction: change.fraction,
        ...(target === null ? {} : { changedNearTarget: change.near }),
        focusChanged: (active?.id ?? null) !== (this.#active?.id ?? null) || focusMoved,
        windowChanged,
        ...(fieldKnown || (under !== null && under.id === this.#under?.id)
          ? { valueChanged: differs(this.#focused, focused) || differs(this.#under, under) }
          : {}),
        ...(this.#under === null ? {} : { targetEnabled: isEnabled(this.#under) }),
      },
    };
  }

  /** What was clicked told a moment ago that it has the focus now: nothing more is asked of its application. */
  async #factsAfter(target: Point | null, signal: AbortSignal): Promise<Facts> {
    if (this.#cameFrom !== null) await this.#untilFocusArrived(signal);
    const arrived = this.#arrived;
    if (arrived === null) return factsNow(this.#senses, this.#receiver, target, signal);
    const active = await this.#senses.windows.activeWindow().catch(() => null);
    return { active, focused: arrived, under: arrived };
  }

  /** The focus is all that proves such a click: applications tell of it a little later than they paint. */
  async #untilFocusArrived(signal: AbortSignal): Promise<void> {
    const giveUpMs = performance.now() + TELLS_FOCUS_MS;
    while (this.#arrived === null && !(await this.focusArrived(signal)) && performance.now() < giveUpMs)
      await sleep(ASK_FOCUS_MS, { signal });
  }

  /** What may light up or go dark because the pointer came and went, and for no other reason. */
  #pointedAt(target: Point | null): Rect[] {
    if (this.#cameFrom === null || target === null) return [];
    const { x: reach, y: rise } = FEEDBACK_REACH_PX;
    return [target, this.#cameFrom].map(({ x, y }) => ({
      x: x - reach,
      y: y - rise,
      width: 2 * reach + 1,
      height: 2 * rise + 1,
    }));
  }

  /** Pixels that really differ, in the places that changed, but where something moves on its own. */
  #changeIn(
    { places, moving }: Settled,
    image: RawImage,
    target: Point | null,
    pointedAt: readonly Rect[],
  ): { fraction: number; near: boolean; bounds: Rect | null } {
    const { x, y, width, height } = this.#region;
    const around =
      target === null
        ? null
        : {
            x: target.x - x - NEAR_PX,
            y: target.y - y - NEAR_PX,
            width: 2 * NEAR_PX + 1,
            height: 2 * NEAR_PX + 1,
          };
    const holes = [...moving, ...pointedAt].map((rect) => ({ ...rect, x: rect.x - x, y: rect.y - y }));
    let pixels = 0;
    let near = false;
    let bounds: Rect | null = null;
    for (const place of places) {
      for (const here of withoutAll([{ ...place, x: place.x - x, y: place.y - y }], holes)) {
        const difference = this.#memory.compare(image, here);
        if (difference === null || difference.bounds === null) continue;
        pixels += difference.changedPixels;
        bounds = bounds === null ? difference.bounds : union(bounds, difference.bounds);
        const close = around === null ? null : intersection(here, around);
        near ||= close !== null && (this.#memory.compare(image, close)?.changedPixels ?? 0) > 0;
      }
    }
    return {
      fraction: Math.min(1, pixels / (width * height)),
      near,
      bounds: bounds === null ? null : { ...bounds, x: bounds.x + x, y: bounds.y + y },
    };
  }
}

/** Whether a click there is proved by the focus alone: a field that takes text, of an application that tells who has it. */
export function takesFocus({ focused, under }: Facts): boolean {
  if (focused === null || under === null || focused.id === under.id) return false;
  return (
    under.role === 'text_field' && ['editable', 'enabled'].every((state) => under.states.includes(state))
  );
}

/** What is set or chosen by a click on it. */
const HOLDS_STATE: ReadonlySet<string> = new Set([
  ...['check_box', 'radio_button', 'switch', 'slider', 'combo_box'],
]);

/** A field that may only be read can be clicked into all the same. */
function isEnabled({ states }: ElementFacts): boolean {
  return states.includes('enabled') || states.includes('read_only');
}

async function factsNow(
  senses: Senses,
  receiver: WindowInfo | null,
  target: Point | null,
  signal: AbortSignal,
): Promise<Facts> {
  const { elements, windows } = senses;
  const options = { signal };
  const [active, focused, under] = await Promise.all([
    windows.activeWindow().catch(() => null),
    receiver === null ? null : elements?.focused?.(receiver, options).catch(() => null),
    receiver === null || target === null
      ? null
      : elements?.elementAt?.(receiver, target, options).catch(() => null),
  ]);
  return { active, focused: focused ?? null, under: under ?? null };
}

/** The same thing, and it says something else of itself now; what the pointer or the focus does to it does not count. */
function differs(before: ElementFacts | null, after: ElementFacts | null): boolean {
  if (before === null || after === null || before.id !== after.id) return false;
  const own = (facts: ElementFacts) => facts.states.filter((state) => state !== 'focused').join();
  return before.value !== after.value || own(before) !== own(after);
}

const NOT_MADE_FOR_USE: ReadonlySet<string> = new Set([
  ...['panel', 'label', 'text', 'paragraph', 'heading', 'document', 'window', 'section', 'image', 'landmark'],
  ...['status_bar', 'tool_bar', 'menu_bar', 'form', 'group', 'article', 'separator'],
]);

function isUsable({ role, states }: ElementFacts): boolean {
  return !NOT_MADE_FOR_USE.has(role) || states.includes('focusable') || states.includes('editable');
}

/** Judges an operation that hands or a tool have done; refused and failed ones keep their word. */
export function judge(operation: Operation, done: Outcome, seen: Seen): Outcome {
  if (done.status === 'refused' || done.status === 'failed') return done;
  const evidence = { ...done.evidence, ...seen.evidence };
  const outcome = { ...done, evidence };
  if (done.status === 'confirmed') return outcome;
  const { changedFraction = 0, windowChanged, valueChanged } = evidence;
  if (windowChanged === true) return { ...outcome, status: 'confirmed' };
  const visible = changedFraction > 0 && !seen.onlyCaret && seen.inReceiver;
  switch (operation.type) {
    case 'click':
    case 'drag':
    case 'scroll': {
      if (seen.target?.enabled === false && valueChanged !== true)
        return { ...outcome, status: 'no_effect', message: 'What lies there is disabled.' };
      // Somebody else holds the pointer: what changed may be their menu that went away.
      if (evidence.pointerHeldByOther === true) return { ...outcome, status: 'unverified' };
      if (valueChanged === true || (operation.type === 'click' && seen.focusArrived))
        return { ...outcome, status: 'confirmed' };
      if (visible && isAnswer(operation, seen)) return { ...outcome, status: 'confirmed' };
      return { ...outcome, status: changedFraction === 0 ? 'no_effect' : 'unverified' };
    }
    case 'type_text':
    case 'key_press':
    case 'key_combo':
      if (valueChanged === true || visible) return { ...outcome, status: 'confirmed' };
      // A field that tells its text, and told the same before and after, got none.
      if (operation.type === 'type_text' && seen.fieldKnown && changedFraction === 0)
        return { ...outcome, status: 'no_effect' };
      // Copying leaves no visible trace, nor does a password prompt: nothing seen proves nothing.
      return { ...outcome, status: 'unverified' };
    default:
      return outcome;
  }
}

/** A pressed look on something that is there to be pressed counts; on plain text it may be no more than a hover. */
function isAnswer(operation: Operation, { evidence, onlyFeedback, target }: Seen): boolean {
  const near = evidence.changedNearTarget === true;
  if (operation.type === 'click' && onlyFeedback) return near && target?.usable !== false;
  return near || (evidence.changedFraction ?? 0) > CONSIDERABLE;
}
