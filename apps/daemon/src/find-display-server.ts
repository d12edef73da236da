import { isAbsolute, join } from 'node:path';
import { errorAttributes, type Logger } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { DisplayServer } from './display-server.ts';

/** Without any of these a compositor can't be seen and driven by its own protocols. */
const WLROOTS_PROTOCOLS = [
  'zwlr_screencopy_manager_v1',
  'zwlr_virtual_pointer_manager_v1',
  'zwp_virtual_keyboard_manager_v1',
  'zxdg_output_manager_v1',
] as const;

const PORTAL_CEILING_MS = 3000;

/**
 * Finds out what this session is shown by. A Wayland session with XWayland is a Wayland session: through X only X
 * applications could be seen.
 * @param options.dataDir where the portal's restore tokens are kept.
 * @throws ProtocolError NO_DISPLAY that says what was looked for and what to do.
 */
export async function findDisplayServer(
  env: Readonly<Record<string, string | undefined>>,
  options: { platform: NodeJS.Platform; dataDir: string; log: Logger },
): Promise<DisplayServer> {
  const { platform, dataDir, log } = options;
  if (platform !== 'linux') return { kind: 'native' };
  const { DISPLAY: display, WAYLAND_DISPLAY: wayland, XDG_RUNTIME_DIR: runtime, SWAYSOCK: sway } = env;
  if (!wayland) {
    if (display) return { kind: 'x11', display };
    throw new ProtocolError(
      'NO_DISPLAY',
      'There is no display to lend: DISPLAY is not set. Use --virtual for a private desktop.',
    );
  }
  const socket = isAbsolute(wayland) ? wayland : join(runtime ?? '/run/user', wayland);
  const missing = await missingProtocols(socket, log);
  if (missing?.length === 0) return { kind: 'wlroots', socket, sway: sway || null };
  const bus = env.DBUS_SESSION_BUS_ADDRESS;
  const { PortalDesktop } = await import('./portal/portal-desktop.ts');
  const signal = AbortSignal.timeout(PORTAL_CEILING_MS);
  if (bus !== undefined && (await PortalDesktop.canControl(bus, { signal })))
    return { kind: 'portal', bus, socket, tokenFolder: dataDir };
  if (display) {
    log.warn('this Wayland session can only be driven through XWayland', { missing });
    return { kind: 'x11', display };
  }
  const found =
    missing === null ? `${socket} does not answer` : `the compositor does not offer ${missing.join(', ')}`;
  throw new ProtocolError(
    'NO_DISPLAY',
    `This Wayland session cannot be driven: ${found}, and no desktop portal offers RemoteDesktop. Use an Xorg session, or --virtual for a private desktop.`,
  );
}

/** @returns null when nobody answers there. */
async function missingProtocols(socket: string, log: Logger): Promise<readonly string[] | null> {
  // Loaded only in a Wayland session: the usual desktop does without its memory.
  const { openWayland } = await import('./wayland/index.ts');
  try {
    await using compositor = await openWayland({ socket, log });
    return WLROOTS_PROTOCOLS.filter((name) => compositor.globals(name).length === 0);
  } catch (error) {
    log.warn('the Wayland compositor does not answer', errorAttributes(error));
    return null;
  }
}
