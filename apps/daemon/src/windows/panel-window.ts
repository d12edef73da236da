import { errorAttributes, type Logger } from '@deskhand/base';
import { intersection, type Rect, type WindowInfo } from '@deskhand/protocol';
import type { WindowSystem } from '../ports.ts';

/** Our panel by its name and by where it said it is: an application can take the name, not the place. */
export function isPanel({ title, bounds }: WindowInfo, covered: readonly Rect[]): boolean {
  return (
    title.endsWith('Deskhand') &&
    covered.some((rect) => {
      const shared = intersection(rect, bounds);
      return shared !== null && shared.width * shared.height > (bounds.width * bounds.height) / 2;
    })
  );
}

/**
 * Keeps the panel's windows above those the agent opens: STOP must not be covered. A page can't do that itself, and a
 * browser does it only for a click. Nothing where the system lets nobody.
 */
export async function keepPanelAbove(
  windows: Pick<WindowSystem, 'windows' | 'keepAbove'>,
  covered: readonly Rect[],
  log: Logger,
): Promise<void> {
  if (windows.keepAbove === undefined || covered.length === 0) return;
  try {
    for (const window of await windows.windows())
      if (isPanel(window, covered)) await windows.keepAbove(window.id);
  } catch (error) {
    // Without a window manager that knows how, the panel is a window like others.
    log.warn('the panel could not be kept above other windows', errorAttributes(error));
  }
}
