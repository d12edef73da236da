import type { DaemonState, GuardState } from '@deskhand/protocol';
import type { PanelMode } from './panel-view.ts';

/** What is known right now. A state is null while its process can't be heard. */
export type KnownState = Readonly<{
  guard: GuardState | null;
  daemon: DaemonState | null;
}>;

/**
 * The one state the panel is in. Guard's word beats the daemon's where both speak of the same thing, because
 * guard is the process that acts on it. The order is the order of what a person must not miss.
 */
export function panelMode({ guard, daemon }: KnownState): PanelMode {
  if (guard === null) return 'controls_lost';
  if (guard.latch.tripped) return 'stopped';
  if (daemon === null) return 'controls_lost';
  // The daemon may have seen a stop whose guard message is still on its way.
  if (daemon.latch.tripped || daemon.control === 'stopped' || guard.control === 'stopped') return 'stopped';
  if (guard.control === 'paused' || daemon.control === 'paused')
    return daemon.pauseKind === 'takeover' ? 'takeover' : 'paused';
  if (daemon.pairing) return 'pairing';
  if (daemon.server.url !== null && !daemon.server.connected) return 'disconnected';
  if (daemon.run === null) return 'idle';
  if (daemon.run.status === 'awaiting_human') return 'awaiting_human';
  if (daemon.run.status === 'running' || daemon.run.status === 'queued') return 'running';
  return 'idle';
}
