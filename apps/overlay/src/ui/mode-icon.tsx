import type { PanelMode } from '../core/panel-view.ts';
import sprite from './icons.svg?no-inline';

/** One shape per state, so that no state is told by colour alone. 24×24, stroked with the text colour. */
export function ModeIcon({ mode }: { mode: PanelMode }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <use href={`${sprite}#${mode}`} />
    </svg>
  );
}
