/**
 * What the panel draws: one full snapshot, cleaned of hostile text, plain data. The host makes it, a
 * renderer in any process shows it. No function here, no schema library: renderers import only types.
 */

export const PANEL_MODES = [
  'idle',
  'pairing',
  'running',
  'awaiting_human',
  'paused',
  'takeover',
  'stopped',
  'disconnected',
  'controls_lost',
] as const;
export type PanelMode = (typeof PANEL_MODES)[number];

export type StepOutcome = 'confirmed' | 'unverified' | 'no_effect' | 'refused' | 'failed';

export type StepView = Readonly<{
  step: number;
  /** Facts, in words: made by the server from the operation, never by the model. */
  action: string | null;
  outcome: StepOutcome | null;
  /** ISO time of the last message about this step. */
  at: string;
  /** From the first message about the step to the last, milliseconds. */
  tookMs: number;
  /** From the end of its input until the screen was quiet, as the desktop measured it. */
  settledMs: number | null;
}>;

export type RunView = Readonly<{
  id: string;
  task: string;
  status: string;
  step: number;
  maxSteps: number;
  costCents: number;
  budgetCents: number | null;
  startedAt: string;
  deadlineAt: string | null;
  /** Time of its last step, once it is over; null while it goes on. */
  endedAt: string | null;
  engine: string;
}>;

export type AskView = Readonly<{
  /** The question in the engine's words; quoted, like every word of it. */
  question: string;
  /** Null when the run asks something open: answered with a note. */
  request: Readonly<{ requestId: string; digest: string; application: string; action: string }> | null;
}>;

export type PauseReason =
  | 'person_input'
  | 'asked'
  | 'takeover'
  | 'server'
  | 'guard_lost'
  | 'session'
  | 'unknown';

export type StopPath = Readonly<{
  /** False: the button must look inactive, because nobody is known to listen. Pressing still tries every path. */
  active: boolean;
  /** As this system's keyboard prints it. */
  chord: string;
  /** Guard says its hotkey is really held; null while it cannot be asked. */
  chordArmed: boolean | null;
  chordReason: string | null;
}>;

export type PastRunView = Readonly<{
  id: string;
  task: string;
  status: string;
  steps: number;
  costCents: number;
  startedAt: string;
  /** Its replay can be shown from here. */
  replay: boolean;
}>;

export type PanelView = Readonly<{
  mode: PanelMode;
  machineName: string;
  stop: StopPath;
  links: Readonly<{ guard: boolean; daemon: boolean; server: boolean }>;
  serverUrl: string | null;
  pause: Readonly<{ kind: PauseReason; reason: string | null }> | null;
  latch: Readonly<{ by: string | null; at: string | null; reason: string | null }> | null;
  pairing: Readonly<{ host: string; code: string | null; expiresAt: string | null }> | null;
  run: RunView | null;
  ask: AskView | null;
  /** What happens next, or is happening: the newest step without an outcome. */
  next: StepView | null;
  /** The model's own words about that step. Hostile: quoted, inert. */
  thought: string | null;
  /** Newest first. */
  steps: readonly StepView[];
  /** Newest first. */
  pastRuns: readonly PastRunView[];
  /** `pastRuns` are all of today's, from the server; else only those this panel saw. */
  wholeDay: boolean;
  details: readonly Readonly<{ name: string; value: string }>[];
}>;

export type ThumbnailView = Readonly<{
  jpegBase64: string;
  width: number;
  height: number;
  /** Thumbnail pixels. */
  target: Readonly<{ x: number; y: number }> | null;
}>;

/** How a command ended, as far as this panel can know. `not_confirmed` is never shown as success. */
export type CommandResult = Readonly<{
  id: string;
  name: CommandName;
  result: 'confirmed' | 'refused' | 'not_confirmed';
  message: string | null;
  /** Refused for want of a hand on a real device: type this code here, and it is done all the same. */
  code?: string;
}>;

export const COMMAND_NAMES = [
  'stop',
  'pause',
  'resume',
  'takeover',
  'hand_back',
  'approve',
  'deny',
  'cancel',
  'reset',
] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

export type PanelCommand = Readonly<{
  type: 'command';
  id: string;
  name: CommandName;
  note?: string | undefined;
  requestId?: string | undefined;
  digest?: string | undefined;
  code?: string | undefined;
  scope?: ApprovalScope | undefined;
}>;

/** How far an approval reaches. */
export type ApprovalScope = 'once' | 'run' | 'always';

/** Host → renderer. `beat` comes every second, so that a renderer notices a host that hangs. */
export type HostMessage =
  | Readonly<{ type: 'view'; seq: number; view: PanelView }>
  | (Readonly<{ type: 'thumbnail' }> & ThumbnailView)
  | (Readonly<{ type: 'result' }> & CommandResult)
  /** Go there; desktop space, physical pixels. Answered by the place with the same id. */
  | Readonly<{ type: 'move'; id: string; x: number; y: number }>
  /** Paint the patch of this nonce and say when it is painted. */
  | Readonly<{ type: 'probe'; id: string; nonce: string; showMs: number }>
  | Readonly<{ type: 'beat' }>;

export const BEAT_MS = 1000;
/** A renderer that heard nothing for this long says that its controls are lost. */
export const BEAT_LOST_MS = 2500;
