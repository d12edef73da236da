import { intersection, type Rect } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { KnownPieces } from './known-pieces.ts';
import { sheetsOf, wordsByPiece } from './montage.ts';
import type { GreyImage } from './reading-image.ts';
import { piecesOf } from './text-pieces.ts';

/** White paper with a chequered patch for every letter-like thing, so that patches differ by their places. */
function paper(width: number, height: number, patches: readonly Rect[]): GreyImage {
  const pixels = new Uint8Array(width * height).fill(255);
  for (const { x, y, width: wide, height: high } of patches)
    for (let row = y; row < y + high; row += 1)
      for (let column = x; column < x + wide; column += 1)
        pixels[row * width + column] = ((column - x) * 7 + (row - y) * 3) % 120;
  return { width, height, pixels };
}

/** Words of `letters` patches of 6x10, 2 apart; words 7 apart. */
function line(x: number, y: number, words: readonly number[]): Rect[] {
  const patches: Rect[] = [];
  let at = x;
  for (const letters of words) {
    for (let letter = 0; letter < letters; letter += 1, at += 8)
      patches.push({ x: at, y, width: 6, height: 10 });
    at += 5;
  }
  return patches;
}

function inkOf(image: GreyImage, { x, y, width, height }: Rect = { x: 0, y: 0, ...image }): number {
  let ink = 0;
  for (let row = y; row < y + height; row += 1)
    ink += image.pixels
      .subarray(row * image.width + x, row * image.width + x + width)
      .filter((pixel) => pixel < 240).length;
  return ink;
}

const rects = (image: GreyImage) => piecesOf(image).map(({ rect }) => rect);

