import type { Platform } from '../core/hotkey-name.ts';

/** Node's platform name as the panel's; everything with X11 or Wayland counts as Linux. */
export function platformOf(nodePlatform: string): Platform {
  if (nodePlatform === 'darwin') return 'macos';
  return nodePlatform === 'win32' ? 'windows' : 'linux';
}
