import { z } from 'zod';
import { OutcomeStatus } from './action.ts';
import { ExclusionState } from './frame.ts';
import { Display, Rect } from './geometry.ts';
import { ControlState, LatchState } from './link.ts';

/**
 * Local sockets of one desktop (unix sockets or named pipes, directory 0700, one token per boot).
 * One JSON message per line, at most LIMITS.localLineBytes.
 *
 *   guard socket    guard is the server; daemon, hands, panel and CLI connect
 *   daemon socket   daemon is the server; panel and CLI connect
 *
 * The first message is always `attach`; the role is bound to what the token allows, never more.
 */

export const LocalRole = z.enum(['daemon', 'hands', 'panel', 'cli']);
export type LocalRole = z.infer<typeof LocalRole>;

export const Attach = z.looseObject({
  type: z.literal('attach'),
  protocolVersion: z.int(),
  role: LocalRole,
  token: z.string().min(16).max(256),
  pid: z.int().min(1),
});
export type Attach = z.infer<typeof Attach>;

export const Attached = z.looseObject({
  type: z.literal('attached'),
  protocolVersion: z.int(),
  pid: z.int().min(1),
});
export const LocalRefusal = z.looseObject({
  type: z.literal('refused'),
  id: z.string().max(64).optional(),
  code: z.string().max(64),
  message: z.string().max(2000),
});
export type LocalRefusal = z.infer<typeof LocalRefusal>;

/** Who pulled the switch. */
export const StopSource = z.enum(['hotkey', 'panel', 'cli', 'tray', 'api', 'guard', 'latch_file', 'daemon']);
export type StopSource = z.infer<typeof StopSource>;

const id = z.string().min(1).max(64);

// ---- to guard ---------------------------------------------------------------------------------

/** Accepted from every role at any time. */
export const GuardStop = z.looseObject({
  type: z.literal('stop'),
  id,
  by: StopSource,
  reason: z.string().max(500).optional(),
  /** When it was pulled, if that is not now: handed over by somebody who remembers it. */
  at: z.iso.datetime().optional(),
});
/** What the panel showed and the person typed there, where no hand on a real device can be felt. */
const presenceCode = z
  .string()
  .regex(/^\d{4}$/)
  .optional();
/**
 * From the CLI or the panel, on behalf of a person: permits, never restarts. From the panel only within
 * PRESENCE_MS of a key or button of a real device, or with the code.
 */
export const GuardReset = z.looseObject({
  type: z.literal('reset'),
  id,
  by: StopSource,
  code: presenceCode,
});
/** Panel → guard: give me a code to show, because no hand was felt. Answered by `code`. */
export const GuardChallenge = z.looseObject({ type: z.literal('challenge'), id });
/** Daemon → guard: is a person there who may approve something? `ack`, or refused with INSUFFICIENT_SCOPE. */
export const GuardPresence = z.looseObject({ type: z.literal('presence'), id, code: presenceCode });
/** What the border around the screen tells when nothing is paused or stopped; guard knows those itself. */
export const BorderMode = z.enum(['idle', 'running', 'awaiting_human']);
export type BorderMode = z.infer<typeof BorderMode>;
/** Daemon → guard, at least every 500 ms: silence means the daemon hangs. */
export const GuardHeartbeat = z.looseObject({
  type: z.literal('heartbeat'),
  driving: z.boolean(),
  mode: BorderMode.optional(),
});
/** Longest time the ring may stand at a target before the act. */
export const TARGET_SHOW_MAX_MS = 1000;
/**
 * Daemon → guard: ring this place for `showMs`. Answered by `ack` when the ring is off the screen again, at once
 * where guard draws nothing.
 */
export const GuardTarget = z.looseObject({
  type: z.literal('target'),
  id,
  rect: Rect.meta({ description: 'Desktop space; the ring stands around its middle.' }),
  showMs: z.int().min(0).max(TARGET_SHOW_MAX_MS),
});
export type GuardTarget = z.infer<typeof GuardTarget>;
/** Daemon → guard: this process may be killed and must be before keys are released. */
export const GuardWatchHands = z.looseObject({ type: z.literal('watch_hands'), pid: z.int().min(2) });
/** Accepted from every role: input is withheld until `resume`. */
export const GuardPause = z.looseObject({
  type: z.literal('pause'),
  id,
  reason: z.string().max(500).optional(),
});
/**
 * A person gives control back. From the daemon (on a person's word, `by` says where it was spoken), the CLI
 * and the panel. A panel's word counts only with a hand on this desktop's own mouse or keyboard.
 */
