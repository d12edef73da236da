import { OPERATION_TRAITS, type OperationType } from '@deskhand/protocol';
import type { Settled } from '../ports.ts';

type SettleKind = (typeof OPERATION_TRAITS)[OperationType]['settle'];

/** How long to look after an operation; see `ScreenActivity.settle`. Milliseconds. */
export type SettleWish = Readonly<{ floorMs: number; answerMs: number; quietMs: number; ceilingMs: number }>;

/** Where an operation went: what was learnt at one page says little about another. */
export type SettlePlace = Readonly<{ application: string; title: string }> | null;

/**
 * What is right before anything is known. The floor is what an application needs to begin; the answer is waited for
 * while nothing happens, or nothing but a button that looks pressed; the quiet time must outlast the gap between two
 * steps of a fade or of a page that builds itself.
 */
const FIRST: Readonly<Record<SettleKind, SettleWish>> = {
  none: { floorMs: 0, answerMs: 0, quietMs: 0, ceilingMs: 0 },
  pointer: { floorMs: 40, answerMs: 250, quietMs: 100, ceilingMs: 3000 },
  keyboard: { floorMs: 30, answerMs: 250, quietMs: 80, ceilingMs: 3000 },
  scroll: { floorMs: 60, answerMs: 250, quietMs: 120, ceilingMs: 2000 },
  navigation: { floorMs: 150, answerMs: 300, quietMs: 200, ceilingMs: 8000 },
};

/** Between two operations of one command the picture is not looked at: only the focus must have arrived. */
const BETWEEN_CEILING_MS = 600;
const BETWEEN_QUIET_MS = 60;

const LEAST = { answerMs: 250, quietMs: 60, ceilingMs: 1500 } as const;
const MOST = { answerMs: 1500, quietMs: 1200 } as const;
/** What was enough so many times may be shortened; one surprise lengthens at once. */
const SHORTEN_AFTER = 3;
/** How much of a surplus one good ending takes away. */
const SHORTEN_BY = 0.3;
/** A change later than this belongs to something else: a person, a clock, the next news. */
const LATE_WITHIN_MS = 1200;
/** A ceiling of so many times what the longest needed, and a second on top. */
const CEILING_TIMES = 3;
const CEILING_MORE_MS = 1000;
const KEPT_PLACES = 200;

type Learnt = { times: number; answerMs: number; quietMs: number; longestMs: number };

/** Learns from each operation how long the next one of its kind at its place has to be looked at. Memory only. */
export class SettleMemory {
  /** By kind, application and title; the latest last. */
  readonly #learnt = new Map<string, Learnt>();
  /** What a late change has just replaced. */
  #before = new Map<string, Learnt | undefined>();
  #last: { type: OperationType; place: SettlePlace; wish: SettleWish; settled: Settled } | null = null;

  /** @param askedCeilingMs null between two operations of one command. @returns null where there is nothing to wait for. */
  wish(type: OperationType, place: SettlePlace, askedCeilingMs: number | null): SettleWish | null {
    const { settle: kind } = OPERATION_TRAITS[type];
    if (kind === 'none') return null;
    const first = FIRST[kind];
    if (askedCeilingMs === null)
      return {
        floorMs: first.floorMs,
        answerMs: first.floorMs,
        quietMs: Math.min(first.quietMs, BETWEEN_QUIET_MS),
        ceilingMs: Math.min(first.ceilingMs, BETWEEN_CEILING_MS),
      };
    const { answerMs, quietMs, ceilingMs } = this.#known(type, place);
    return { floorMs: first.floorMs, answerMs, quietMs, ceilingMs: Math.min(ceilingMs, askedCeilingMs) };
  }

  /** How a wait with a wish of this memory ended. */
  ended(type: OperationType, place: SettlePlace, wish: SettleWish, settled: Settled): void {
    this.#last = { type, place, wish, settled };
  }

