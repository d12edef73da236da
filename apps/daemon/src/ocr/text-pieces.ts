import type { Rect } from '@deskhand/protocol';
import type { GreyImage } from './reading-image.ts';

/** Paper is white; anything a little darker may be the edge of a faint letter. */
const PAPER = 240;
/** Dots of an i, commas and underlines stand no further from their letters. */
const ROW_GAP_PX = 4;
/** Rows of letters are at least so tall where a line without any gap above it begins. */
const LETTERS_PX = 7;
/** Things side by side are further apart than this share of their height; words are not. */
const COLUMN_GAP = 1.2;
/** Nobody writes with letters as small as this; specks are many on some screens. */
const SPECK_PX = 4;
const COLUMN_GAP_PX = { least: 14, most: 40 };
/** A line that is so many times as long as high may be read in two parts. */
const LONG_LINE = 24;
/** Less of a line's height at the edge of a picture is not a line any more: what has neither heads nor tails is higher. */
const HALF_LINE = 0.6;
/** A row of letters' bodies has at least this share of the ink of the fullest; one of only their heads or tails has less. */
const BODY_INK = 0.25;
/** A line of a block has at least this share of the ink of the fullest; underlines, dots and the foot of something have less. */
const LINE_INK = 0.4;
/** A gap between words, as a share of the line's height. */
const WORD_GAP = 0.3;

/**
 * A part of a picture that is read as one: a line of text, a button, a block whose lines touch.
 * `rect` whole pixels; `line` counts lines, both parts of a long one alike; `bodyPx` how tall the bodies of its
 * lowest line's letters are, from baseline to the top of an x.
 */
export type TextPiece = Readonly<{ rect: Rect; line: number; isPart: boolean; bodyPx: number }>;

/**
 * Cuts a reading image at what is white all across or all down, again and again, until nothing is left to cut.
 * Pieces are as small as what is written in them; together they hold every pixel that is not paper, but for specks and
 * lines the picture's edge cuts in half.
 */
export function piecesOf(image: GreyImage): TextPiece[] {
  const whole = { x: 0, y: 0, width: image.width, height: image.height };
  const leaves = leavesOf(image, whole, 'rows', false).filter(
    ({ width, height }) => width > SPECK_PX || height > SPECK_PX,
  );
  return withoutHalves(leaves, image.height).flatMap((rect, line) => {
    const parts = partsOfLine(image, rect);
    return parts.map((part) => ({
      rect: part,
      line,
      isPart: parts.length > 1,
      bodyPx: bodyOf(image, part),
    }));
  });
}

/** Without lines of which the picture's upper or lower edge leaves half: nobody can read them, and it takes as long as a whole one. */
function withoutHalves(leaves: readonly Rect[], height: number): readonly Rect[] {
  const isAtEdge = (rect: Rect) => rect.y === 0 || rect.y + rect.height === height;
  const whole = leaves.filter((rect) => !isAtEdge(rect) && rect.height >= LETTERS_PX);
  const usual = whole.map((rect) => rect.height).sort((a, b) => a - b)[whole.length >> 1] ?? 0;
  return leaves.filter((rect) => !isAtEdge(rect) || rect.height > usual * HALF_LINE);
}

function leavesOf(image: GreyImage, area: Rect, along: 'rows' | 'columns', tried: boolean): Rect[] {
  const isRows = along === 'rows';
  const gapPx = columnGapPx(area.height);
  const profile = profileOf(image, area, along);
  const stretches = isRows ? linesOf(profile) : stretchesOf(profile, gapPx);
  const parts = stretches.map(({ from, to }) =>
    isRows
      ? { ...area, y: area.y + from, height: to - from }
      : { ...area, x: area.x + from, width: to - from },
  );
  const [only] = parts;
  // Trimmed only, and the other way was in vain too.
  if (parts.length === 1 && only !== undefined && tried) return [only];
  const other = isRows ? 'columns' : 'rows';
  return parts.flatMap((part) => leavesOf(image, part, other, parts.length === 1));
}

function columnGapPx(height: number): number {
  return Math.min(COLUMN_GAP_PX.most, Math.max(COLUMN_GAP_PX.least, Math.ceil(height * COLUMN_GAP)));
}

/** How many pixels of each row (or column) of an area are not paper. */
function profileOf(image: GreyImage, area: Rect, along: 'rows' | 'columns'): Uint32Array {
  const profile = new Uint32Array(along === 'rows' ? area.height : area.width);
  for (let y = 0; y < area.height; y += 1) {
    const start = (area.y + y) * image.width + area.x;
    for (let x = 0; x < area.width; x += 1) {
      if ((image.pixels[start + x] as number) >= PAPER) continue;
      const place = along === 'rows' ? y : x;
      profile[place] = (profile[place] as number) + 1;
    }
  }
  return profile;
}

/** Where there is something, joined over gaps shorter than `gapPx`. */
function stretchesOf(profile: Uint32Array, gapPx: number): Array<{ from: number; to: number }> {
  const stretches: Array<{ from: number; to: number }> = [];
  for (const [place, count] of profile.entries()) {
    if (count === 0) continue;
    const last = stretches.at(-1);
    if (last !== undefined && place - last.to < gapPx) last.to = place + 1;
    else stretches.push({ from: place, to: place + 1 });
  }
  return stretches;
}

/**
 * Lines of text, also those so close that a dot of an i could fill the gap: both sides of a cut are as tall as letters.
 * What is lower belongs to a line, and nobody knows to which.
 */
function linesOf(profile: Uint32Array): Array<{ from: number; to: number }> {
  const lines: Array<{ from: number; to: number }> = [];
  let lastPx = 0;
  for (const { from, to } of stretchesOf(profile, 1)) {
    const last = lines.at(-1);
    const isNear = last !== undefined && from - last.to < ROW_GAP_PX;
    if (last !== undefined && isNear && Math.min(lastPx, to - from) < LETTERS_PX) last.to = to;
    else lines.push({ from, to });
    lastPx = to - from;
  }
  return lines;
}

/** A long line in two, at the widest gap between words near its middle. */
function partsOfLine(image: GreyImage, line: Rect): Rect[] {
  if (line.width < LONG_LINE * line.height) return [line];
  const words = stretchesOf(profileOf(image, line, 'columns'), 1);
  let best: { from: number; to: number } | null = null;
  for (const [index, word] of words.entries()) {
    const next = words[index + 1];
    if (next === undefined || word.to < line.width * 0.35 || next.from > line.width * 0.65) continue;
    if (best === null || next.from - word.to > best.to - best.from) best = { from: word.to, to: next.from };
  }
  if (best === null || best.to - best.from < WORD_GAP * line.height) return [line];
  return [
    { ...line, width: best.from },
    { ...line, x: line.x + best.to, width: line.width - best.to },
  ];
}

/** Rows between x-height and baseline hold most of a line's ink: the least tall run of such rows. */
function bodyOf(image: GreyImage, piece: Rect): number {
  const profile = profileOf(image, piece, 'rows');
  const least = Math.max(...profile) * BODY_INK;
  const bodies = stretchesOf(
    profile.map((count) => (count >= least ? count : 0)),
    1,
  ).map(({ from, to }) => ({
    height: to - from,
    ink: profile.subarray(from, to).reduce((sum, count) => sum + count, 0),
  }));
  const most = Math.max(...bodies.map(({ ink }) => ink));
  return Math.min(
    piece.height,
    ...bodies.filter(({ ink }) => ink >= most * LINE_INK).map(({ height }) => height),
  );
}
