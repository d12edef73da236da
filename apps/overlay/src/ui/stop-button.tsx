import type { PanelView } from '../core/panel-view.ts';
import { fill, words } from './messages.ts';
import type { PanelModel } from './panel-model.ts';

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
        {words.stop}
      </button>
      <p id="stop-note" class="stop-note">
        {noteOf(model, stop)}
      </p>
    </div>
  );
}

function noteOf(model: PanelModel, stop: PanelView['stop']): string {
  if (model.last?.name === 'stop' && model.last.result !== 'confirmed') {
    if (model.last.result === 'pending') return words.stopping;
    return [fill(words.stopNotConfirmed, { chord: stop.chord }), model.last.message]
      .filter(Boolean)
      .join(' ');
  }
  if (!stop.active) return fill(words.stopInactive, { chord: stop.chord });
  if (stop.chordArmed === false) return fill(words.hotkeyDead, { reason: stop.chordReason ?? '' });
  return fill(words.stopFromAnywhere, { chord: stop.chord });
}