describe('pieces of a reading image', () => {
  it('are lines and what stands apart in them, as small as what is written', () => {
    const image = paper(400, 100, [...line(20, 10, [4, 3]), ...line(200, 10, [2]), ...line(20, 40, [5])]);
    expect(rects(image)).toEqual([
      { x: 20, y: 10, width: 59, height: 10 },
      { x: 200, y: 10, width: 14, height: 10 },
      { x: 20, y: 40, width: 38, height: 10 },
    ]);
  });

  it('are found beside something tall that bridges their lines', () => {
    const image = paper(400, 100, [
      { x: 10, y: 5, width: 30, height: 80 },
      ...line(100, 10, [4]),
      ...line(100, 40, [4]),
    ]);
    expect(rects(image)).toHaveLength(3);
  });

  it('keep a dot with its letter and an underline with its word', () => {
    const image = paper(100, 60, [
      { x: 10, y: 10, width: 2, height: 2 },
      { x: 10, y: 15, width: 2, height: 9 },
      { x: 10, y: 27, width: 30, height: 1 },
    ]);
    expect(rects(image)).toEqual([{ x: 10, y: 10, width: 30, height: 18 }]);
  });

  it('are lines also where a row of white is all that parts them, but for a dot that could be of either', () => {
    const close = paper(200, 60, [...line(10, 5, [4, 3]), ...line(10, 16, [5]), ...line(10, 28, [2])]);
    expect(rects(close).map(({ y, height }) => [y, height])).toEqual([
      [5, 10],
      [16, 10],
      [28, 10],
    ]);
    const dotted = paper(200, 60, [
      ...line(10, 5, [4]),
      { x: 12, y: 17, width: 2, height: 2 },
      ...line(10, 20, [3]),
    ]);
    expect(rects(dotted)).toEqual([{ x: 10, y: 5, width: 30, height: 25 }]);
  });

  it('tell how tall the bodies of their letters are, heads and tails aside', () => {
    const letters = Array.from({ length: 10 }, (_, letter) => ({
      ...{ x: 10 + letter * 9, width: 7 },
      ...(letter === 3
        ? { y: 10, height: 20 }
        : letter === 6
          ? { y: 16, height: 21 }
          : { y: 16, height: 14 }),
    }));
    expect(piecesOf(paper(200, 60, letters)).map(({ bodyPx }) => bodyPx)).toEqual([14]);
  });

  it('cut a long line in two between words, and say that it is one', () => {
    const image = paper(900, 40, line(10, 10, [8, 8, 8, 8, 8, 8, 8]));
    const pieces = piecesOf(image);
    expect(pieces.map(({ isPart, line: of }) => [isPart, of])).toEqual([
      [true, 0],
      [true, 0],
    ]);
    const [left, right] = pieces.map(({ rect }) => rect) as [Rect, Rect];
    expect(right.x - left.x - left.width).toBe(7);
    expect(piecesOf(paper(900, 40, line(10, 10, [60])))).toHaveLength(1);
  });

  it('hold every pixel that is not paper, and share none', () => {
    let state = 7;
    const random = (below: number) => {
      state = (state * 16_807) % 2_147_483_647;
      return state % below;
    };
    for (let round = 0; round < 30; round += 1) {
      const patches = Array.from({ length: 1 + random(40) }, () => ({
        x: random(280),
        y: 1 + random(174),
        width: 5 + random(20),
        height: 5 + random(20),
      }));
      const image = paper(300, 200, patches);
      const pieces = piecesOf(image);
      expect(pieces.reduce((sum, { rect }) => sum + inkOf(image, rect), 0)).toBe(inkOf(image));
      for (const [index, { rect }] of pieces.entries())
        for (const other of pieces.slice(index + 1)) expect(intersection(rect, other.rect)).toBeNull();
    }
  });

  it('are no lines that the edge of the picture cuts in half, where there are whole ones', () => {
    const cut = line(10, 76, [4]).map((patch) => ({ ...patch, height: 4 }));
    const image = paper(200, 80, [...line(10, 10, [4]), ...line(10, 40, [4]), ...cut]);
    expect(rects(image).map(({ y }) => y)).toEqual([10, 40]);
    expect(rects(paper(200, 80, cut))).toHaveLength(1);
    const whole = line(10, 70, [4]);
    expect(rects(paper(200, 80, [...line(10, 10, [4]), ...whole])).map(({ y }) => y)).toEqual([10, 70]);
  });

  it('have the body of their letters, not of an underline', () => {
    const image = paper(200, 60, [...line(10, 10, [5, 5]), { x: 10, y: 21, width: 60, height: 3 }]);
    expect(piecesOf(image).map(({ bodyPx }) => bodyPx)).toEqual([10]);
  });

  it('are none on empty paper, and one where there is no white to cut at', () => {
    expect(piecesOf(paper(50, 50, []))).toEqual([]);
    expect(rects(paper(50, 50, [{ x: 0, y: 0, width: 50, height: 50 }]))).toHaveLength(1);
  });
});

