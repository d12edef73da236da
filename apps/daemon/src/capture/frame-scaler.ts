import type { Size } from '@deskhand/protocol';
import type { Rows } from '../ports.ts';
import { quantize, resamplingTaps } from './resampling.ts';
import {
  createMemory,
  createScaleKernel,
  HORIZONTAL_ONE,
  type ScaleKernel,
  VERTICAL_ONE,
} from './scale-kernel.ts';

const PAGE_BYTES = 65_536;
/** Loads and stores of whole vectors may touch this much beyond a picture. */
const SLACK_BYTES = 64;
/** A band of source rows of about this size is at work at a time: it stays in a core's cache, a picture would not. */
const BAND_BYTES = 512 * 1024;

/** Where everything lies in the kernel's memory for one pair of sizes. */
type Plan = Readonly<{
  key: string;
  source: Size;
  target: Size;
  /** For the columns, and for pictures that are not scaled. */
  kernel: ScaleKernel;
  bands: readonly Band[];
  starts: number;
  pairWeights: number;
  sums: number;
  sourceAt: number;
  targetAt: number;
  /** Everything below `sums`, as it must be in memory while this plan is at work. */
  tables: Uint8Array;
}>;

/** Neighbouring output rows, and all the source rows they are made of. */
type Band = Readonly<{
  source: Rows;
  target: Rows;
  /** One per output row: how to sum it up, and where the addresses and weights of its source rows lie. */
  rows: ReadonlyArray<{ kernel: ScaleKernel; addresses: number; weights: number }>;
}>;

/** Fills `into` with rows of a picture. */
export type ReadRows = (rows: Rows, into: Uint8Array) => void;

/** Changes rows of a picture before they are scaled: one 0x00RRGGBB word per pixel (the top byte means nothing). */
export type PaintRows = (words: Uint32Array, rows: Rows) => void;

/** Sizes that take turns (a frame for the engine, a thumbnail for the panel) keep their plans. */
const KEPT_PLANS = 8;

/**
 * Turns BGRX pictures into RGB ones, shrunk on the way. Keeps a working memory for one band of the widest picture so
 * far; calls are synchronous, so it may be shared.
 */
export class FrameScaler {
  readonly #memory = createMemory();
  readonly #kernels = new Map<string, ScaleKernel>();
  readonly #plans = new Map<string, Plan>();
  #current: Plan | null = null;

  /**
   * @param rows gives BGRX rows, some twice; asked for before this returns, in bands that stay in a core's cache.
   * @param result receives target width × height × 3 bytes of RGB.
   * @param paint is given every source row at least once, some twice.
   */
  scale(
    rows: ReadRows,
    source: Size,
    target: Size,
    result: Uint8Array,
    paint: PaintRows | null = null,
  ): void {
    const plan = this.#planFor(source, target);
    this.#switchTo(plan);
    const { buffer } = this.#memory;
    const same = source.width === target.width && source.height === target.height;
    for (const band of plan.bands) {
      const { count } = band.source;
      rows(band.source, new Uint8Array(buffer, plan.sourceAt, count * source.width * 4));
      paint?.(new Uint32Array(buffer, plan.sourceAt, count * source.width), band.source);
      if (same) plan.kernel.swizzle(plan.sourceAt, plan.targetAt, Math.ceil((source.width * count) / 4));
      else this.#resample(plan, band);
      const bytes = band.target.count * target.width * 3;
      result.set(new Uint8Array(buffer, plan.targetAt, bytes), band.target.top * target.width * 3);
    }
  }

