import { z } from 'zod';
import { MAX_OPERATIONS_PER_COMMAND, Operation, Outcome } from './action.ts';
import { Display } from './geometry.ts';
import { CommandId, FrameId, LeaseId, MachineId, RunId } from './ids.ts';
import { Observation, ObserveRequest } from './observation.ts';

/**
 * The link: one outbound websocket from a daemon to its control plane. Text messages are JSON of the
 * unions below; a binary message carries one frame (see frame-message.ts) and always precedes the
 * result that mentions it. SPEC.md, rules LINK1…, LEASE1…, ACT1….
 */

const epoch = z.int().min(0);

/** The person's latch as the daemon reports it. */
export const LatchState = z.looseObject({
  tripped: z.boolean(),
  by: z.string().max(64).optional().meta({ description: 'hotkey, panel, cli, tray, api, guard.' }),
  at: z.iso.datetime().optional(),
  reason: z.string().max(500).optional(),
  /** The latch file could not be written yet: whoever hears this is asked to remember it, see KILL11. */
  memoryOnly: z.boolean().optional(),
});
export type LatchState = z.infer<typeof LatchState>;

/** Whether the stop hotkey of this desktop is proven to work, as the daemon reports it. */
export const HotkeyState = z.looseObject({
  armed: z.boolean(),
  /** Why it is not. */
  reason: z.string().max(500).optional(),
  /** The person lets runs start all the same; each of them is in the audit log. */
  override: z.boolean().optional(),
});
export type HotkeyState = z.infer<typeof HotkeyState>;

/** Who may use the hands right now. */
export const ControlState = z.enum(['armed', 'stopped', 'paused']);
export type ControlState = z.infer<typeof ControlState>;

export const Capabilities = z.looseObject({
  capture: z.string().max(64),
  input: z.string().max(64),
  accessibility: z.string().max(64),
  ocr: z.string().max(64),
  browser: z.string().max(64),
  os: z.enum(['linux', 'macos', 'windows']),
  /** A private X desktop made for this daemon rather than a person's own. */
  virtual: z.boolean().default(false),
});
export type Capabilities = z.infer<typeof Capabilities>;

// ---- daemon → server -------------------------------------------------------------------------

export const Hello = z.looseObject({
  type: z.literal('hello'),
  protocolVersion: z.int(),
  productVersion: z.string().max(64),
  auth: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('token'), machineId: MachineId, token: z.string().min(16).max(256) }),
    z.strictObject({ type: z.literal('pair'), code: z.string().min(4).max(128), name: z.string().max(64) }),
  ]),
  displays: z.array(Display).max(64),
  capabilities: Capabilities,
  latch: LatchState,
  control: ControlState,
  /** Absent: a daemon that does not know; its own refusals are the last word in any case. */
  hotkey: HotkeyState.optional(),
  /** Highest epoch this daemon has obeyed since it started; 0 after a restart. */
  lastEpoch: epoch,
  /** Differs after every start of the daemon, so that a server knows its command cache is gone. */
  bootId: z.string().min(8).max(64),
});
export type Hello = z.infer<typeof Hello>;

export const CommandResult = z.looseObject({
  type: z.literal('result'),
  id: CommandId,
  /** One per operation that was reached, in order; the list ends at the first that was not done. */
  outcomes: z.array(Outcome).max(MAX_OPERATIONS_PER_COMMAND).default([]),
  observation: Observation.nullable().default(null),
  /** Answered from the cache of finished commands: nothing was done again. */
  repeated: z.boolean().default(false),
});
export type CommandResult = z.infer<typeof CommandResult>;

export const CommandFailure = z.looseObject({
  type: z.literal('failure'),
  id: CommandId,
  code: z.string().max(64),
  message: z.string().max(2000),
});
export type CommandFailure = z.infer<typeof CommandFailure>;

export const DesktopEvent = z.looseObject({
  type: z.literal('event'),
  event: z.enum([
    'stopped',
    'latch_cleared',
    'paused',
    'resumed',
    'person_took_over',
    'displays_changed',
    'guard_lost',
    'guard_back',
    'hotkey_changed',
  ]),
  at: z.iso.datetime(),
  reason: z.string().max(500).optional(),
  control: ControlState,
  latch: LatchState,
  hotkey: HotkeyState.optional(),
  displays: z.array(Display).max(64).optional(),
});
export type DesktopEvent = z.infer<typeof DesktopEvent>;

export const Pong = z.looseObject({ type: z.literal('pong'), nonce: z.string().max(64) });

