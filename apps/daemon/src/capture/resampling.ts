/** Which source places one output place is made of. */
export type Taps = Readonly<{ start: number; weights: readonly number[] }>;

/**
 * From this reduction on a plain average is as good and much cheaper: every output pixel already covers several
 * source pixels, and the lobes of a cubic would only ring.
 */
const AVERAGE_FROM = 2.5;

/**
 * Weights for shrinking (or copying) one axis; each entry sums to 1.
 * Catmull-Rom, whose lobes keep text crisp; an exact area average for strong reductions.
 */
export function resamplingTaps(source: number, target: number): Taps[] {
  const ratio = source / target;
  const taps: Taps[] = [];
  for (let index = 0; index < target; index += 1) {
    if (ratio >= AVERAGE_FROM) taps.push(areaTaps(index, ratio, source));
    else taps.push(cubicTaps((index + 0.5) * ratio - 0.5, Math.max(1, ratio), source));
  }
  return taps;
}

function areaTaps(index: number, ratio: number, source: number): Taps {
  const from = index * ratio;
  const to = Math.min(source, from + ratio);
  const start = Math.floor(from);
  const weights: number[] = [];
  for (let place = start; place < Math.min(source, Math.ceil(to)); place += 1)
    weights.push((Math.min(to, place + 1) - Math.max(from, place)) / (to - from));
  return { start, weights };
}

function cubicTaps(center: number, stretch: number, source: number): Taps {
  const reach = 2 * stretch;
  const first = Math.ceil(center - reach);
  const last = Math.floor(center + reach);
  // Places beyond the edge count for the edge itself.
  const byPlace = new Map<number, number>();
  let sum = 0;
  for (let place = first; place <= last; place += 1) {
    const weight = catmullRom(Math.abs(place - center) / stretch);
    const inside = Math.min(source - 1, Math.max(0, place));
    byPlace.set(inside, (byPlace.get(inside) ?? 0) + weight);
    sum += weight;
  }
  const start = Math.max(0, first);
  const weights: number[] = [];
  for (let place = start; place <= Math.min(source - 1, last); place += 1)
    weights.push((byPlace.get(place) ?? 0) / sum);
  return { start, weights };
}

function catmullRom(distance: number): number {
  if (distance < 1) return 1.5 * distance ** 3 - 2.5 * distance ** 2 + 1;
  if (distance < 2) return -0.5 * distance ** 3 + 2.5 * distance ** 2 - 4 * distance + 2;
  return 0;
}

/** Weights as whole numbers that sum to exactly `one`: rounded, the rest given to those that rounding wronged most. */
export function quantize(weights: readonly number[], one: number): number[] {
  const whole = weights.map((weight) => Math.round(weight * one));
  const rest = one - whole.reduce((sum, weight) => sum + weight, 0);
  const step = Math.sign(rest);
  const wronged = weights
    .map((weight, index) => ({ index, by: (weight * one - (whole[index] as number)) * step }))
    .sort((a, b) => b.by - a.by);
  for (const { index } of wronged.slice(0, Math.abs(rest))) whole[index] = (whole[index] as number) + step;
  return whole;
}
