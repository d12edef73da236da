import { type Announcer, urgentLine } from './announcer.tsx';
import { Controls } from './controls.tsx';
import { COMMAND_WORDS, fill, words } from './messages.ts';
import { formatCents, formatClock } from './numbers.ts';
import type { PanelModel } from './panel-model.ts';
import { RunMeter } from './run-meter.tsx';
import { Status } from './status.tsx';
import { StopButton } from './stop-button.tsx';
import { Next, StepLog } from './story.tsx';
import { Thumbnail } from './thumbnail.tsx';

/** The whole panel. STOP comes first in the document (and so in tab order) and stands last on the screen. */
export function Panel(props: {
  model: PanelModel;
  announcer: Announcer;
  keepOnTop: (() => void) | undefined;
}) {
  const { model, announcer, keepOnTop } = props;
  const view = model.shown;
  return (
    <main class={`panel mode-${view?.mode ?? 'controls_lost'}`}>
      <StopButton model={model} />
      <div class="body">
        <p role="status" class="spoken">
          {announcer.politeLine(model)}
        </p>
        <p role="alert" class="spoken">
          {urgentLine(model)}
        </p>
        {model.linkRefused && <p class="sentence">{words.linkUsed}</p>}
        {view === null ? (
          !model.linkRefused && <p class="sentence">{words.connecting}</p>
        ) : (
          <>
            <Status view={view} hostHeard={model.hostHeard} />
            <CommandNote model={model} />
            {view.mode === 'pairing' && view.pairing?.code && (
              <p class="code">
                {fill(words.pairingCode, { code: view.pairing.code })}
                {view.pairing.expiresAt &&
                  ` ${fill(words.pairingUntil, { time: formatClock(view.pairing.expiresAt) })}`}
              </p>
            )}
            {view.run !== null && <RunMeter run={view.run} nowMs={model.nowMs} />}
            <Controls model={model} />
            {view.run !== null && view.mode !== 'awaiting_human' && <Thumbnail model={model} />}
            {view.run !== null && <Next view={view} />}
            {view.run !== null && <StepLog steps={view.steps} />}
            <PastRuns model={model} />
            {keepOnTop && (
              <div class="controls">
                <button type="button" onClick={keepOnTop}>
                  {words.keepOnTop}
                </button>
              </div>
            )}
            {view.details.length > 0 && (
              <details class="more">
                <summary>{words.details}</summary>
                <dl>
                  {view.details.map(({ name, value }) => (
                    <div key={name}>
                      <dt>{name}</dt>
                      <dd>
                        <bdi>{value}</bdi>
                      </dd>
                    </div>
                  ))}
                </dl>
              </details>
            )}
          </>
        )}
      </div>
    </main>
  );
}

/** Only what went wrong; what worked shows in the state itself. */
function CommandNote({ model }: { model: PanelModel }) {
  const { last } = model;
  if (last === null || last.name === 'stop' || last.result === 'pending' || last.result === 'confirmed')
    return null;
  if (last.code !== undefined) return <CodeEntry model={model} code={last.code} />;
  const pattern = last.result === 'refused' ? words.commandRefused : words.commandNotConfirmed;
  return (
    <p class="trouble" role="alert">
      {fill(pattern, { command: COMMAND_WORDS[last.name], message: last.message ?? '' })}
    </p>
  );
}

/** Where no mouse of this desktop can be felt (a remote session): four digits that only this panel shows. */
function CodeEntry({ model, code }: { model: PanelModel; code: string }) {
  return (
    <div class="code-entry" role="alert">
      <label>
        {fill(words.codeAsk, { code })}
        <input
          key={code}
          type="text"
          inputMode="numeric"
          autocomplete="off"
          maxLength={4}
          onInput={({ currentTarget }) => {
            const typed = currentTarget.value;
            if (/^\d{4}$/.test(typed)) model.confirmWithCode(typed);
          }}
        />
      </label>
    </div>
  );
}

function PastRuns({ model }: { model: PanelModel }) {
  const current = model.shown?.run?.id;
  const runs = (model.shown?.pastRuns ?? []).filter((run) => run.id !== current);
  if (runs.length === 0) return null;
  return (
    <details class="more">
      <summary>{words.runsToday}</summary>
      <ul>
        {runs.map((run) => (
          <li key={run.id}>
            <bdi>{run.task}</bdi>
            <span class="figures">
              <span>{run.status}</span> <span>{formatClock(run.startedAt)}</span>{' '}
              <span>{formatCents(run.costCents)}</span>
            </span>
            <code>{fill(words.replay, { id: run.id })}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}
