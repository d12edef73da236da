import { Button } from './button.tsx';
import { formatCents, formatClock } from './numbers.ts';
import type { PanelModel } from './panel-model.ts';
import { t } from './words.ts';

/** The day's runs, technical details, and the way to keep the window above the others. */
export function Rest({ model: { shown, transport } }: { model: PanelModel }) {
  const { mode, pastRuns = [], wholeDay, details = [] } = shown ?? {};
  return (
    <div class="rest">
      {transport.pin && (
        <div class="controls quiet">
          <Button icon="pin" label={t('keepOnTop')} onClick={transport.pin} />
        </div>
      )}
      {pastRuns.length > 0 && (
        <details class="more runs" open={mode === 'idle'}>
          <summary>{t(wholeDay ? 'runsToday' : 'runsSeen', { count: pastRuns.length })}</summary>
          <ul>
            {pastRuns.map(({ id, task, status, steps, costCents, startedAt, replay }) => (
              <li key={id}>
                <bdi>{task}</bdi>
                {replay && (
                  <Button
                    icon="replay"
                    label={t('command.replay')}
                    class="plain"
                    onClick={() => transport.replay(id)}
                  />
                )}
                <span class="facts">
                  {[
                    t('runStatus', { status }),
                    t('stepCount', { count: steps }),
                    formatCents(costCents),
                    formatClock(startedAt),
                  ]
                    .filter(Boolean)
                    .join(' · ')}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {details.length > 0 && (
        <details class="more">
          <summary>{t('details')}</summary>
          <dl>
            {details.map(({ name, value }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}
