import type { Run, RunEvent } from '@deskhand/protocol';
import { describeAction } from '@deskhand/replay';
import { dollars, inert, type Style } from './terminal.ts';

const MAX_THOUGHT = 400;

/** Turns a run's events into lines a person can follow: each step with its thought, target and outcome. */
export class RunView {
  readonly #write: (line: string) => void;
  readonly #style: Style;
  #step = 0;
  #costCents = 0;
  /** Why it failed is the last thought, the error and the end of a log: one time is enough. */
  #said = '';

  constructor(write: (line: string) => void, style: Style) {
    this.#write = write;
    this.#style = style;
  }

  show(event: RunEvent): void {
    const s = this.#style;
    switch (event.type) {
      case 'status':
        if (event.status === 'queued') this.#write(s.dim('  queued'));
        if (event.status === 'running') this.#write(s.blue('▶ running'));
        return;
      case 'reasoning':
      case 'text':
        this.#said = event.text.length > MAX_THOUGHT ? '' : event.text;
        this.#write(`${s.dim('   thinks')}  ${inert(event.text, MAX_THOUGHT)}`);
        return;
      case 'tool_call':
        if (event.step !== this.#step) {
          this.#step = event.step;
          this.#write(s.bold(`Step ${event.step}`));
        }
        this.#write(`${s.dim('   does')}    ${describeAction(event)}`);
        return;
      case 'tool_result': {
        const word =
          event.outcome === undefined ? (event.success ? 'done' : 'failed') : inert(event.outcome, 40);
        const took = event.duration_ms === undefined ? '' : s.dim(` (${Math.round(event.duration_ms)} ms)`);
        const text = event.error === undefined ? word : `${word}: ${inert(event.error, 200)}`;
        this.#write(`${s.dim('   result')}  ${event.success ? s.green(text) : s.red(text)}${took}`);
        return;
      }
      case 'billing':
        this.#costCents = event.cost_cents;
        return;
      case 'awaiting_human':
        this.#write(s.yellow(`⏸ needs a person: ${inert(event.reason)}`));
        return;
      case 'resumed':
        this.#write(s.blue('▶ resumed'));
        return;
      case 'error':
        this.#write(
          s.red(
            `✗ ${inert(event.code, 80)}${this.#said === event.message ? '' : `: ${inert(event.message, 1000)}`}`,
          ),
        );
        this.#said = event.message;
        return;
      case 'done': {
        const cost = dollars(this.#costCents);
        const words = event.result?.summary ?? event.error?.message ?? '';
        const summary = this.#said === words && event.status !== 'succeeded' ? '' : inert(words, 1000);
        const line = `${event.status}${summary === '' ? '' : ` – ${summary}`} ${s.dim(`(${this.#step} steps, ${cost})`)}`;
        this.#write(event.status === 'succeeded' ? s.green(`✓ ${line}`) : s.red(`✗ ${line}`));
        return;
      }
      case 'step':
        return;
    }
  }
}

/** One line about a run for lists. */
export function runLine(run: Run): readonly string[] {
  return [
    run.id,
    run.status,
    String(run.steps_completed),
    dollars(run.cost_cents),
    run.created_at.replace('T', ' ').slice(0, 19),
    inert(run.task, 60),
  ];
}
