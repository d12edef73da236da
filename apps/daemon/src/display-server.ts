import { z } from 'zod';

/** What shows this desktop and takes its input; every process of the daemon is told the same. */
export const DisplayServer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('x11'), display: z.string().min(1).max(256) }),
  /** A Wayland compositor with the wlroots protocols; `sway` is the path of its own socket, if it is sway. */
  z.strictObject({
    kind: z.literal('wlroots'),
    socket: z.string().min(1).max(4096),
    sway: z.string().max(4096).nullable(),
  }),
  /** Any other Wayland compositor, by its desktop portal; tokens spare the person the question next time. */
  z.strictObject({
    kind: z.literal('portal'),
    bus: z.string().min(1).max(4096),
    /** The compositor's own, for what it tells every client: its monitors. */
    socket: z.string().min(1).max(4096),
    tokenFolder: z.string().min(1).max(4096),
  }),
  /** macOS and Windows. */
  z.strictObject({ kind: z.literal('native') }),
]);
export type DisplayServer = z.infer<typeof DisplayServer>;

/** How people call it: an X display, a Wayland socket; null where there is no such name. */
export function nameOf(server: DisplayServer): string | null {
  if (server.kind === 'x11') return server.display;
  if (server.kind === 'wlroots') return server.socket.split('/').at(-1) ?? server.socket;
  return server.kind === 'portal' ? 'portal' : null;
}
