import type { Observation, Rect, ScreenElement } from '@deskhand/protocol';
import { fitsHint, isInteractive } from './roles.ts';

/** One row of a table as a person sees it: what it is called by, and where. */
export type Row = Readonly<{ name: string; bounds: Rect }>;

/**
 * The body rows of what is on the screen, top to bottom: rows the tree tells of, else cells that stand in one
 * line. A row is called by its first cell; rows of headings are left out.
 */
export function rowsOf({ elements }: Observation): Row[] {
  const cells = elements.filter(
    ({ role, name, source }) => source !== 'ocr' && /(?:^|_)cell$/.test(role) && name.trim() !== '',
  );
  const lines: ScreenElement[][] = [];
  for (const cell of [...cells].sort((a, b) => a.bounds.y - b.bounds.y || a.bounds.x - b.bounds.x)) {
    const line = lines.findLast(
      (candidate) =>
        candidate[0] !== undefined && Math.abs(middleOf(candidate[0].bounds) - middleOf(cell.bounds)) < 8,
    );
    if (line === undefined) lines.push([cell]);
    else line.push(cell);
  }
  if (lines.length > 0) return lines.map(rowOfCells);
  return elements
    .filter((element) => fitsHint(element, 'row') && element.name.trim() !== '' && element.source !== 'ocr')
    .map(({ name, bounds }) => ({ name, bounds }))
    .sort((a, b) => a.bounds.y - b.bounds.y);
}

function rowOfCells(cells: readonly ScreenElement[]): Row {
  const sorted = [...cells].sort((a, b) => a.bounds.x - b.bounds.x);
  const first = sorted.find((cell) => !isInteractive(cell)) ?? sorted[0];
  const left = Math.min(...cells.map(({ bounds }) => bounds.x));
  const top = Math.min(...cells.map(({ bounds }) => bounds.y));
  const right = Math.max(...cells.map(({ bounds }) => bounds.x + bounds.width));
  const bottom = Math.max(...cells.map(({ bounds }) => bounds.y + bounds.height));
  return { name: first?.name ?? '', bounds: { x: left, y: top, width: right - left, height: bottom - top } };
}

function middleOf({ y, height }: Rect): number {
  return y + height / 2;
}