describe('sheets', () => {
  const image = paper(
    600,
    400,
    Array.from({ length: 12 }, (_, row) => line(10 + row, 10 + row * 30, [6, 4 + (row % 5), 7])).flat(),
  );
  const pieces = piecesOf(image);

  it('share the pieces out evenly, each piece once; a few words stay together', () => {
    const sheets = sheetsOf(image, pieces, { count: 2, scaleOf: () => ({ x: 2, y: 2 }) });
    expect(sheets).toHaveLength(2);
    const ink = sheets.map(({ places }) =>
      places.reduce((sum, { piece }) => sum + inkOf(image, piece.rect), 0),
    );
    expect(Math.min(...ink) / Math.max(...ink)).toBeGreaterThan(0.85);
    expect(new Set(sheets.flatMap(({ places }) => places.map(({ piece }) => piece)))).toEqual(
      new Set(pieces),
    );
    expect(sheetsOf(image, pieces.slice(0, 2), { count: 2, scaleOf: () => ({ x: 2, y: 2 }) })).toHaveLength(
      1,
    );
    expect(sheetsOf(image, [], { count: 2, scaleOf: () => ({ x: 2, y: 2 }) })).toEqual([]);
  });

  it('do not count a rule, which is no work', () => {
    const rule = { x: 0, y: 390, width: 600, height: 1 };
    const ruled = { ...image, pixels: new Uint8Array(image.pixels) };
    ruled.pixels.fill(0, rule.y * image.width, rule.y * image.width + rule.width);
    const sheets = sheetsOf(ruled, piecesOf(ruled), { count: 2, scaleOf: () => ({ x: 1, y: 1 }) });
    const lines = sheets.map(({ places }) => places.filter(({ piece }) => piece.rect.y !== rule.y).length);
    expect(Math.abs((lines[0] ?? 0) - (lines[1] ?? 0))).toBeLessThanOrEqual(1);
  });

  it('are never taller than a reader takes, and hold no specks', () => {
    const grid = (side: number) =>
      paper(
        1600,
        1200,
        Array.from({ length: 80 * 60 }, (_, index) => ({
          x: (index % 80) * 20,
          y: Math.floor(index / 80) * 20,
          width: side,
          height: side,
        })),
      );
    const many = grid(5);
    const marks = piecesOf(many);
    expect(marks).toHaveLength(80 * 60);
    const sheets = sheetsOf(many, marks, { count: 2, scaleOf: () => ({ x: 2, y: 2 }) });
    for (const sheet of sheets) expect(sheet.image.height).toBeLessThanOrEqual(8000);
    expect(sheets.flatMap(({ places }) => places)).toHaveLength(80 * 60);
    expect(piecesOf(grid(4))).toEqual([]);
  });

  it('lead from a box on them back to the pixel it came from', () => {
    for (const scale of [
      { x: 1, y: 1 },
      { x: 2, y: 2 },
      { x: 1.5, y: 2 },
    ])
      for (const sheet of sheetsOf(image, pieces, { count: 2, scaleOf: () => scale }))
        for (const { piece, x, y } of sheet.places) {
          const bounds = { x: x + 8 * scale.x, y, width: 6 * scale.x, height: 10 * scale.y };
          const word = { text: 'a', confidence: 90, bounds, line: '1' };
          const [found] = wordsByPiece(sheet, [word]).get(piece) ?? [];
          expect(found?.bounds).toEqual({ x: 8, y: 0, width: 6, height: 10 });
        }
  });

  it('show the pieces themselves', () => {
    const [sheet] = sheetsOf(image, pieces, { count: 1, scaleOf: () => ({ x: 1, y: 1 }) });
    for (const { piece, x, y } of sheet?.places ?? []) {
      const { rect } = piece;
      for (let row = 0; row < rect.height; row += 1) {
        const from = (rect.y + row) * image.width + rect.x;
        const to = (y + row) * (sheet?.image.width ?? 0) + x;
        expect(sheet?.image.pixels.slice(to, to + rect.width)).toEqual(
          image.pixels.slice(from, from + rect.width),
        );
      }
    }
  });
});

describe('known pieces', () => {
  const words = [{ text: 'a', confidence: 90, bounds: { x: 0, y: 0, width: 6, height: 10 }, line: '1' }];

  it('are known again elsewhere, not at another scale, not when a pixel differs', () => {
    const known = new KnownPieces();
    const image = paper(300, 100, [...line(10, 10, [3]), ...line(133, 61, [3])]);
    const [first, second] = piecesOf(image);
    if (first === undefined || second === undefined) throw new Error('two pieces');
    known.remember(known.keyOf(image, first, { x: 2, y: 2 }), words);
    expect(known.find(known.keyOf(image, second, { x: 2, y: 2 }))).toBe(words);
    expect(known.find(known.keyOf(image, second, { x: 1, y: 1 }))).toBeUndefined();
    image.pixels[(second.rect.y + 1) * image.width + second.rect.x + 1] = 200;
    expect(known.find(known.keyOf(image, second, { x: 2, y: 2 }))).toBeUndefined();
  });

  it('are as many as fit, those used last', () => {
    const known = new KnownPieces();
    known.remember('first', words);
    known.remember('second', words);
    for (let index = 0; index < 3999; index += 1) {
      known.find('first');
      known.remember(`more ${index}`, words);
    }
    expect(known.find('first')).toBe(words);
    expect(known.find('second')).toBeUndefined();
  });
});
