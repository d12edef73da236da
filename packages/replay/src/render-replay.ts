import { createHash } from 'node:crypto';
import type { Run, RunEvent } from '@deskhand/protocol';
import { chooseFrames, type ReplayFrame } from './choose-frames.ts';
import { html, Markup } from './html.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';
import { type ReplayAction, type ReplayStep, replaySteps } from './replay-steps.ts';

/** Characters beyond which a task is a text, no title: the first step is to be in sight, too. */
const LONG_TASK = 160;

export type ReplayRecord = Readonly<{
  run: Run;
  /** The whole log, in order. */
  events: readonly RunEvent[];
  /** Frames with their pixels, any order; none is fine. */
  frames: readonly ReplayFrame[];
}>;

export const REPLAY_MAX_BYTES = 6_000_000;
/** For everything that is not a picture. */
const TEXT_ALLOWANCE_BYTES = 1_000_000;

/**
 * One HTML page that needs nothing else: no network, no other file. Scripts and styles are allowed by their
 * hashes alone, so that text in it can never become one.
 */
export function renderReplay({ run, events, frames }: ReplayRecord): string {
  const steps = replaySteps(events);
  const { byStep, leftOut } = chooseFrames(frames, REPLAY_MAX_BYTES - TEXT_ALLOWANCE_BYTES);
  const lastStep = steps.at(-1)?.step ?? 0;
  // After its last action the run looked once more: that picture shows how it ended.
  const ending = [...byStep.values()].filter((frame) => frame.step > lastStep).at(-1);
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src '${hashOf(PAGE_STYLE)}'`,
    `script-src '${hashOf(PAGE_SCRIPT)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${run.status}: ${run.task.slice(0, 80)}</title>
<style>${new Markup(PAGE_STYLE)}</style>
</head>
<body>
<header>
<p><span class="state state-${cssClass(run.status)}">${run.status.replaceAll('_', ' ')}</span></p>
<h1 class="${run.task.length > LONG_TASK ? 'task long' : 'task'}" dir="auto">${run.task}</h1>
${summaryOf(run)}
<dl class="facts">${factsOf(run, steps).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${leftOut > 0 ? html`<p class="note">${leftOut} pictures were left out to keep this file small.</p>` : null}
</header>
<nav class="bar" aria-label="Steps" hidden>
<button type="button" class="before">Previous</button>
<input type="range" min="0" value="0" step="1" aria-label="Step">
<button type="button" class="after">Next</button>
<output aria-live="polite"></output>
<button type="button" class="all" aria-pressed="false">All steps</button>
</nav>
<main>
${steps.map((step) => sectionOf(step, byStep.get(step.step)))}
${ending === undefined ? null : html`<section class="step" id="end"><div class="story"><h2>At the end</h2></div>${pictureOf(ending, 'The screen at the end', [])}</section>`}
${steps.length === 0 && ending === undefined ? html`<p>This run made no step.</p>` : null}
</main>
<script>${new Markup(PAGE_SCRIPT)}</script>
</body>
</html>
`;
  return page.source;
}

function sectionOf(step: ReplayStep, frame: ReplayFrame | undefined): Markup {
  const facts = [
    step.startedAt === null ? null : timeOf(step.startedAt),
    step.costCents === null ? null : `${dollars(step.costCents)} so far`,
  ].filter((part) => part !== null);
  return html`<section class="step" id="step-${step.step}">
<div class="story">
<h2>Step ${step.step}</h2>
<p class="took">${facts.join(' · ')}</p>
${step.actions.length === 0 ? null : html`<ul class="actions">${step.actions.map(actionOf)}</ul>`}
${step.thoughts.map((thought) => html`<p class="label">The agent’s words</p><blockquote dir="auto">${thought}</blockquote>`)}
${step.notes.map((note) => html`<p class="note" dir="auto">${note}</p>`)}
</div>
${frame === undefined ? null : pictureOf(frame, `The screen at step ${step.step}`, step.actions)}
</section>`;
}

function actionOf(action: ReplayAction): Markup {
  const took = action.durationMs === null ? '' : ` · ${Math.round(action.durationMs)} ms`;
  return html`<li><strong><bdi>${action.words}</bdi></strong> <span class="outcome ${cssClass(action.outcome)}">${action.outcome.replaceAll('_', ' ')}</span> <span class="took">${took}</span>${action.error === null ? null : html` <bdi>${action.error}</bdi>`}</li>`;
}

function pictureOf(frame: ReplayFrame, name: string, actions: readonly ReplayAction[]): Markup {
  const targets = actions
    .map(({ target }) => target)
    .filter((target) => target !== null)
    .filter(({ x, y }) => x >= 0 && y >= 0 && x < frame.width && y < frame.height);
  const rings = targets.map(
    ({ x, y }) =>
      html`<svg class="ring" aria-hidden="true" viewBox="0 0 ${frame.width} ${frame.height}"><g fill="none"><circle cx="${x}" cy="${y}" r="${frame.width / 60}" stroke="#0b0e12" stroke-width="${frame.width / 180}"/><circle cx="${x}" cy="${y}" r="${frame.width / 60}" stroke="#fff" stroke-width="${frame.width / 400}"/><path d="M${x - frame.width / 70} ${y}h${frame.width / 35}M${x} ${y - frame.width / 70}v${frame.width / 35}" stroke="#ff3b30" stroke-width="${frame.width / 400}"/></g></svg>`,
  );
  const alt = targets.length === 0 ? name : `${name}; a ring marks where it acted`;
  return html`<div class="frame"><img alt="${alt}" width="${frame.width}" height="${frame.height}" src="data:${frame.mimeType};base64,${new Markup(frame.base64)}">${rings}</div>`;
}

function summaryOf(run: Run): Markup | null {
  const words = run.result?.summary ?? run.error?.message ?? '';
  return words === '' ? null : html`<p class="summary" dir="auto">${words}</p>`;
}

function factsOf(run: Run, steps: readonly ReplayStep[]): Array<[string, string]> {
  const verdict = run.result?.verdict;
  const facts: Array<[string, string | null]> = [
    ['Steps', `${run.steps_completed} of at most ${run.max_steps}`],
    ['Cost', dollars(run.cost_cents)],
    ['Started', run.started_at === null ? null : timeOf(run.started_at)],
    ['Took', tookOf(run)],
    ['Error', run.error?.code ?? null],
    [
      'Verifier',
      verdict === undefined ? null : `${verdict.passed ? 'passed' : 'not passed'}: ${verdict.reason}`,
    ],
    ['Actions', String(steps.reduce((sum, step) => sum + step.actions.length, 0))],
    ['Run', run.id],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}

function tookOf(run: Run): string | null {
  if (run.started_at === null || run.finished_at === null) return null;
  const ms = Date.parse(run.finished_at) - Date.parse(run.started_at);
  return Number.isFinite(ms) && ms >= 0 ? `${(ms / 1000).toFixed(1)} s` : null;
}

/** In UTC and spelled out: the page is read elsewhere and later. */
function timeOf(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? 'unknown time'
    : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function dollars(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`;
}

function cssClass(outcome: string): string {
  return /^[a-z_]{1,32}$/.test(outcome) ? outcome : 'unknown';
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
