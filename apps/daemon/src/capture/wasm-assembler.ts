/** Just enough of the WebAssembly binary format to write a kernel in TypeScript. Source: WebAssembly 2.0, chapter 5. */

export const I32 = 0x7f;
export const V128 = 0x7b;

export type WasmFunction = Readonly<{
  name: string;
  /** All parameters are i32; nothing is returned. */
  parameters: number;
  /** Types of the locals after the parameters. */
  locals: readonly number[];
  body: readonly number[];
}>;

/** A module that imports the memory `host.memory` and exports its functions. */
export function assembleModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, ...vector(new Array(parameters).fill(I32)), 0]);
  const exports = functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]);
  const codes = functions.map(({ locals, body }) => {
    const code = [...unsigned(locals.length), ...locals.flatMap((type) => [1, type]), ...body, op.end];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vectorOf(types)),
    ...section(2, [1, ...text('host'), ...text('memory'), 0x02, 0x00, 1]),
    ...section(3, vector(functions.map((_, index) => index))),
    ...section(7, vectorOf(exports)),
    ...section(10, vectorOf(codes)),
  ]);
}

/** Instructions as bytes; operands come before, as on the stack machine. */
export const op = {
  end: 0x0b,
  get: (local: number) => [0x20, ...unsigned(local)],
  set: (local: number) => [0x21, ...unsigned(local)],
  constant: (value: number) => [0x41, ...signed(value)],
  add: [0x6a],
  subtract: [0x6b],
  loadI32: (offset = 0) => [0x28, 2, ...unsigned(offset)],
  /** Runs its body at least once, again while the body leaves a non-zero i32. */
  repeat: (body: readonly number[]) => [0x03, 0x40, ...body, 0x0d, 0, 0x0b],
  /** `local += value`, leaving nothing. */
  advance: (local: number, value: readonly number[]) => [
    ...op.get(local),
    ...value,
    ...op.add,
    ...op.set(local),
  ],
  /** `local -= 1`, leaving the new value. */
  countDown: (local: number) => [
    ...op.get(local),
    ...op.constant(1),
    ...op.subtract,
    0x22,
    ...unsigned(local),
  ],
  v128: {
    load: (offset = 0) => simd(0x00, 0, ...unsigned(offset)),
    loadSplat16: (offset = 0) => simd(0x08, 0, ...unsigned(offset)),
    loadSplat32: (offset = 0) => simd(0x09, 0, ...unsigned(offset)),
    store: (offset = 0) => simd(0x0b, 0, ...unsigned(offset)),
    /** Sixteen byte places, 0–15 of the first operand, 16–31 of the second. */
    shuffle: (places: readonly number[]) => simd(0x0d, ...places),
    splatI32: simd(0x11),
    extendLowU8: simd(0x89),
    extendHighU8: simd(0x8a),
    addI16: simd(0x8e),
    multiplyI16: simd(0x95),
    addI32: simd(0xae),
    shiftRightI32: simd(0xac),
    /** Neighbouring products of signed 16-bit lanes, added in pairs. */
    dotI16: simd(0xba),
    narrowToI16: simd(0x85),
    narrowToU8: simd(0x66),
  },
} as const;

function simd(opcode: number, ...immediate: number[]): number[] {
  return [0xfd, ...unsigned(opcode), ...immediate];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly number[]): number[] {
  return [...unsigned(items.length), ...items];
}

function vectorOf(items: ReadonlyArray<readonly number[]>): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return vector([...new TextEncoder().encode(value)]);
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}
