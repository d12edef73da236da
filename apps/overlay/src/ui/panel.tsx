import { politeLine, urgentLine } from './announcer.ts';
import { CommandNote } from './command-note.tsx';
import { Controls, Question } from './controls.tsx';
import { formatClock } from './numbers.ts';
import type { PanelModel } from './panel-model.ts';
import { Rest } from './rest.tsx';
import { RunMeter } from './run-meter.tsx';
import { Status } from './status.tsx';
import { StepLog } from './step-log.tsx';
import { StopButton } from './stop-button.tsx';
import { Next } from './story.tsx';
import { Thumbnail } from './thumbnail.tsx';
import { t } from './words.ts';

/** The whole panel. STOP comes first in the document (and so in tab order) and stands last on the screen. */
export function Panel({ model }: { model: PanelModel }) {
  const view = model.shown;
  const { run, ask, pairing } = view ?? {};
  return (
    <main class={`panel mode-${view?.mode ?? 'controls_lost'}`}>
      <StopButton model={model} />
      {view !== null && <Status view={view} model={model} />}
      <div class="body">
        <p role="status" class="spoken">
          {politeLine(model)}
        </p>
        <p role="alert" class="spoken">
          {urgentLine(model)}
        </p>
        {model.linkRefused && <p class="sentence">{t('linkUsed')}</p>}
        {view === null && !model.linkRefused && <p class="sentence">{t('connecting')}</p>}
        {view !== null && (
          <>
            <CommandNote model={model} />
            {pairing?.code && (
              <p class="code">
                <span class="label">{t('pairing.code')}</span> <code>{pairing.code}</code>{' '}
                {pairing.expiresAt && t('pairing.until', { time: formatClock(pairing.expiresAt) })}
              </p>
            )}
            {ask && <Question ask={ask} />}
            {ask && <Thumbnail model={model} />}
            {run && <RunMeter run={run} nowMs={model.nowMs} />}
            {run && !ask && <Thumbnail model={model} />}
            {run && !ask && <Next view={view} />}
            {run && <StepLog steps={view.steps} />}
            <Rest model={model} />
          </>
        )}
      </div>
      <Controls model={model} />
    </main>
  );
}
