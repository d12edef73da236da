import { OPERATION_TRAITS, type OperationType } from '@deskhand/protocol';
import type { SettleWish } from './observe.ts';

type SettleKind = (typeof OPERATION_TRAITS)[OperationType]['settle'];

/**
 * How long to look after each kind of operation. The floor is what an application needs to begin reacting;
 * the quiet time must outlast the gap between two steps of a fade or of a page that builds itself.
 */
const WISHES: Readonly<Record<SettleKind, SettleWish>> = {
  none: { floorMs: 0, quietMs: 0, ceilingMs: 0 },
  pointer: { floorMs: 40, quietMs: 100, ceilingMs: 3000 },
  keyboard: { floorMs: 30, quietMs: 80, ceilingMs: 3000 },
  scroll: { floorMs: 60, quietMs: 120, ceilingMs: 2000 },
  navigation: { floorMs: 150, quietMs: 200, ceilingMs: 8000 },
};

/** Between two operations of one command the picture is not looked at: only the focus must have arrived. */
const BETWEEN_CEILING_MS = 600;

export function settleAfter(type: OperationType, askedCeilingMs: number | null): SettleWish | null {
  const { settle } = OPERATION_TRAITS[type];
  if (settle === 'none') return null;
  const wish = WISHES[settle];
  if (askedCeilingMs === null)
    return {
      ...wish,
      quietMs: Math.min(wish.quietMs, 60),
      ceilingMs: Math.min(wish.ceilingMs, BETWEEN_CEILING_MS),
    };
  return { ...wish, ceilingMs: Math.min(wish.ceilingMs, askedCeilingMs) };
}
