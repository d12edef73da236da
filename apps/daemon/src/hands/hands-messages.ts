import { Action, Outcome, Point } from '@deskhand/protocol';
import { z } from 'zod';
import { DisplayServer } from '../display-server.ts';

/** Between the daemon and its hands process, over the pipe that `fork` opens. Points are desktop pixels. */

const id = z.int().min(1);
const epoch = z.int().min(0);

const windowId = z.string().max(64).nullable();

/** See ports.ts: `Aim`. */
export const AimMessage = z.strictObject({
  keys: windowId.optional(),
  points: z.array(z.strictObject({ point: Point, windowId })).max(2),
});

export const ToHands = z.discriminatedUnion('type', [
  /** First message, once. */
  z.strictObject({
    type: z.literal('boot'),
    guardSocket: z.string().min(1).max(512),
    guardToken: z.string().min(16).max(256),
    server: DisplayServer,
    /** The stop chord of this desktop; hands never press it. */
    chord: z.string().min(1).max(64),
  }),
  /** The server's lease, as far as the daemon knows; counted from receipt. */
  z.strictObject({ type: z.literal('lease'), leaseId: z.string(), epoch, ttlMs: z.int().min(1) }),
  z.strictObject({ type: z.literal('lease_ended') }),
  z.strictObject({
    type: z.literal('perform'),
    id,
    action: Action,
    epoch,
    leaseId: z.string(),
    aim: AimMessage.nullable(),
    keysOnly: z.boolean(),
  }),
  z.strictObject({ type: z.literal('abort'), id }),
  z.strictObject({ type: z.literal('release'), id }),
]);
export type ToHands = z.infer<typeof ToHands>;

export const FromHands = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), backend: z.string() }),
  z.strictObject({ type: z.literal('outcome'), id, outcome: Outcome }),
  z.strictObject({ type: z.literal('released'), id }),
  z.strictObject({ type: z.literal('problem'), code: z.string(), message: z.string() }),
]);
export type FromHands = z.infer<typeof FromHands>;
