import type { Attempt } from './attempt.ts';

export type FamilySummary = Readonly<{
  family: string;
  tasks: number;
  right: number;
  twins: number;
  caught: number;
  fooled: number;
  void: number;
  /** Medians over the tasks themselves, twins left out. */
  medianSteps: number;
  medianSeconds: number;
}>;

export type Summary = Readonly<{
  families: readonly FamilySummary[];
  total: FamilySummary;
  wallSeconds: number;
  costCents: number;
  frameBytes: number;
}>;

export function summarise(attempts: readonly Attempt[], wallSeconds: number): Summary {
  const families = [...new Set(attempts.map(({ family }) => family))];
  return {
    families: families.map((family) =>
      familyOf(
        family,
        attempts.filter((attempt) => attempt.family === family),
      ),
    ),
    total: familyOf('all', attempts),
    wallSeconds: Math.round(wallSeconds),
    costCents: attempts.reduce((sum, { costCents }) => sum + costCents, 0),
    frameBytes: attempts.reduce((sum, { frameBytes }) => sum + frameBytes, 0),
  };
}

function familyOf(family: string, attempts: readonly Attempt[]): FamilySummary {
  const tasks = attempts.filter(({ twin }) => !twin);
  const twins = attempts.filter(({ twin }) => twin);
  const count = (list: readonly Attempt[], outcome: Attempt['outcome']) =>
    list.filter((attempt) => attempt.outcome === outcome).length;
  return {
    family,
    tasks: tasks.length,
    right: count(tasks, 'right'),
    twins: twins.length,
    caught: count(twins, 'caught'),
    fooled: count(twins, 'fooled'),
    void: count(twins, 'void'),
    medianSteps: median(tasks.map(({ steps }) => steps)),
    medianSeconds: median(tasks.map(({ seconds }) => seconds)),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** One attempt as a line of progress. */
export function attemptLine(attempt: Attempt): string {
  const mark = { right: '✓', caught: '✓', wrong: '✗', fooled: '✗ FOOLED', void: '? VOID' }[attempt.outcome];
  const name = `${attempt.id}${attempt.twin ? ' (twin)' : ''}${attempt.repeat > 1 ? ` #${attempt.repeat}` : ''}`;
  const why =
    attempt.outcome === 'right' || attempt.outcome === 'caught'
      ? ''
      : ` — ${attempt.problems.join('; ')} — said: ${attempt.said.slice(0, 400)}${attempt.verdict === null ? '' : ` — verdict ${attempt.verdict.slice(0, 300)}`}`;
  return `${mark} ${name}: ${attempt.status}, ${attempt.steps} steps, ${attempt.seconds} s${why}`;
}

/** Tables in Markdown, which reads well on a terminal and in docs alike. */
export function summaryText(summary: Summary, attempts: readonly Attempt[]): string {
  const hasTwins = attempts.some(({ twin }) => twin);
  const hasTasks = attempts.some(({ twin }) => !twin);
  const columns = [
    'Family',
    ...(hasTasks ? ['Tasks', 'Right', 'Median steps', 'Median s'] : []),
    ...(hasTwins ? ['Twins', 'Caught', 'Fooled', 'Void'] : []),
  ];
  const rows = [...summary.families, summary.total].map((row) => [
    row.family,
    ...(hasTasks ? [row.tasks, row.right, row.medianSteps, row.medianSeconds] : []),
    ...(hasTwins ? [row.twins, row.caught, row.fooled, row.void] : []),
  ]);
  const failures = attempts.filter(({ outcome }) => outcome !== 'right' && outcome !== 'caught');
  return [
    table(columns, rows),
    '',
    `${attempts.length} runs in ${summary.wallSeconds} s, $${(summary.costCents / 100).toFixed(2)}, ${(summary.frameBytes / 1e6).toFixed(1)} MB of frames`,
    ...(failures.length === 0 ? [] : ['', ...failures.map(attemptLine)]),
  ].join('\n');
}

function table(columns: readonly string[], rows: ReadonlyArray<ReadonlyArray<string | number>>): string {
  const cells = [columns, ...rows.map((row) => row.map(String))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
