import { z } from 'zod';
import { DisplayServer } from '../display-server.ts';

/**
 * What the daemon writes to guard's standard input as its first line. The pipe stays open afterwards: its end
 * is the end of the daemon, however it died. Tokens come this way because an environment can be read by others.
 */
export const GuardBoot = z.strictObject({
  socket: z.string().min(1).max(512),
  latchFile: z.string().min(1).max(4096),
  chord: z.string().min(1).max(64),
  server: DisplayServer,
  /** Draw the border and the ring at targets; only on X11. */
  draw: z.boolean(),
  /** The daemon knows of a stop; a disk that refused it may know of none. */
  stopped: z
    .strictObject({
      by: z.string().max(64),
      at: z.iso.datetime(),
      reason: z.string().max(500).optional(),
    })
    .nullable(),
  tokens: z.strictObject({
    /** For panel and CLI, from the token file. */
    person: z.string().min(16).max(256),
    daemon: z.string().min(16).max(256),
    hands: z.string().min(16).max(256),
  }),
});
export type GuardBoot = z.infer<typeof GuardBoot>;

/** Guard's only line on standard output: its socket accepts. */
export const GUARD_READY_LINE = 'guard ready';
