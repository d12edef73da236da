import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Run } from '@deskhand/protocol';
import { renderReplay } from '@deskhand/replay';
import type { Attempt } from './attempt.ts';
import type { EvalDesktop } from './eval-desktop.ts';

type Frame = Parameters<typeof renderReplay>[0]['frames'][number];

/** File name of an attempt's replay. */
export function replayName({ id, repeat, twin }: Pick<Attempt, 'id' | 'repeat' | 'twin'>): string {
  return `${id.replaceAll('/', '-')}${twin ? '-twin' : ''}${repeat > 1 ? `-${repeat}` : ''}.html`;
}

/** Writes the page of one run, while the server that knows it is still up. */
export async function keepReplay(
  attempt: Attempt,
  run: Run,
  desktop: EvalDesktop,
  folder: string,
): Promise<void> {
  const events = await desktop.client.runs.log(run.id);
  const frames = await framesOf(desktop, run.id);
  writeFileSync(path.join(folder, replayName(attempt)), renderReplay({ run, events, frames }));
}

async function framesOf({ client }: EvalDesktop, runId: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  let afterIndex: number | undefined;
  for (;;) {
    const list = await client.runs.screenshots(runId, {
      includeImage: true,
      limit: 10,
      ...(afterIndex === undefined ? {} : { afterIndex }),
    });
    for (const item of list.data) {
      afterIndex = item.index;
      if (item.image_b64 === undefined) continue;
      frames.push({
        index: item.index,
        step: item.step,
        mimeType: item.mime_type,
        base64: item.image_b64,
        width: item.width,
        height: item.height,
      });
    }
    if (!list.has_more || list.data.length === 0) return frames;
  }
}
