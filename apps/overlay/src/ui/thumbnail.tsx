import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

/** The screen as the agent sees it, with a cross-hair where it acts. Hidden while a person is in control. */
export function Thumbnail({ model: { thumbnail, shown } }: { model: PanelModel }) {
  if (shown?.mode === 'takeover') return <div class="picture empty">{t('thumbnail.hidden')}</div>;
  if (!thumbnail) return null;
  const { target, width, height, bitmap } = thumbnail;
  return (
    <div class="picture">
      <div class="screen" style={`aspect-ratio: ${width} / ${height}`}>
        <canvas
          role="img"
          aria-label={t(target ? 'thumbnail.target' : 'thumbnail')}
          width={width}
          height={height}
          ref={(canvas) => canvas?.getContext('2d')?.drawImage(bitmap, 0, 0)}
        />
        {target && (
          <span
            class="target"
            style={`left: ${(100 * target.x) / width}%; top: ${(100 * target.y) / height}%`}
          />
        )}
      </div>
    </div>
  );
}
