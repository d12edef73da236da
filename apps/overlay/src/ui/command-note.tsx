import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

/** Only what went wrong; what worked shows in the state itself, and STOP tells beneath itself. */
export function CommandNote({ model }: { model: PanelModel }) {
  const { name = 'stop', result, message, code } = model.last ?? {};
  if (name === 'stop' || result === 'pending' || result === 'confirmed') return null;
  if (!code)
    return (
      <p class="trouble" role="alert">
        {t(result === 'refused' ? 'command.refused' : 'command.notConfirmed', {
          command: t(`command.${name}`),
          message,
        })}
      </p>
    );
  // Where no mouse of this desktop can be felt (a remote session): four digits that only this panel shows.
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
          onInput={({ currentTarget: { value } }) => {
            if (/^\d{4}$/.test(value)) model.confirmWithCode(value);
          }}
        />
      </label>
      <p class="label">{message}</p>
    </div>
  );
}
