import { centerOf } from '@deskhand/protocol';
import { enlarge, type GreyImage, type Scale, sizeAt } from './reading-image.ts';
import type { Word } from './tesseract-table.ts';
import type { TextPiece } from './text-pieces.ts';

/** White around a piece on its sheet, in pixels of the enlarged picture. */
const MARGIN_PX = 12;
/** Pieces that are all together so many heights of a line wide (a few words) are not shared out. */
const WORTH_SHARING = 100;
const LOWEST_LINE_PX = 4;
const TALLEST_LINE_PX = 40;
/** Readers refuse pictures of more than 32,767 rows; a screen of scattered specks would make one. */
const TALLEST_SHEET_PX = 8000;

/** How many times a piece is enlarged for its reader. */
export type ScaleOf = (piece: TextPiece) => Scale;

/** A piece's place on a sheet, on which it is enlarged by `scale`. */
export type PlacedPiece = Readonly<{ piece: TextPiece; scale: Scale; x: number; y: number; height: number }>;

/** Pieces of a picture one below the other, each as wide as it is: what one reader reads at a time. */
export type Sheet = Readonly<{ image: GreyImage; places: readonly PlacedPiece[] }>;

/**
 * Shares pieces out on `count` sheets that take about the same time to read; where there is little to read, on one; where
 * one would get too tall, on more. Nothing on a sheet stands beside anything else, and no white of the picture is read.
 */
export function sheetsOf(
  image: GreyImage,
  pieces: readonly TextPiece[],
  options: Readonly<{ count: number; scaleOf: ScaleOf }>,
): Sheet[] {
  const efforts = pieces.map(effortOf);
  const total = efforts.reduce((sum, effort) => sum + effort, 0);
  const count = total < WORTH_SHARING ? 1 : options.count;
  const shares = Array.from({ length: count }, () => ({ effort: 0, members: [] as number[] }));
  const hardestFirst = [...pieces.keys()].sort((a, b) => (efforts[b] as number) - (efforts[a] as number));
  for (const index of hardestFirst) {
    const share = shares.reduce((least, other) => (other.effort < least.effort ? other : least));
    share.effort += efforts[index] as number;
    share.members.push(index);
  }
  return shares
    .filter(({ members }) => members.length > 0)
    .flatMap(({ members }) => {
      const own = members.sort((a, b) => a - b).map((index) => pieces[index] as TextPiece);
      return lowEnough(own, options.scaleOf).map((some) => sheetOf(image, some, options.scaleOf));
    });
}

/** Pieces in order, in groups none of which makes too tall a sheet. */
function lowEnough(pieces: readonly TextPiece[], scaleOf: ScaleOf): TextPiece[][] {
  const groups: TextPiece[][] = [];
  let height = Number.POSITIVE_INFINITY;
  for (const piece of pieces) {
    const own = sizeAt(piece.rect, scaleOf(piece)).height + MARGIN_PX;
    if (height + own > TALLEST_SHEET_PX) {
      groups.push([]);
      height = MARGIN_PX;
    }
    groups.at(-1)?.push(piece);
    height += own;
  }
  return groups;
}

/** What was read on a sheet, by piece, in order; bounds in pixels of the picture, from the piece's upper left corner. */
export function wordsByPiece(sheet: Sheet, words: readonly Word[]): ReadonlyMap<TextPiece, readonly Word[]> {
  const found = new Map<TextPiece, Word[]>(sheet.places.map(({ piece }) => [piece, []]));
  for (const { bounds, ...word } of words) {
    const { piece, x, y, scale } = nearest(sheet.places, centerOf(bounds).y);
    found.get(piece)?.push({
      ...word,
      bounds: {
        x: (bounds.x - x) / scale.x,
        y: (bounds.y - y) / scale.y,
        width: bounds.width / scale.x,
        height: bounds.height / scale.y,
      },
    });
  }
  return found;
}

/** The piece at a height of a sheet, or the one closest to it: a box may reach a little beyond. */
function nearest(places: readonly PlacedPiece[], y: number): PlacedPiece {
  const away = (place: PlacedPiece) => Math.max(place.y - y, y - place.y - place.height, 0);
  return places.reduce((best, place) => (away(place) < away(best) ? place : best));
}

/**
 * A reader brings every line to one height first and then goes along it, so its time is a line's width in heights.
 * A rule without letters costs nothing.
 */
function effortOf({ rect: { width, height } }: TextPiece): number {
  if (height < LOWEST_LINE_PX) return 0;
  const linePx = Math.min(height, TALLEST_LINE_PX);
  return (width / linePx) * (height / linePx);
}

function sheetOf(image: GreyImage, pieces: readonly TextPiece[], scaleOf: ScaleOf): Sheet {
  const sizes = pieces.map((piece) => sizeAt(piece.rect, scaleOf(piece)));
  const width = Math.max(...sizes.map((size) => size.width)) + 2 * MARGIN_PX;
  let height = MARGIN_PX;
  const places = pieces.map((piece) => {
    const scale = scaleOf(piece);
    const place = { piece, scale, x: MARGIN_PX, y: height, height: sizeAt(piece.rect, scale).height };
    height += place.height + MARGIN_PX;
    return place;
  });
  const pixels = new Uint8Array(width * height).fill(255);
  for (const { piece, scale, x, y } of places) {
    const part = enlarge(cutPiece(image, piece), scale);
    for (let row = 0; row < part.height; row += 1)
      pixels.set(part.pixels.subarray(row * part.width, (row + 1) * part.width), (y + row) * width + x);
  }
  return { image: { width, height, pixels }, places };
}

/** A piece's own pixels. */
export function cutPiece(image: GreyImage, { rect }: TextPiece): GreyImage {
  const pixels = new Uint8Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row += 1) {
    const start = (rect.y + row) * image.width + rect.x;
    pixels.set(image.pixels.subarray(start, start + rect.width), row * rect.width);
  }
  return { width: rect.width, height: rect.height, pixels };
}