export const GuardResume = z.looseObject({
  type: z.literal('resume'),
  id,
  by: StopSource.optional(),
  code: presenceCode,
});
export const GuardStatusRequest = z.looseObject({ type: z.literal('status'), id });

export const ToGuard = z.discriminatedUnion('type', [
  Attach,
  GuardStop,
  GuardReset,
  GuardChallenge,
  GuardPresence,
  GuardHeartbeat,
  GuardTarget,
  GuardWatchHands,
  GuardPause,
  GuardResume,
  GuardStatusRequest,
]);
export type ToGuard = z.infer<typeof ToGuard>;

// ---- from guard -------------------------------------------------------------------------------

/** Guard → hands, every GUARD_LEASE_RENEW_MS: input is allowed until `ttlMs` from receipt. */
export const GuardLease = z.looseObject({
  type: z.literal('guard_lease'),
  ttlMs: z.int().min(1),
  serial: z.int().min(0),
});
export const GuardState = z.looseObject({
  type: z.literal('guard_state'),
  id: z.string().max(64).optional(),
  control: ControlState,
  /** Why it is paused or stopped. */
  controlReason: z.string().max(500).optional(),
  unheard: z.boolean().optional().meta({
    description:
      'Paused only because the daemon was not heard for a while; ends by itself when it is heard again.',
  }),
  latch: LatchState,
  hotkey: z.looseObject({
    chord: z.string().max(64),
    armed: z.boolean(),
    reason: z.string().max(500).optional(),
    /** When the chord was last really pressed here, ever; absent: never. */
    pressedAt: z.iso.datetime().optional(),
  }),
  handsAlive: z.boolean(),
  daemonAlive: z.boolean(),
  instance: z.string().max(64).optional().meta({ description: 'Differs after every start of guard.' }),
  resets: z
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Stops that a person reset since this guard was started.' }),
  /** What guard itself has drawn over the desktop now: border and ring. No frame may show it. */
  drawn: z
    .looseObject({
      windows: z.array(z.int().min(1)).max(128).meta({ description: 'X window ids, top level.' }),
      rects: z.array(Rect).max(128),
    })
    .optional(),
});
export type GuardState = z.infer<typeof GuardState>;
/** A real device moved or typed while the agent was driving. Says that, never what. */
export const GuardPersonInput = z.looseObject({
  type: z.literal('person_input'),
  kind: z.enum(['pointer', 'button', 'key']),
  at: z.iso.datetime(),
});
export const GuardCode = z.looseObject({
  type: z.literal('code'),
  id,
  code: z.string().regex(/^\d{4}$/),
  ttlMs: z.int().min(1),
});
export const GuardAck = z.looseObject({ type: z.literal('ack'), id });

export const FromGuard = z.discriminatedUnion('type', [
  Attached,
  LocalRefusal,
  GuardLease,
  GuardState,
  GuardPersonInput,
  GuardCode,
  GuardAck,
]);
export type FromGuard = z.infer<typeof FromGuard>;

/** How old the last key or button of a real device may be when the panel resets or resumes. */
export const PRESENCE_MS = 1500;
export const PRESENCE_CODE_TTL_MS = 60_000;
export const GUARD_LEASE_TTL_MS = 500;
export const GUARD_LEASE_RENEW_MS = 150;
export const GUARD_DAEMON_SILENCE_MS = 2000;

// ---- to daemon --------------------------------------------------------------------------------

