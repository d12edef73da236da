import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Client } from '@deskhand/client';
import type { Run } from '@deskhand/protocol';
import { collectFrames, renderReplay } from '@deskhand/replay';

/** Writes every frame and one self-contained page of steps into `folder`. */
export async function saveSteps(
  client: Client,
  run: Run,
  folder: string,
): Promise<{ screenshots: number; screenshotFolder: string; page: string }> {
  const screenshotFolder = path.join(folder, 'screens');
  mkdirSync(screenshotFolder, { recursive: true, mode: 0o700 });
  const pictures = await collectFrames(client, run.id);
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
