import { inertText } from '@deskhand/base';
import type { Attempt } from './attempt.ts';
import { replayName } from './keep-replay.ts';
import type { FamilySummary, Summary } from './summary.ts';

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border-bottom:1px solid #8884;padding:.35rem .6rem;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}tr.total{font-weight:600}.bad{color:#c62828}.good{color:#2e7d32}.why{opacity:.8;font-size:.9rem}
details summary{cursor:pointer}`;

/** One page of a whole evaluation; the replays of its runs lie in `replays` beside it, null when none were kept. */
export function reportPage(options: {
  machine: string;
  at: string;
  command: string;
  engine: string;
  summary: Summary;
  attempts: readonly Attempt[];
  replays: string | null;
}): string {
  const { summary, attempts } = options;
  const rows = [...attempts].sort((a, b) => rank(a) - rank(b));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Evaluation of ${inert(options.engine)}</title><style>${STYLE}</style></head><body>
<h1>Evaluation of ${inert(options.engine)}</h1><p>${inert(options.at)} · ${inert(options.machine)}<br><code>${inert(options.command)}</code></p>
<p>${attempts.length} runs in ${summary.wallSeconds} s, $${(summary.costCents / 100).toFixed(2)}, ${(summary.frameBytes / 1e6).toFixed(1)} MB of frames.</p>
<table><thead><tr><th>Family</th>${['Tasks', 'Right', 'Median steps', 'Median s', 'Twins', 'Caught', 'Fooled', 'Void'].map((name) => `<th class="n">${name}</th>`).join('')}</tr></thead><tbody>
${[...summary.families, summary.total].map(familyRow).join('\n')}</tbody></table>
<h2>Every run</h2><table><thead><tr><th>Task</th><th>Outcome</th><th>Ended</th><th class="n">Steps</th><th class="n">s</th><th class="n">$</th><th class="n">kB</th></tr></thead><tbody>
${rows.map((attempt) => attemptRow(attempt, options.replays)).join('\n')}</tbody></table></body></html>
`;
}

function rank({ outcome }: Attempt): number {
  return ['fooled', 'wrong', 'void', 'right', 'caught'].indexOf(outcome);
}

function familyRow(row: FamilySummary): string {
  const numbers = [
    row.tasks,
    row.right,
    row.medianSteps,
    row.medianSeconds,
    row.twins,
    row.caught,
    row.fooled,
    row.void,
  ];
  return `<tr${row.family === 'all' ? ' class="total"' : ''}><td>${inert(row.family)}</td>${numbers.map((number) => `<td class="n">${number}</td>`).join('')}</tr>`;
}

function attemptRow(attempt: Attempt, replays: string | null): string {
  const name = `${attempt.id}${attempt.twin ? ' (twin)' : ''}${attempt.repeat > 1 ? ` #${attempt.repeat}` : ''}`;
  const link =
    replays === null || attempt.runId === null
      ? inert(name)
      : `<a href="${encodeURIComponent(replays)}/${encodeURIComponent(replayName(attempt))}">${inert(name)}</a>`;
  const good = attempt.outcome === 'right' || attempt.outcome === 'caught';
  const why = [
    ...attempt.problems,
    ...(attempt.said === '' ? [] : [`said: ${attempt.said}`]),
    ...(attempt.verdict === null ? [] : [`verdict: ${attempt.verdict}`]),
    ...(attempt.asked === null ? [] : [`asked: ${attempt.asked}`]),
  ];
  return `<tr><td>${link}<details class="why"><summary>${inert(attempt.instruction.slice(0, 90))}…</summary><p>${inert(attempt.instruction)}</p>${why.map((line) => `<p>${inert(line)}</p>`).join('')}</details></td><td class="${good ? 'good' : 'bad'}">${attempt.outcome}</td><td>${attempt.status}</td><td class="n">${attempt.steps}</td><td class="n">${attempt.seconds}</td><td class="n">${(attempt.costCents / 100).toFixed(2)}</td><td class="n">${Math.round(attempt.frameBytes / 1000)}</td></tr>`;
}

/** Foreign text as HTML that does nothing. */
function inert(text: string): string {
  return inertText(text, 4_000)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
