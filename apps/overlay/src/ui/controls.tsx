import type { ComponentChildren } from 'preact';
import type { ApprovalScope, AskView, CommandName } from '../core/panel-view.ts';
import { Button } from './button.tsx';
import type { PanelModel } from './panel-model.ts';
import { Reset } from './reset.tsx';
import { t } from './words.ts';

type Plain = Exclude<CommandName, 'stop' | 'approve' | 'deny'>;

/** The buttons of the state; what a state does not list cannot be pressed in it. */
export function Controls({ model }: { model: PanelModel }) {
  const { mode, ask } = model.shown ?? {};
  const row = (...names: readonly Plain[]) => (
    <div class="foot">
      <Row>
        {names.map((name) => (
          <Plainly key={name} model={model} name={name} />
        ))}
      </Row>
    </div>
  );
  switch (mode) {
    case 'running':
      return row('pause', 'takeover');
    case 'paused':
      return row('resume', 'takeover');
    case 'takeover':
      return row('hand_back');
    case 'awaiting_human':
      return ask && <Decision model={model} ask={ask} />;
    case 'stopped':
      return (
        <div class="foot">
          <Row>
            <Reset model={model} />
          </Row>
        </div>
      );
    default:
      return null;
  }
}

const Row = ({ children }: { children: ComponentChildren }) => <div class="controls">{children}</div>;

const Plainly = ({ model, name }: { model: PanelModel; name: Plain }) => (
  <Button icon={name} label={t(`command.${name}`)} onClick={() => model.command(name)} />
);

/** Deny has the focus and Enter never approves. */
function Decision({ model, ask }: { model: PanelModel; ask: AskView }) {
  const dull = !model.armed;
  const yes = (
    name: 'approve' | 'answer' | 'approve_run' | 'approve_always',
    scope: ApprovalScope = 'once',
  ) => (
    <Button
      icon={name === 'answer' ? name : 'approve'}
      label={t(`command.${name}`)}
      class={scope === 'once' ? 'approve' : ''}
      aria-disabled={dull}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.preventDefault();
      }}
      onClick={() => model.decide('approve', scope)}
    />
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
          onInput={({ currentTarget }) => {
            model.note = currentTarget.value;
          }}
        />
      </label>
      <Row>
        <Button
          icon="deny"
          label={t('command.deny')}
          class="deny"
          aria-disabled={dull}
          ref={focusOnce}
          onClick={() => model.decide('deny')}
        />
        {yes(ask.request ? 'approve' : 'answer')}
      </Row>
      <details class="more">
        <summary>{t('moreChoices')}</summary>
        <Row>
          {ask.request && yes('approve_run', 'run')}
          {ask.request && yes('approve_always', 'always')}
          <Plainly model={model} name="takeover" />
        </Row>
      </details>
    </div>
  );
}

/** What is asked: a headline from facts, the model's question quoted below it. */
export function Question({ ask: { request, question } }: { ask: AskView }) {
  return (
    <section class="decision">
      {request && (
        <p class="request">
          <bdi>{request.action}</bdi>{' '}
          {request.application && <span>{t('inApplication', { application: request.application })}</span>}
        </p>
      )}
      {question && (
        <p class="question">
          <span class="label">{t('asks')}</span>
          <q dir="auto">{question}</q>
        </p>
      )}
    </section>
  );
}

/** Called with the element when it appears; repaints keep the element, so the focus moves once. */
function focusOnce(button: HTMLButtonElement | null): void {
  button?.focus({ preventScroll: true });
}
