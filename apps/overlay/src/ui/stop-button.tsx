import { Button } from './button.tsx';
import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

/**
 * The red button. Fires when the pointer goes down, from any device, in every state; never disabled. It looks
 * inactive when nobody is known to listen, and still tries every path.
 */
export function StopButton({ model }: { model: PanelModel }) {
  return (
    <div class={model.shown?.stop.active ? 'stop' : 'stop inactive'}>
      <Button
        icon="stop"
        label={t('stop')}
        class="stop-button"
        aria-describedby="stop-note"
        onPointerDown={() => model.stop()}
        onClick={(event) => {
          // Keyboard and screen readers click without a pointer.
          if (event.detail === 0) model.stop();
        }}
      />
      <p id="stop-note" class="stop-note">
        {noteOf(model)}
      </p>
    </div>
  );
}

function noteOf({ last, shown }: PanelModel): string {
  const { active, chord = 'Ctrl+Alt+Shift+Esc', chordArmed, chordReason } = shown?.stop ?? {};
  if (last?.name === 'stop' && last.result === 'pending') return t('stop.pending');
  if (last?.name === 'stop' && last.result !== 'confirmed')
    return `${t('stop.notConfirmed', { chord })} ${last.message ?? ''}`;
  if (!active) return t('stop.inactive', { chord });
  return chordArmed === false ? t('stop.hotkeyDead', { reason: chordReason }) : t('stop.anywhere', { chord });
}
