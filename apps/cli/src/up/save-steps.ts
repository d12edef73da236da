import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Client } from '@deskhand/client';
import type { Run } from '@deskhand/protocol';
import { type ReplayFrame, renderReplay } from '@deskhand/replay';

/** Every frame the engine saw in this run, oldest first, page by page. */
export async function collectPictures(client: Client, runId: string): Promise<ReplayFrame[]> {
  const pictures: ReplayFrame[] = [];
  let after: number | undefined;
  for (;;) {
    const list = await client.runs.screenshots(runId, {
      includeImage: true,
      limit: 10,
      ...(after === undefined ? {} : { afterIndex: after }),
    });
    for (const item of list.data) {
      after = item.index;
      if (item.image_b64 === undefined) continue;
      pictures.push({
        index: item.index,
        step: item.step,
        mimeType: item.mime_type,
        base64: item.image_b64,
        width: item.width,
        height: item.height,
      });
    }
    if (!list.has_more || list.data.length === 0) return pictures;
  }
}

/** Writes every frame and one self-contained page of steps into `folder`. */
export async function saveSteps(
  client: Client,
  run: Run,
  folder: string,
): Promise<{ screenshots: number; screenshotFolder: string; page: string }> {
  const screenshotFolder = path.join(folder, 'screens');
  mkdirSync(screenshotFolder, { recursive: true, mode: 0o700 });
  const pictures = await collectPictures(client, run.id);
  for (const picture of pictures) {
    const extension =
      picture.mimeType === 'image/png' ? 'png' : picture.mimeType === 'image/webp' ? 'webp' : 'jpg';
    const name = `${String(picture.index).padStart(3, '0')}-step-${picture.step}.${extension}`;
    writeFileSync(path.join(screenshotFolder, name), Buffer.from(picture.base64, 'base64'), { mode: 0o600 });
  }
  const events = await client.runs.log(run.id);
  const page = path.join(folder, 'steps.html');
  writeFileSync(page, renderReplay({ run, events, frames: pictures }), { mode: 0o600 });
  return { screenshots: pictures.length, screenshotFolder, page };
}
