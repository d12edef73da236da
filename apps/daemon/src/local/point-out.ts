import { raceSignal, sleep } from '@deskhand/base';
import type { Point, Rect } from '@deskhand/protocol';
import type { GuardProcess } from '../safety/guard-process.ts';
import type { DaemonSocket } from './daemon-socket.ts';

const RING_SIDE_PX = 48;

/**
 * The ring a person sees before the act: guard's on X11, the panel's on other systems, none where nobody draws.
 * @param showMs 0 is never.
 * @throws the signal's reason when it aborts first.
 */
export async function pointOut(
  point: Point,
  by: Readonly<{
    guard: Pick<GuardProcess, 'ring'>;
    socket: Pick<DaemonSocket, 'target' | 'panelConnected'>;
  }>,
  { showMs, signal }: Readonly<{ showMs: number; signal: AbortSignal }>,
): Promise<void> {
  if (showMs === 0) return;
  const rect: Rect = {
    x: point.x - RING_SIDE_PX / 2,
    y: point.y - RING_SIDE_PX / 2,
    width: RING_SIDE_PX,
    height: RING_SIDE_PX,
  };
  by.socket.target({ type: 'target', rect, showMs });
  const panelDraws = process.platform !== 'linux' && by.socket.panelConnected;
  await raceSignal(
    Promise.all([by.guard.ring(rect, showMs), panelDraws ? sleep(showMs, { signal }) : undefined]),
    signal,
  );
}
