import type { ComponentChildren } from 'preact';
import type { AskView, CommandName } from '../core/panel-view.ts';
import { Icon } from './icon.tsx';
import type { Later } from './later.tsx';
import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

type Plain = Exclude<CommandName, 'stop' | 'approve' | 'deny'>;

/** The buttons of the state; what a state does not list cannot be pressed in it. */
export function Controls({ model, later }: { model: PanelModel; later: Later | null }) {
  const { mode, ask } = model.shown ?? {};
  switch (mode) {
    case 'running':
      return <Row model={model} names={['pause', 'takeover']} />;
    case 'paused':
      return <Row model={model} names={['resume', 'takeover']} />;
    case 'takeover':
      return <Row model={model} names={['hand_back']} />;
    case 'awaiting_human':
      return ask ? <Decision model={model} ask={ask} /> : null;
    case 'stopped':
      return later && <later.Reset model={model} />;
    default:
      return null;
  }
}

function Row({ model, names }: { model: PanelModel; names: readonly Plain[] }) {
  return (
    <Foot>
      {names.map((name) => (
        <button key={name} type="button" onClick={() => model.command(name)}>
          <Icon name={name} />
          {t(`command.${name}`)}
        </button>
      ))}
    </Foot>
  );
}

const Foot = ({ children }: { children: ComponentChildren }) => (
  <div class="foot">
    <div class="controls">{children}</div>
  </div>
);

/** Deny has the focus and Enter never approves. */
function Decision({ model, ask }: { model: PanelModel; ask: AskView }) {
  const dull = !model.armed;
  const yes = (name: 'approve' | 'answer', scope: 'once' | 'run' | 'always', label: string) => (
    <button
      type="button"
      class={scope === 'once' ? 'approve' : ''}
      aria-disabled={dull}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.preventDefault();
      }}
      onClick={() => model.decide('approve', scope)}
    >
      <Icon name={name} />
      {label}
    </button>
  );
  return (
    <div class="foot" aria-busy={dull}>
      <label class="note">
        <span class="label">{t('note')}</span>
        <textarea
          rows={1}
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
          <Icon name="deny" />
          {t('command.deny')}
        </button>
        {ask.request === null
          ? yes('answer', 'once', t('command.answer'))
          : yes('approve', 'once', t('command.approve'))}
      </div>
      <details class="more">
        <summary>{t('moreChoices')}</summary>
        <div class="controls">
          {ask.request !== null && yes('approve', 'run', t('command.approve_run'))}
          {ask.request !== null && yes('approve', 'always', t('command.approve_always'))}
          <button type="button" onClick={() => model.command('takeover')}>
            <Icon name="takeover" />
            {t('command.takeover')}
          </button>
        </div>
      </details>
    </div>
  );
}

/** What is asked: a headline from facts, the model's question quoted below it. */
export function Question({ ask }: { ask: AskView }) {
  return (
    <section class="decision">
      {ask.request !== null && (
        <p class="request">
          <bdi>{ask.request.action}</bdi>{' '}
          {ask.request.application !== '' && (
            <span>{t('inApplication', { application: ask.request.application })}</span>
          )}
        </p>
      )}
      {ask.question !== '' && (
        <p class="question">
          <span class="label">{t('asks')}</span>
          <q dir="auto">{ask.question}</q>
        </p>
      )}
    </section>
  );
}

/** Called with the element when it appears; repaints keep the element, so the focus moves once. */
function focusOnce(button: HTMLButtonElement | null): void {
  button?.focus({ preventScroll: true });
}