export const DaemonCommand = z.looseObject({
  type: z.literal('command'),
  id,
  name: z.enum([
    'stop',
    'pause',
    'resume',
    'takeover',
    'hand_back',
    'approve',
    'deny',
    'cancel',
    'reset',
    'status',
    'examine',
    'shutdown',
  ]),
  note: z.string().max(2000).optional(),
  runId: z.string().max(128).optional(),
  /** For approve and deny: the request that was on the screen, and the digest of exactly what it showed. */
  requestId: z.string().max(128).optional(),
  digest: z.string().max(128).optional(),
  /** How far an approval reaches; without it, once. */
  scope: z.enum(['once', 'run', 'always']).optional(),
  /** For approve, resume, hand_back and reset. */
  code: presenceCode,
});
export type DaemonCommand = z.infer<typeof DaemonCommand>;
export const PanelKind = z.enum(['electron', 'browser', 'terminal']);
export type PanelKind = z.infer<typeof PanelKind>;
/** Wants state and step messages as they happen, thumbnails included. */
export const DaemonSubscribe = z.looseObject({
  type: z.literal('subscribe'),
  thumbnails: z.boolean(),
  /** What a panel is, for `status`. */
  panel: PanelKind.optional(),
});
/** Panel → daemon: the rectangles it covers, in desktop space. Answers a `dodge` when it carries that id. */
export const PanelRects = z.looseObject({
  type: z.literal('rects'),
  id: z.string().max(64).optional(),
  seq: z.int().min(0),
  rects: z.array(Rect).max(16),
  /** X window ids of the panel's own top-level windows, where it knows them. */
  windows: z.array(z.int().min(1)).max(16).optional(),
  /** Processes whose windows named like the panel are the panel: where the page is a browser's window. */
  pids: z.array(z.int().min(2)).max(8).optional(),
});
export type PanelRects = z.infer<typeof PanelRects>;
/** Panel → daemon: the patch a `probe` asked for is on the screen, or can't be (null). */
export const PanelProbeShown = z.looseObject({
  type: z.literal('probe_shown'),
  id,
  rect: Rect.nullable().meta({
    description: 'Where the patch should be; desktop space, good to a few pixels.',
  }),
});
export type PanelProbeShown = z.infer<typeof PanelProbeShown>;
export const ToDaemon = z.discriminatedUnion('type', [
  Attach,
  DaemonCommand,
  DaemonSubscribe,
  PanelRects,
  PanelProbeShown,
]);
export type ToDaemon = z.infer<typeof ToDaemon>;

// ---- from daemon ------------------------------------------------------------------------------

/** What a person is asked to allow: facts from the daemon, never the model's words. */
export const PanelAsk = z.looseObject({
  requestId: z.string().max(128),
  digest: z.string().max(128),
  application: z.string().max(200),
  action: z.string().max(500),
});
export type PanelAsk = z.infer<typeof PanelAsk>;

/** Why `control` is `paused`: data, so that nobody has to read the sentence beside it. */
export const PauseKind = z.enum([
  'person_input',
  'asked',
  'takeover',
  'server',
  'guard_lost',
  // The session went out of the person's hands or sight: locked, asleep, another user, lid closed, hotkey lost.
  'session',
]);
export type PauseKind = z.infer<typeof PauseKind>;

export const PanelRun = z.looseObject({
  id: z.string(),
  task: z.string(),
  status: z.string(),
  step: z.int().min(0),
  maxSteps: z.int().min(1),
  costCents: z.number().min(0),
  deadlineAt: z.string().nullable(),
  startedAt: z.string(),
  engine: z.string(),
  awaitingReason: z.string().nullable(),
  budgetCents: z.number().min(0).nullable().optional(),
  ask: PanelAsk.nullable().optional(),
});
export type PanelRun = z.infer<typeof PanelRun>;

/** Full snapshot, idempotent: a panel that just came back needs nothing else. Also what `deskhand status` prints. */
export const DaemonState = z.looseObject({
  type: z.literal('state'),
  id: z.string().max(64).optional(),
  seq: z.int().min(0),
  machineId: z.string().nullable(),
  name: z.string(),
  control: ControlState,
  controlReason: z.string().nullable(),
  pauseKind: PauseKind.nullable().optional(),
  /** Set while this desktop is being paired with a control plane. */
  pairing: z
    .looseObject({ host: z.string(), code: z.string().optional(), expiresAt: z.iso.datetime().optional() })
    .nullable()
    .optional(),
  latch: LatchState,
  run: PanelRun.nullable(),
  stopHotkey: z.looseObject({
    chord: z.string(),
    armed: z.boolean(),
    reason: z.string().optional(),
    /** Runs may start although it is not armed: the person said so when this desktop was started. */
    override: z.boolean().optional(),
    pressedAt: z.iso.datetime().optional(),
  }),
  server: z.looseObject({ url: z.string().nullable(), connected: z.boolean() }),
  overlay: z.looseObject({ kind: z.string(), connected: z.boolean() }),
  display: z.string().nullable().meta({ description: 'X display name such as ":99", where there is one.' }),
  displays: z.array(Display),
  backends: z.looseObject({ capture: z.string(), input: z.string(), accessibility: z.string() }),
  guardAlive: z.boolean(),
  /** How our own windows are kept out of frames, as the last self-test found. */
  exclusion: ExclusionState.optional(),
});
export type DaemonState = z.infer<typeof DaemonState>;

