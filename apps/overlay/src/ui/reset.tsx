import { Button } from './button.tsx';
import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

/** Held for a second; a reset permits runs, it starts none. */
export function Reset({ model }: { model: PanelModel }) {
  const release = () => model.releaseReset();
  return (
    <Button
      icon="reset"
      label={t(model.confirmingReset ? 'reset.again' : 'reset.hold')}
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
    />
  );
}
