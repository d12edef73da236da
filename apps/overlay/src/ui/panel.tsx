import { Controls, Question } from './controls.tsx';
import type { Later } from './later.tsx';
import { formatClock } from './numbers.ts';
import type { PanelModel } from './panel-model.ts';
import { RunMeter } from './run-meter.tsx';
import { Status } from './status.tsx';
import { StopButton } from './stop-button.tsx';
import { Next } from './story.tsx';
import { t } from './words.ts';

/** The whole panel. STOP comes first in the document (and so in tab order) and stands last on the screen. */
export function Panel(props: {
  model: PanelModel;
  /** What comes after the first paint, once it is there. */
  later: Later | null;
  pin: (() => void) | undefined;
}) {
  const { model, later, pin } = props;
  const view = model.shown;
  const { run, ask, pairing } = view ?? {};
  return (
    <main class={`panel mode-${view?.mode ?? 'controls_lost'}`}>
      <StopButton model={model} />
      {view !== null && <Status view={view} model={model} />}
      <div class="body">
        <p role="status" class="spoken">
          {later?.announcer.politeLine(model)}
        </p>
        <p role="alert" class="spoken">
          {later?.announcer.urgentLine(model)}
        </p>
        {model.linkRefused && <p class="sentence">{t('linkUsed')}</p>}
        {view === null && !model.linkRefused && <p class="sentence">{t('connecting')}</p>}
        {view !== null && (
          <>
            {later && <later.CommandNote model={model} />}
            {pairing?.code && (
              <p class="code">
                <span class="label">{t('pairing.code')}</span> <code>{pairing.code}</code>{' '}
                {pairing.expiresAt && t('pairing.until', { time: formatClock(pairing.expiresAt) })}
              </p>
            )}
            {ask && <Question ask={ask} />}
            {ask && later && <later.Thumbnail model={model} />}
            {run && <RunMeter run={run} nowMs={model.nowMs} />}
            {run && !ask && later && <later.Thumbnail model={model} />}
            {run && !ask && <Next view={view} />}
            {run && later && <later.StepLog steps={view.steps} />}
            {later && <later.Rest model={model} pin={pin} />}
          </>
        )}
      </div>
      <Controls model={model} later={later} />
    </main>
  );
}
