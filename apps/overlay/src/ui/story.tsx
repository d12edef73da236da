import type { PanelView, StepView } from '../core/panel-view.ts';
import { fill, OUTCOME_WORDS, words } from './messages.ts';
import { formatSeconds } from './numbers.ts';

/** What happens next in facts, and beneath it the model's reason, quoted. */
export function Next({ view }: { view: PanelView }) {
  const step = view.next ?? view.steps[0] ?? null;
  if (step === null && view.thought === null) return null;
  return (
    <section class="next">
      {step?.action && (
        <p class="action">
          <span class="label">{view.next === null ? words.last : words.next}</span> <bdi>{step.action}</bdi>
        </p>
      )}
      {view.thought && (
        <details class="thought">
          <summary>
            <span class="label">{words.why}</span>
            <q dir="auto">{view.thought}</q>
          </summary>
        </details>
      )}
    </section>
  );
}

/** The last steps, newest first. A log for those who look; it is not spoken by itself. */
export function StepLog({ steps }: { steps: readonly StepView[] }) {
  const done = steps.filter((step) => step.outcome !== null);
  return (
    <section class="log">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get there */}
      <div role="log" aria-live="off" aria-label={words.steps} tabIndex={0}>
        <ol>
          {done.length === 0 && <li class="none">{words.noSteps}</li>}
          {done.map((step) => (
            <li key={step.step} class={`outcome-${step.outcome}`}>
              <span class="number">{step.step}</span>
              <bdi>{step.action}</bdi>
              <span class="outcome">{step.outcome === null ? '' : OUTCOME_WORDS[step.outcome]}</span>
              <span class="took">{fill(words.took, { seconds: formatSeconds(step.tookMs) })}</span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
