import type { Rect } from '@deskhand/protocol';
import type { BorderState } from './border-look.ts';

/** What guard draws over the desktop. Drawing is never a reason to fail: whatever goes wrong is only logged. */
export interface GuardDrawing extends AsyncDisposable {
  /** The border around every display. */
  border(state: BorderState): void;
  /** Rings the middle of `rect` (desktop space); settles when the ring is off the screen again. */
  ring(rect: Rect, showMs: number): Promise<void>;
  /** X windows that are drawn now, and where; empty where nothing is. */
  readonly drawn: Readonly<{ windows: readonly number[]; rects: readonly Rect[] }>;
}

/** Where the panel draws, or nobody can. */
export class NoDrawing implements GuardDrawing {
  readonly drawn = { windows: [], rects: [] };
  border(): void {}
  async ring(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
