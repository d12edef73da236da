import { inertLine } from '@deskhand/base';

/** Colours and plain words for people; nothing here is parsed by programs. */

export type Style = Readonly<{
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
}>;

const plain: Style = {
  bold: (text) => text,
  dim: (text) => text,
  red: (text) => text,
  green: (text) => text,
  yellow: (text) => text,
  blue: (text) => text,
};

const wrap = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;

const coloured: Style = {
  bold: wrap(1, 22),
  dim: wrap(2, 22),
  red: wrap(31, 39),
  green: wrap(32, 39),
  yellow: wrap(33, 39),
  blue: wrap(34, 39),
};

/** Colour only where a person reads: a terminal, no NO_COLOR, not TERM=dumb. */
export function styleFor(
  stream: { isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Style {
  if (env.NO_COLOR || env.TERM === 'dumb') return plain;
  return stream.isTTY === true || env.FORCE_COLOR ? coloured : plain;
}

/** Foreign text (a model's, a page's, another process's) as one harmless line of a terminal. */
export function inert(text: string, maxCharacters = 400): string {
  return inertLine(text, maxCharacters);
}

/** Rows as aligned columns. */
export function table(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = header.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => [...(row[column] ?? '')].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - [...cell].length)))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

/** "4 s", "1 min 05 s". */
export function seconds(ms: number): string {
  const total = ms / 1000;
  if (total < 10) return `${total.toFixed(1)} s`;
  if (total < 60) return `${Math.round(total)} s`;
  return `${Math.floor(total / 60)} min ${String(Math.round(total % 60)).padStart(2, '0')} s`;
}

/** Dollars from cents: "$0.35". */
export function dollars(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`;
}
