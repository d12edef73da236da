import type { PanelView } from '../core/panel-view.ts';
import { Icon } from './icon.tsx';
import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

const DEFAULT_STOP: PanelView['stop'] = {
  active: false,
  chord: 'Ctrl+Alt+Shift+Esc',
  chordArmed: null,
  chordReason: null,
};

/**
 * The red button. Fires when the pointer goes down, from any device, in every state; never disabled. It looks
 * inactive when nobody is known to listen, and still tries every path.
 */
export function StopButton({ model }: { model: PanelModel }) {
  const stop = model.shown?.stop ?? DEFAULT_STOP;
  return (
    <div class={stop.active ? 'stop' : 'stop inactive'}>
      <button
        type="button"
        class="stop-button"
        aria-describedby="stop-note"
        onPointerDown={() => model.stop()}
        onClick={(event) => {
          // Keyboard and screen readers click without a pointer.
          if (event.detail === 0) model.stop();
        }}
      >
        <Icon name="stop" />
        <span>{t('stop')}</span>
      </button>
      <p id="stop-note" class="stop-note">
        {noteOf(model, stop)}
      </p>
    </div>
  );
}

function noteOf({ last }: PanelModel, { active, chord, chordArmed, chordReason }: PanelView['stop']): string {
  if (last?.name === 'stop' && last.result !== 'confirmed')
    return last.result === 'pending'
      ? t('stop.pending')
      : `${t('stop.notConfirmed', { chord })} ${last.message ?? ''}`;
  if (!active) return t('stop.inactive', { chord });
  if (chordArmed === false) return t('stop.hotkeyDead', { reason: chordReason });
  return t('stop.anywhere', { chord });
}