  /**
   * Before the next operation: what became of the last decision.
   * @param changedAfterMs how long after it something changed after all, or null.
   */
  next(changedAfterMs: number | null): void {
    const last = this.#last;
    this.#last = null;
    this.#before.clear();
    if (last === null) return;
    const { type, place, wish, settled } = last;
    const { settle: kind } = OPERATION_TRAITS[type];
    const late = changedAfterMs !== null && changedAfterMs <= LATE_WITHIN_MS ? changedAfterMs : null;
    for (const key of keysOf(type, place)) {
      const before = this.#learnt.get(key);
      const known = before ?? fresh(kind);
      if (late !== null) this.#before.set(key, before);
      this.#learnt.delete(key);
      this.#learnt.set(key, learn(known, { kind, wish, settled, late }));
    }
    for (const key of this.#learnt.keys()) {
      if (this.#learnt.size <= KEPT_PLACES) break;
      this.#learnt.delete(key);
    }
  }

  /** The late change that was last told was none of the operation's: what it taught is forgotten. */
  unlearn(): void {
    for (const [key, before] of this.#before) {
      if (before === undefined) this.#learnt.delete(key);
      else this.#learnt.set(key, before);
    }
    this.#before.clear();
  }

  #known(type: OperationType, place: SettlePlace): SettleWish {
    const first = FIRST[OPERATION_TRAITS[type].settle];
    const [here = '', application = ''] = keysOf(type, place);
    const known = this.#learnt.get(here);
    if (known === undefined) {
      // Another page of a slow application is slow too; of a quick one nobody knows.
      const { answerMs, quietMs } = this.#learnt.get(application) ?? first;
      return {
        ...first,
        answerMs: Math.max(first.answerMs, answerMs),
        quietMs: Math.max(first.quietMs, quietMs),
      };
    }
    const sure = known.times >= SHORTEN_AFTER;
    const atLeast = (value: number, before: number) => (sure ? value : Math.max(value, before));
    return {
      floorMs: first.floorMs,
      answerMs: atLeast(known.answerMs, first.answerMs),
      quietMs: atLeast(known.quietMs, first.quietMs),
      ceilingMs: sure
        ? clamp(known.longestMs * CEILING_TIMES + CEILING_MORE_MS, LEAST.ceilingMs, first.ceilingMs)
        : first.ceilingMs,
    };
  }
}

function learn(
  known: Learnt,
  {
    kind,
    wish,
    settled,
    late,
  }: { kind: SettleKind; wish: SettleWish; settled: Settled; late: number | null },
): Learnt {
  const first = FIRST[kind];
  // It never became quiet: whatever was learnt about quiet here is of no use.
  if (settled.reason === 'ceiling') return { ...fresh(kind), times: 0, longestMs: first.ceilingMs };
  // Nothing came, and nothing came later either: no reason to wait longer than for a stranger.
  let answerNeededMs = settled.answerMs === null ? first.answerMs : settled.answerMs * 1.5 + 60;
  let quietNeededMs = settled.longestGapMs * 1.35 + 30;
  if (late !== null) {
    if (settled.answerMs === null) answerNeededMs = (settled.settledMs + late) * 1.2;
    else quietNeededMs = (wish.quietMs + late) * 1.2;
  }
  return {
    times: late === null ? known.times + 1 : 0,
    answerMs: towards(known.answerMs, clamp(answerNeededMs, LEAST.answerMs, MOST.answerMs)),
    quietMs: towards(known.quietMs, clamp(quietNeededMs, LEAST.quietMs, MOST.quietMs)),
    longestMs: Math.max(settled.settledMs + (late ?? 0), known.longestMs * (1 - SHORTEN_BY)),
  };
}

/** Up at once, down by and by. */
function towards(value: number, needed: number): number {
  return needed >= value ? needed : value - (value - needed) * SHORTEN_BY;
}

function fresh(kind: SettleKind): Learnt {
  const { answerMs, quietMs } = FIRST[kind];
  return { times: 0, answerMs, quietMs, longestMs: 0 };
}

/**
 * The place itself, then its application. Typed text is learnt apart from keys: how a dialog opened after Ctrl+O says
 * nothing about letters.
 */
function keysOf(type: OperationType, place: SettlePlace): [here: string, application: string] {
  const { application, title } = place ?? { application: '', title: '' };
  const kind = type === 'type_text' ? 'text' : OPERATION_TRAITS[type].settle;
  return [JSON.stringify([kind, application, title]), JSON.stringify([kind, application])];
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
