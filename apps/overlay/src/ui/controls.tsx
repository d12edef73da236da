import type { AskView, CommandName } from '../core/panel-view.ts';
import { COMMAND_WORDS, fill, words } from './messages.ts';
import type { PanelModel } from './panel-model.ts';
import { Thumbnail } from './thumbnail.tsx';

type Plain = Exclude<CommandName, 'stop' | 'approve' | 'deny'>;

/** The buttons of the state; what a state does not list cannot be pressed in it. */
export function Controls({ model }: { model: PanelModel }) {
  const mode = model.shown?.mode;
  switch (mode) {
    case 'running':
      return <Row model={model} names={['pause', 'takeover']} />;
    case 'paused':
      return <Row model={model} names={['resume', 'takeover']} />;
    case 'takeover':
      return <Row model={model} names={['hand_back']} />;
    case 'awaiting_human':
      return model.shown?.ask ? <Decision model={model} ask={model.shown.ask} /> : null;
    case 'stopped':
      return <Reset model={model} />;
    default:
      return null;
  }
}

function Row({ model, names }: { model: PanelModel; names: readonly Plain[] }) {
  return (
    <div class="controls">
      {names.map((name) => (
        <button key={name} type="button" onClick={() => model.command(name)}>
          {COMMAND_WORDS[name]}
        </button>
      ))}
    </div>
  );
}

/** Headline from facts; the model's question quoted below it; Deny has the focus and Enter never approves. */
function Decision({ model, ask }: { model: PanelModel; ask: AskView }) {
  const dull = !model.armed;
  return (
    <section class="decision" aria-busy={dull}>
      {ask.request !== null && (
        <p class="request">
          <bdi>{ask.request.action}</bdi>{' '}
          {ask.request.application !== '' && (
            <span>{fill(words.inApplication, { application: ask.request.application })}</span>
          )}
        </p>
      )}
      <Thumbnail model={model} />
      {ask.question !== '' && (
        <p class="question">
          <span class="label">{words.asks}</span>
          <q dir="auto">{ask.question}</q>
        </p>
      )}
      <label class="note">
        <span class="label">{words.note}</span>
        <textarea
          rows={2}
          maxLength={2000}
          dir="auto"
          value={model.note}
          onInput={(event) => model.setNote(event.currentTarget.value)}
        />
      </label>
      <div class="controls">
        <button
          type="button"
          class="deny"
          aria-disabled={dull}
          ref={focusOnce}
          onClick={() => model.decide('deny')}
        >
          {COMMAND_WORDS.deny}
        </button>
        <button
          type="button"
          class="approve"
          aria-disabled={dull}
          onKeyDown={(event) => {
            if (event.key === 'Enter') event.preventDefault();
          }}
          onClick={() => model.decide('approve')}
        >
          {COMMAND_WORDS.approve}
        </button>
        <button type="button" onClick={() => model.command('takeover')}>
          {COMMAND_WORDS.takeover}
        </button>
      </div>
    </section>
  );
}

/** Called with the element when it appears; repaints keep the element, so the focus moves once. */
function focusOnce(button: HTMLButtonElement | null): void {
  button?.focus({ preventScroll: true });
}

/** Held for a second; a reset permits runs, it starts none. */
function Reset({ model }: { model: PanelModel }) {
  return (
    <div class="controls">
      <button
        type="button"
        class={model.holdingReset ? 'reset holding' : 'reset'}
        onPointerDown={() => model.holdReset()}
        onPointerUp={() => model.releaseReset()}
        onPointerLeave={() => model.releaseReset()}
        onPointerCancel={() => model.releaseReset()}
        onKeyDown={(event) => {
          if (event.key !== ' ' && event.key !== 'Enter') return;
          event.preventDefault();
          if (!event.repeat) model.holdReset();
        }}
        onKeyUp={() => model.releaseReset()}
        onBlur={() => model.releaseReset()}
        onClick={(event) => {
          if (event.detail === 0) model.activateReset();
        }}
      >
        {model.confirmingReset ? words.resetAgain : words.resetHold}
      </button>
    </div>
  );
}
