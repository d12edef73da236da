export type { ReplayFrame } from './choose-frames.ts';
export { collectFrames, collectRecord, type RecordSource } from './collect-record.ts';
export { describeAction } from './describe-action.ts';
export { REPLAY_MAX_BYTES, type ReplayRecord, renderReplay } from './render-replay.ts';
