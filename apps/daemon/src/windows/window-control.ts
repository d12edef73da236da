import type { Rect } from '@deskhand/protocol';
import type { WindowSystem } from '../ports.ts';

/** What a desktop can do with windows beyond what every one can. Rectangles in desktop space. */
export interface WindowControl extends WindowSystem {
  /** The window's own area, without its frame and shadow; null when it has gone or cannot be known. */
  clientArea(windowId: string): Promise<Rect | null>;
  /** `bounds` include the frame. */
  move(windowId: string, bounds: Rect): Promise<void>;
  minimize(windowId: string): Promise<void>;
  maximize(windowId: string, maximized?: boolean): Promise<void>;
}
