import { z } from 'zod';

/** Public states of a run (v1-api.md 2.4). The last four are terminal and immutable. */
export const RUN_STATUSES = [
  'queued',
  'running',
  'awaiting_human',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
] as const;
export const RunStatus = z.enum(RUN_STATUSES);
export type RunStatus = z.infer<typeof RunStatus>;

export const TERMINAL_STATUSES = [
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
] as const satisfies readonly RunStatus[];
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];
export const OPEN_STATUSES = ['queued', 'running', 'awaiting_human'] as const satisfies readonly RunStatus[];

export function isTerminal(status: RunStatus): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly RunStatus[]).includes(status);
}

/** Why a run stopped, when it did not stop by its own verdict. The first one wins. */
export const STOP_REASONS = [
  'cancelled',
  'stopped_by_user',
  'deadline',
  'max_steps',
  'budget',
  'stalled',
  'policy',
  'link_lost',
  'machine_removed',
  'no_machine',
  'interrupted',
  'human_needed',
  'human_unwanted',
  'human_timeout',
] as const;
export const StopReason = z.enum(STOP_REASONS);
export type StopReason = z.infer<typeof StopReason>;

export const CuaVersion = z.enum(['v1', 'v3', 'v4', 'v5']);
export type CuaVersion = z.infer<typeof CuaVersion>;
export const OnAwaitingHuman = z.enum(['pause', 'fail', 'cancel']);
export type OnAwaitingHuman = z.infer<typeof OnAwaitingHuman>;

/** True when this engine version has its result judged by the verifier. */
export function isVerified(version: CuaVersion): boolean {
  return version === 'v4' || version === 'v5';
}

/** What the verifier says, from evidence alone. */
export const Verdict = z.looseObject({
  judgement: z.enum(['satisfied', 'unsatisfied', 'unknown']),
  reason: z.string().max(4000),
  confidence: z.number().min(0).max(1),
  evidence: z.array(z.string().max(1000)).max(50).default([]),
});
export type Verdict = z.infer<typeof Verdict>;

export const RunError = z.looseObject({
  code: z.string().max(64),
  message: z.string().max(4000),
  rule: z.string().max(200).optional(),
});
export type RunError = z.infer<typeof RunError>;

export const RunResult = z.looseObject({
  passed: z.boolean(),
  status: RunStatus,
  summary: z.string(),
  verdict: z
    .looseObject({
      passed: z.boolean(),
      reason: z.string(),
      confidence: z.number(),
      evidence: z.array(z.string()),
    })
    .optional(),
});
export type RunResult = z.infer<typeof RunResult>;
