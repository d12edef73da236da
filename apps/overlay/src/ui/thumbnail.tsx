import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

/** The screen as the agent sees it, with a cross-hair where it acts. Hidden while a person is in control. */
export function Thumbnail({ model }: { model: PanelModel }) {
  const picture = model.thumbnail;
  if (model.shown?.mode === 'takeover') return <div class="picture empty">{t('thumbnail.hidden')}</div>;
  if (picture === null || !model.shown?.run) return null;
  const { target, width, height, url } = picture;
  const inside = target !== null && target.x >= 0 && target.y >= 0 && target.x < width && target.y < height;
  return (
    <div class="picture">
      <div class="screen" style={{ aspectRatio: `${width} / ${height}` }}>
        <img src={url} alt={t(inside ? 'thumbnail.target' : 'thumbnail')} />
        {inside && (
          <span
            class="target"
            style={{ left: `${(100 * target.x) / width}%`, top: `${(100 * target.y) / height}%` }}
          />
        )}
      </div>
    </div>
  );
}
