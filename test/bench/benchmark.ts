/** One named benchmark of `deskhand bench`. */
export type Benchmark = Readonly<{
  name: string;
  /** One line: what is compared with what. */
  describe: string;
  run(options: { signal: AbortSignal; progress: (line: string) => void }): Promise<BenchReport>;
}>;

export type BenchReport = Readonly<{ name: string; tables: readonly BenchTable[] }>;

/** `rows` hold numbers where a number was measured; units are in the column names. */
export type BenchTable = Readonly<{
  title: string;
  note?: string;
  columns: readonly string[];
  rows: ReadonlyArray<ReadonlyArray<string | number | null>>;
}>;

/** A Markdown table, which reads well on a terminal and in docs alike. */
export function tableAsText({ title, note, columns, rows }: BenchTable): string {
  const cells = [columns, ...rows.map((row) => row.map((cell) => (cell === null ? '–' : String(cell))))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [
    `### ${title}`,
    ...(note === undefined ? [] : [note]),
    '',
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...body.map(line),
  ].join('\n');
}
