/** @jsxRuntime classic */
/** @jsx h */
import type { h } from 'preact';
import type { StepView } from '../core/panel-view.ts';
import { Announcer } from './announcer.ts';
import type { Icon as IconType } from './icon.tsx';
import { keepOnTop } from './keep-on-top.ts';
import type * as Numbers from './numbers.ts';
import type { PanelModel } from './panel-model.ts';
import { showPatch } from './probe-patch.ts';
import type { sentenceOf } from './status.tsx';
import { moveWindow, placeOf, watchPlace } from './window-place.ts';
import type { t as translate } from './words.ts';

/** What this file uses of the first bundle; handed in, so that the bundle stays in one piece. */
export type Given = Readonly<{
  h: typeof h;
  Icon: typeof IconType;
  numbers: typeof Numbers;
  t: typeof translate;
  sentenceOf: typeof sentenceOf;
}>;
export type Later = ReturnType<typeof makeLater>;

/** What nobody needs to see the state, to stop or to decide: it comes after the first paint. */
export function makeLater({
  // biome-ignore lint/correctness/noUnusedFunctionParameters: JSX calls it
  h,
  Icon,
  numbers: { formatCents, formatClock, formatCount, formatSeconds },
  t,
  sentenceOf,
}: Given) {
  /** The day's runs, technical details, and the way to keep the window above the others. */
  function Rest({ model, pin }: { model: PanelModel; pin: (() => void) | undefined }) {
    const { details = [] } = model.shown ?? {};
    return (
      <div class="rest">
        {pin && (
          <div class="controls quiet">
            <button type="button" onClick={pin}>
              <Icon name="pin" />
              {t('keepOnTop')}
            </button>
          </div>
        )}
        <PastRuns model={model} />
        {details.length > 0 && (
          <details class="more">
            <summary>{t('details')}</summary>
            <dl>
              {details.map(({ name, value }) => (
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
      </div>
    );
  }

  function PastRuns({ model }: { model: PanelModel }) {
    const view = model.shown;
    const runs = (view?.pastRuns ?? []).filter((run) => run.id !== view?.run?.id || run.replay);
    if (runs.length === 0) return null;
    return (
      <details class="more runs" open={view?.mode === 'idle'}>
        <summary>{t(view?.wholeDay ? 'runsToday' : 'runsSeen', { count: runs.length })}</summary>
        <ul>
          {runs.map((run) => (
            <li key={run.id}>
              <bdi>{run.task}</bdi>
              {run.replay && (
                <button type="button" class="plain" onClick={() => model.replay(run.id)}>
                  <Icon name="replay" />
                  {t('command.replay')}
                </button>
              )}
              <span class="facts">
                {[
                  t('runStatus', { status: run.status }),
                  t('stepCount', { count: run.steps }),
                  formatCents(run.costCents),
                  formatClock(run.startedAt),
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
            </li>
          ))}
        </ul>
      </details>
    );
  }

  /** The screen as the agent sees it, with a cross-hair where it acts. Hidden while a person is in control. */
  function Thumbnail({ model }: { model: PanelModel }) {
    const picture = model.thumbnail;
    if (model.shown?.mode === 'takeover') return <div class="picture empty">{t('thumbnail.hidden')}</div>;
    if (picture === null || !model.shown?.run) return null;
    const { target, width, height, bitmap } = picture;
    const inside = target !== null && target.x >= 0 && target.y >= 0 && target.x < width && target.y < height;
    return (
      <div class="picture">
        <div class="screen" style={{ aspectRatio: `${width} / ${height}` }}>
          <canvas
            role="img"
            aria-label={t(inside ? 'thumbnail.target' : 'thumbnail')}
            width={width}
            height={height}
            ref={(canvas) => canvas?.getContext('2d')?.drawImage(bitmap, 0, 0)}
          />
          {inside && (
            <span
              class="target"
              style={{ left: `${(100 * target.x) / width}%`, top: `${(100 * target.y) / height}%` }}
            />
          )}
        </div>
      </div>
    );
  }

  /** The last steps, newest first. A log for those who look; it is not spoken by itself. */
  function StepLog({ steps }: { steps: readonly StepView[] }) {
    const done = steps.filter((step) => step.outcome !== null);
    return (
      <section class="log">
        <div role="log" aria-live="off" aria-label={t('steps')}>
          <ol>
            {done.length === 0 && <li class="none">{t('noSteps')}</li>}
            {done.map((step) => (
              <li
                key={step.step}
                class={`outcome-${step.outcome}`}
                title={
                  step.settledMs === null
                    ? undefined
                    : t('settled', { seconds: formatSeconds(step.settledMs) })
                }
              >
                <span class="number">{formatCount(step.step)}</span>
                <bdi>{step.action}</bdi>
                <span class="outcome">{step.outcome && t(`outcome.${step.outcome}`)}</span>
                <span class="took">{t('took', { seconds: formatSeconds(step.tookMs) })}</span>
              </li>
            ))}
          </ol>
        </div>
      </section>
    );
  }

  /** Held for a second; a reset permits runs, it starts none. */
  function Reset({ model }: { model: PanelModel }) {
    const release = () => model.releaseReset();
    return (
      <div class="foot">
        <div class="controls">
          <button
            type="button"
            class={model.holdingReset ? 'reset holding' : 'reset'}
            onPointerDown={() => model.holdReset()}
            onPointerUp={release}
            onPointerLeave={release}
            onPointerCancel={release}
            onKeyDown={(event) => {
              if (event.key !== ' ' && event.key !== 'Enter') return;
              event.preventDefault();
              if (!event.repeat) model.holdReset();
            }}
            onKeyUp={release}
            onBlur={release}
            onClick={(event) => {
              if (event.detail === 0) model.activateReset();
            }}
          >
            <Icon name="reset" />
            {t(model.confirmingReset ? 'reset.again' : 'reset.hold')}
          </button>
        </div>
      </div>
    );
  }

  /** Only what went wrong; what worked shows in the state itself. */
  function CommandNote({ model }: { model: PanelModel }) {
    const { last } = model;
    if (last === null || last.name === 'stop' || last.result === 'pending' || last.result === 'confirmed')
      return null;
    if (last.code !== undefined) return <CodeEntry model={model} code={last.code} />;
    return (
      <p class="trouble" role="alert">
        {t(last.result === 'refused' ? 'command.refused' : 'command.notConfirmed', {
          command: t(`command.${last.name}`),
          message: last.message,
        })}
      </p>
    );
  }

  /** Where no mouse of this desktop can be felt (a remote session): four digits that only this panel shows. */
  function CodeEntry({ model, code }: { model: PanelModel; code: string }) {
    return (
      <div class="code-entry trouble" role="alert">
        <label>
          {t('codeAsk', { code })}
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
        <p class="label">{model.last?.message}</p>
      </div>
    );
  }

  return {
    Rest,
    Thumbnail,
    CommandNote,
    StepLog,
    Reset,
    announcer: new Announcer(t, sentenceOf),
    keepOnTop,
    showPatch,
    moveWindow,
    placeOf,
    watchPlace,
  };
}