/** One line of the live story. `thought` is a model's words: hostile text, show it inert. */
export const PanelStep = z.looseObject({
  type: z.literal('step'),
  runId: z.string(),
  step: z.int().min(0),
  action: z.string().max(500).optional(),
  thought: z.string().max(4000).optional(),
  outcome: OutcomeStatus.optional(),
  /** From the end of the input until the screen was quiet; with the outcome. */
  settledMs: z.number().min(0).optional(),
  at: z.iso.datetime(),
});
export type PanelStep = z.infer<typeof PanelStep>;

/** Latest small picture, at most 320×180, JPEG as base64. Slow panels miss some. */
export const PanelThumbnail = z.looseObject({
  type: z.literal('thumbnail'),
  jpegBase64: z.string().max(400_000),
  width: z.int(),
  height: z.int(),
  /** Where the next or last pointer action goes, in thumbnail pixels. */
  target: z.looseObject({ x: z.number(), y: z.number() }).nullable(),
});
export type PanelThumbnail = z.infer<typeof PanelThumbnail>;

/** Daemon → panel: the next pointer action aims under you; move away and answer with `rects` in time, or it is refused. */
export const PanelDodge = z.looseObject({
  type: z.literal('dodge'),
  id: z.string().min(1).max(64),
  target: Rect.meta({ description: 'Desktop space, margin included.' }),
  deadlineMs: z.int().min(1),
});
export type PanelDodge = z.infer<typeof PanelDodge>;

/** How long the patch of a probe stays when the daemon does not say otherwise. */
export const PROBE_SHOW_MS = 150;
/**
 * Daemon → panel: paint the patch of this nonce ({@link probeCells}) and say when it is painted. Whether a captured
 * picture holds it tells whether the panel is really left out of the agent's frames.
 */
export const PanelProbe = z.looseObject({
  type: z.literal('probe'),
  id,
  nonce: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .meta({ description: '64 bits, one per cell of the patch.' }),
  showMs: z.int().min(16).max(2000),
});
export type PanelProbe = z.infer<typeof PanelProbe>;

/** Daemon → panel: the next pointer action goes there, `showMs` from now. For panels that draw a ring themselves. */
export const PanelTarget = z.looseObject({
  type: z.literal('target'),
  rect: Rect.meta({ description: 'Desktop space.' }),
  showMs: z.int().min(0).max(TARGET_SHOW_MAX_MS),
});
export type PanelTarget = z.infer<typeof PanelTarget>;

/** One sense or hand of a desktop, tried just now. */
export const SenseCheck = z.looseObject({
  name: z.string().min(1).max(64),
  state: z.enum(['ok', 'warn', 'fail']),
  detail: z.string().max(2000),
  ms: z
    .number()
    .min(0)
    .nullable()
    .meta({ description: 'What the trial took; null where nothing was tried.' }),
  todo: z.string().max(1000).optional().meta({ description: 'The one thing to do about it.' }),
  /** True where Deskhand has code for this system that was never run on one. */
  notRun: z.boolean().optional(),
});
export type SenseCheck = z.infer<typeof SenseCheck>;
/** Answer to the command `examine`: nothing of it moves, types or changes anything. */
export const DaemonExamined = z.looseObject({
  type: z.literal('examined'),
  id: z.string().max(64),
  checks: z.array(SenseCheck).max(64),
});
export type DaemonExamined = z.infer<typeof DaemonExamined>;

export const FromDaemon = z.discriminatedUnion('type', [
  Attached,
  LocalRefusal,
  DaemonState,
  DaemonExamined,
  PanelStep,
  PanelThumbnail,
  PanelDodge,
  PanelProbe,
  PanelTarget,
  GuardAck,
]);
export type FromDaemon = z.infer<typeof FromDaemon>;