  #resample(plan: Plan, band: Band): void {
    const blocks = Math.ceil(plan.source.width / 4);
    for (const [y, row] of band.rows.entries()) {
      row.kernel.vertical(row.addresses, plan.sums, blocks, row.weights);
      plan.kernel.horizontal(
        plan.sums,
        plan.targetAt + y * plan.target.width * 3,
        Math.ceil(plan.target.width / 4),
        plan.starts,
        plan.pairWeights,
      );
    }
  }

  #planFor(source: Size, target: Size): Plan {
    const key = `${source.width}x${source.height}>${target.width}x${target.height}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;

    const columns = resamplingTaps(source.width, target.width);
    const rows = resamplingTaps(source.height, target.height);
    // Pairs begin at even places, so a window may start one place early and end one late.
    const pairs = Math.max(
      ...columns.map(({ start, weights }) => Math.ceil((weights.length + (start % 2)) / 2)),
    );
    const sources = rows.map(({ start, weights }) => weighing(start, quantize(weights, VERTICAL_ONE)));
    let next = 0;
    const reserve = (bytes: number) => {
      const at = next;
      next = at + Math.ceil((bytes + SLACK_BYTES) / 16) * 16;
      return at;
    };
    // Pixels come in fours: those beyond the row start anywhere and weigh nothing.
    const places = Math.ceil(columns.length / 4) * 4;
    const starts = reserve(places * 4);
    const pairWeights = reserve(places * pairs * 4);
    const rowPlaces = sources.map((each) => ({
      addresses: reserve(each.length * 4),
      weights: reserve(each.length * 2),
    }));
    const sums = reserve((Math.ceil(source.width / 4) * 4 + 2 * pairs) * 8);
    const bands = cut(sources, Math.ceil(BAND_BYTES / (source.width * 4)));
    const sourceAt = reserve(Math.max(...bands.map((band) => band.source.count)) * source.width * 4);
    const targetAt = reserve(Math.max(...bands.map((band) => band.target.count)) * target.width * 3);
    this.#grow(next);

    const tables = new Uint8Array(sums);
    const view = new DataView(tables.buffer);
    for (const [index, { start, weights }] of columns.entries()) {
      const even = start - (start % 2);
      view.setUint32(starts + index * 4, even * 8, true);
      const whole = quantize(weights, HORIZONTAL_ONE);
      for (let place = 0; place < pairs * 2; place += 1) {
        const weight = whole[place - (start - even)] ?? 0;
        view.setInt16(pairWeights + (index * pairs * 2 + place) * 2, weight, true);
      }
    }
    const planned = bands.map((band): Band => {
      const rows = Array.from({ length: band.target.count }, (_, row) => {
        const place = rowPlaces[band.target.top + row] as (typeof rowPlaces)[number];
        const taps = sources[band.target.top + row] as readonly Weighing[];
        for (const [tap, { row: from, weight }] of taps.entries()) {
          const address = sourceAt + (from - band.source.top) * source.width * 4;
          view.setUint32(place.addresses + tap * 4, address, true);
          view.setInt16(place.weights + tap * 2, weight, true);
        }
        return { kernel: this.#kernelFor(taps.length, pairs), ...place };
      });
      return { ...band, rows };
    });

    const plan: Plan = {
      key,
      source,
      target,
      kernel: this.#kernelFor(1, pairs),
      bands: planned,
      starts,
      pairWeights,
      sums,
      sourceAt,
      targetAt,
      tables,
    };
    const [oldest] = this.#plans.keys();
    if (this.#plans.size >= KEPT_PLANS && oldest !== undefined) this.#plans.delete(oldest);
    this.#plans.set(key, plan);
    return plan;
  }

  #switchTo(plan: Plan): void {
    if (this.#current === plan) return;
    const memory = new Uint8Array(this.#memory.buffer);
    memory.set(plan.tables);
    // Places beyond the end of a row weigh nothing, but must not hold whatever was there before.
    memory.fill(0, plan.sums, plan.sourceAt);
    this.#current = plan;
  }

  #kernelFor(taps: number, pairs: number): ScaleKernel {
    const key = `${taps},${pairs}`;
    let kernel = this.#kernels.get(key);
    if (kernel === undefined) {
      kernel = createScaleKernel(this.#memory, taps, pairs);
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  #grow(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
  }
}

type Weighing = Readonly<{ row: number; weight: number }>;

/** The rows that count: at many reductions a cubic is exactly zero at some, or as good as. */
function weighing(start: number, weights: readonly number[]): readonly Weighing[] {
  return weights
    .map((weight, index) => ({ row: start + index, weight }))
    .filter(({ weight }) => weight !== 0);
}

/** Output rows in bands whose source rows are about `rows` many, each band at least one output row. */
function cut(
  sources: readonly (readonly Weighing[])[],
  rows: number,
): Array<Pick<Band, 'source' | 'target'>> {
  const bands: Array<Pick<Band, 'source' | 'target'>> = [];
  let first = 0;
  let top = Number.POSITIVE_INFINITY;
  let bottom = 0;
  for (const [index, taps] of sources.entries()) {
    const from = Math.min(...taps.map(({ row }) => row));
    const to = Math.max(...taps.map(({ row }) => row)) + 1;
    if (index > first && Math.max(bottom, to) - Math.min(top, from) > rows) {
      bands.push({ source: { top, count: bottom - top }, target: { top: first, count: index - first } });
      first = index;
      top = Number.POSITIVE_INFINITY;
      bottom = 0;
    }
    top = Math.min(top, from);
    bottom = Math.max(bottom, to);
  }
  bands.push({ source: { top, count: bottom - top }, target: { top: first, count: sources.length - first } });
  return bands;
}