/** A person's command given on the desktop about the run in progress (panel, CLI). */
export const PersonCommand = z.looseObject({
  type: z.literal('person_command'),
  command: z.enum(['cancel', 'resume', 'approve', 'deny']),
  runId: RunId,
  note: z.string().max(2000).optional(),
});
export type PersonCommand = z.infer<typeof PersonCommand>;

export const DaemonMessage = z.discriminatedUnion('type', [
  Hello,
  CommandResult,
  CommandFailure,
  DesktopEvent,
  Pong,
  PersonCommand,
]);
export type DaemonMessage = z.infer<typeof DaemonMessage>;

// ---- server → daemon -------------------------------------------------------------------------

export const Welcome = z.looseObject({
  type: z.literal('welcome'),
  protocolVersion: z.int(),
  machineId: MachineId,
  /** Sent once, in answer to a pairing code: keep it, it is never shown again. */
  machineToken: z.string().min(16).max(256).optional(),
  heartbeatMs: z.int().min(500).max(120_000),
  serverTime: z.iso.datetime(),
});
export type Welcome = z.infer<typeof Welcome>;

export const Reject = z.looseObject({
  type: z.literal('reject'),
  code: z.string().max(64),
  message: z.string().max(2000),
  /** False: reconnecting with the same credentials cannot help. */
  retry: z.boolean(),
});
export type Reject = z.infer<typeof Reject>;

/** What the person should see about the run that holds the lease; facts, no model words. */
export const RunBrief = z.looseObject({
  runId: RunId,
  task: z.string().max(16_000),
  requestedBy: z.string().max(200),
  maxSteps: z.int().min(1),
  deadlineAt: z.iso.datetime().nullable(),
  engine: z.string().max(200),
});
export type RunBrief = z.infer<typeof RunBrief>;

/** Grants or renews the exclusive, expiring right to drive this machine. Sent every second. */
export const LeaseGrant = z.strictObject({
  type: z.literal('lease'),
  leaseId: LeaseId,
  epoch,
  ttlMs: z.int().min(100).max(60_000),
  run: RunBrief.nullable(),
});
export type LeaseGrant = z.infer<typeof LeaseGrant>;

/** Ends a lease: stop, release everything. Answered with an empty result. */
export const Release = z.strictObject({
  type: z.literal('release'),
  id: CommandId,
  leaseId: LeaseId,
  reason: z.string().max(64),
});
export type Release = z.infer<typeof Release>;

export const ObserveCommand = z.strictObject({
  type: z.literal('observe'),
  id: CommandId,
  request: ObserveRequest,
});
export type ObserveCommand = z.infer<typeof ObserveCommand>;

/** Do these operations in order, then settle and look: one round trip per step. */
export const ActCommand = z.strictObject({
  type: z.literal('act'),
  id: CommandId,
  leaseId: LeaseId,
  epoch,
  /** The frame all points belong to; may be absent only when no operation has a point. */
  frameId: FrameId.nullable(),
  operations: z.array(Operation).min(1).max(MAX_OPERATIONS_PER_COMMAND),
  deadlineMs: z.int().min(100).max(600_000),
  observe: ObserveRequest.nullable(),
  /** Stop also at an operation that demonstrably changed nothing; the others are then not done. */
  stopAtNoEffect: z.boolean().optional(),
});
export type ActCommand = z.infer<typeof ActCommand>;

export const Ping = z.strictObject({ type: z.literal('ping'), nonce: z.string().max(64) });

/** Live story of the run, for the panel: never needed for control. */
export const Narrate = z.strictObject({
  type: z.literal('narrate'),
  runId: RunId,
  status: z.string().max(32),
  step: z.int().min(0),
  maxSteps: z.int().min(1),
  costCents: z.number().min(0),
  thought: z.string().max(4000).optional(),
  /** Made from facts by the server (action, target), not by the model. */
  action: z.string().max(500).optional(),
  outcome: z.string().max(32).optional(),
  awaitingReason: z.string().max(2000).optional(),
});
export type Narrate = z.infer<typeof Narrate>;

export const ServerMessage = z.discriminatedUnion('type', [
  Welcome,
  Reject,
  LeaseGrant,
  Release,
  ObserveCommand,
  ActCommand,
  Ping,
  Narrate,
]);
export type ServerMessage = z.infer<typeof ServerMessage>;

export const LEASE_TTL_MS = 3000;
export const LEASE_RENEW_MS = 1000;
export const HEARTBEAT_MS = 5000;
/** Path of the link on the server. */
export const LINK_PATH = '/link';
