import type { Size } from '@deskhand/protocol';
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

/** Where everything lies in the kernel's memory for one pair of sizes. */
type Plan = Readonly<{
  key: string;
  source: Size;
  target: Size;
  /** For the columns, and for pictures that are not scaled. */
  kernel: ScaleKernel;
  /** One per output row: how to sum it up, and where the addresses and weights of its source rows lie. */
  rows: ReadonlyArray<{ kernel: ScaleKernel; addresses: number; weights: number }>;
  starts: number;
  pairWeights: number;
  sums: number;
  sourceAt: number;
  targetAt: number;
  /** Everything below `sums`, as it must be in memory while this plan is at work. */
  tables: Uint8Array;
}>;

/** Sizes that take turns (a frame for the engine, a thumbnail for the panel) keep their plans. */
const KEPT_PLANS = 8;

/**
 * Turns BGRX pictures into RGB ones, shrunk on the way. Keeps one working memory that fits the largest picture
 * so far; calls are synchronous, so it may be shared.
 */
export class FrameScaler {
  readonly #memory = createMemory();
  readonly #kernels = new Map<string, ScaleKernel>();
  readonly #plans = new Map<string, Plan>();
  #current: Plan | null = null;

  /**
   * @param pixels BGRX rows; read before this returns.
   * @param result receives target width × height × 3 bytes of RGB.
   * @param paint changes the picture before it is scaled: receives one 0x00RRGGBB word per pixel (the top byte
   *   means nothing).
   */
  scale(
    pixels: Uint8Array,
    source: Size,
    target: Size,
    result: Uint8Array,
    paint: ((words: Uint32Array) => void) | null = null,
  ): void {
    const plan = this.#planFor(source, target);
    this.#switchTo(plan);
    const memory = this.#memory;
    const bytes = source.width * source.height * 4;
    new Uint8Array(memory.buffer, plan.sourceAt, bytes).set(pixels.subarray(0, bytes));
    paint?.(new Uint32Array(memory.buffer, plan.sourceAt, source.width * source.height));
    if (source.width === target.width && source.height === target.height)
      plan.kernel.swizzle(plan.sourceAt, plan.targetAt, Math.ceil((source.width * source.height) / 4));
    else this.#resample(plan);
    result.set(new Uint8Array(memory.buffer, plan.targetAt, target.width * target.height * 3));
  }

  #resample(plan: Plan): void {
    const blocks = Math.ceil(plan.source.width / 4);
    for (const [y, row] of plan.rows.entries()) {
      row.kernel.vertical(row.addresses, plan.sums, blocks, row.weights);
      plan.kernel.horizontal(
        plan.sums,
        plan.targetAt + y * plan.target.width * 3,
        plan.target.width,
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
    const starts = reserve(columns.length * 4);
    const pairWeights = reserve(columns.length * pairs * 4);
    const places = sources.map((each) => ({
      addresses: reserve(each.length * 4),
      weights: reserve(each.length * 2),
    }));
    const sums = reserve((Math.ceil(source.width / 4) * 4 + 2 * pairs) * 8);
    const sourceAt = reserve(source.width * source.height * 4);
    const targetAt = reserve(target.width * target.height * 3);
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
    for (const [index, { addresses, weights }] of places.entries())
      for (const [tap, { row, weight }] of (sources[index] as readonly Weighing[]).entries()) {
        view.setUint32(addresses + tap * 4, sourceAt + row * source.width * 4, true);
        view.setInt16(weights + tap * 2, weight, true);
      }

    const plan: Plan = {
      key,
      source,
      target,
      kernel: this.#kernelFor(1, pairs),
      rows: places.map((place, index) => ({
        kernel: this.#kernelFor((sources[index] as readonly Weighing[]).length, pairs),
        ...place,
      })),
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
