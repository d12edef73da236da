import type { Run, RunEvent } from '@deskhand/protocol';
import type { ReplayFrame } from './choose-frames.ts';
import type { ReplayRecord } from './render-replay.ts';

type Picture = Readonly<{
  index: number;
  step: number;
  mime_type: string;
  image_b64?: string | undefined;
  width: number;
  height: number;
}>;

/** What is needed of a client of `/v1`; the SDK's `Client` fits. */
export interface RecordSource {
  readonly runs: {
    get(runId: string): Promise<Run>;
    log(runId: string): Promise<readonly RunEvent[]>;
    screenshots(
      runId: string,
      options: { includeImage: boolean; limit: number; afterIndex?: number },
    ): Promise<{ data: readonly Picture[]; has_more: boolean }>;
  };
}

const PAGE = 10;

/** Everything a replay shows of a run. @throws what the client throws. */
export async function collectRecord(source: RecordSource, runId: string): Promise<ReplayRecord> {
  const [run, events] = await Promise.all([source.runs.get(runId), source.runs.log(runId)]);
  return { run, events, frames: await collectFrames(source, runId) };
}

/** Every frame the engine saw in this run, oldest first, page by page. */
export async function collectFrames(source: RecordSource, runId: string): Promise<ReplayFrame[]> {
  const frames: ReplayFrame[] = [];
  let after: number | undefined;
  for (;;) {
    const list = await source.runs.screenshots(runId, {
      includeImage: true,
      limit: PAGE,
      ...(after === undefined ? {} : { afterIndex: after }),
    });
    for (const { index, step, mime_type, image_b64, width, height } of list.data) {
      after = index;
      if (image_b64 !== undefined)
        frames.push({ index, step, mimeType: mime_type, base64: image_b64, width, height });
    }
    if (!list.has_more || list.data.length === 0) return frames;
  }
}
