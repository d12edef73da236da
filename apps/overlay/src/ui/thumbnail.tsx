import { words } from './messages.ts';
import type { PanelModel } from './panel-model.ts';

/** The screen as the agent sees it, with a cross-hair where it acts. Hidden while a person is in control. */
export function Thumbnail({ model }: { model: PanelModel }) {
  const mode = model.shown?.mode;
  const picture = model.thumbnail;
  if (mode === 'takeover') return <div class="picture empty">{words.thumbnailHidden}</div>;
  if (picture === null || !model.shown?.run) return null;
  const { target, width, height, url } = picture;
  const inside = target !== null && target.x >= 0 && target.y >= 0 && target.x < width && target.y < height;
  return (
    <div class="picture">
      <div class="screen" style={{ aspectRatio: `${width} / ${height}` }}>
        <img src={url} alt={inside ? words.thumbnailTarget : words.thumbnail} />
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
