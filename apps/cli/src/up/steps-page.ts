import type { Run, RunEvent } from '@deskhand/protocol';
import { describeCall } from '../output/run-view.ts';
import { dollars } from '../output/terminal.ts';

export type StepPicture = Readonly<{
  index: number;
  step: number;
  mimeType: string;
  base64: string;
  width: number;
  height: number;
}>;

/** One self-contained page: each step with its picture, thought, action and outcome. Works offline; all foreign text is inert. */
export function stepsPage(run: Run, events: readonly RunEvent[], pictures: readonly StepPicture[]): string {
  const steps = groupBySteps(events);
  const sections = steps.map(({ step, lines }) => {
    const shown = pictures.filter((picture) => picture.step === step).at(-1);
    const image =
      shown === undefined
        ? ''
        : `<img alt="The screen at step ${step}" width="${shown.width}" height="${shown.height}" loading="lazy" src="data:${escapeHtml(shown.mimeType)};base64,${escapeHtml(shown.base64)}">`;
    return `<section><h2>Step ${step}</h2>${image}<ul>${lines.map(({ kind, text }) => `<li class="${kind}">${escapeHtml(text)}</li>`).join('')}</ul></section>`;
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escapeHtml(run.status)}: ${escapeHtml(run.task.slice(0, 80))}</title><style>
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:62rem;margin:2rem auto;padding:0 1rem}
img{max-width:100%;height:auto;border:1px solid #8886;border-radius:6px}section{margin:2rem 0;border-top:1px solid #8884}
.thought{opacity:.75;font-style:italic}.bad{color:#c62828}pre{white-space:pre-wrap;background:#8881;padding:.8rem;border-radius:6px}
</style></head><body><h1>${escapeHtml(run.status)}</h1><p>${escapeHtml(run.result?.summary ?? run.error?.message ?? '')}</p>
<p>${run.steps_completed} steps, ${dollars(run.cost_cents)}, run ${escapeHtml(run.id)}</p><pre>${escapeHtml(run.task)}</pre>${sections.join('\n')}</body></html>\n`;
}

type Line = { kind: 'thought' | 'act' | 'ok' | 'bad'; text: string };

function groupBySteps(events: readonly RunEvent[]): Array<{ step: number; lines: Line[] }> {
  const steps: Array<{ step: number; lines: Line[] }> = [];
  let pending: Line[] = [];
  const current = (step: number) => {
    let found = steps.find((entry) => entry.step === step);
    if (found === undefined) {
      found = { step, lines: [] };
      steps.push(found);
    }
    found.lines.push(...pending);
    pending = [];
    return found.lines;
  };
  for (const event of events) {
    if (event.type === 'reasoning' || event.type === 'text')
      pending.push({ kind: 'thought', text: event.text });
    else if (event.type === 'tool_call')
      current(event.step).push({ kind: 'act', text: describeCall(event.action_type, event.params) });
    else if (event.type === 'tool_result')
      current(event.step).push({
        kind: event.success ? 'ok' : 'bad',
        text: [event.outcome, event.error].filter(Boolean).join(': ') || (event.success ? 'done' : 'failed'),
      });
  }
  if (pending.length > 0) steps.push({ step: (steps.at(-1)?.step ?? 0) + 1, lines: pending });
  return steps;
}

function escapeHtml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202a-\u202e\u2066-\u2069]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
