import type { ProtocolError } from '@deskhand/protocol';
import type { OverlayExclusion } from '../capture/index.ts';
import type { ScreenActivity, ScreenCapture } from '../ports.ts';
import type { WindowControl } from '../windows/window-control.ts';

/** What a desktop is seen with, and what comes with it. */
export type Eyes = Readonly<{
  capture: ScreenCapture;
  activity: ScreenActivity;
  /** See OpenedSenses. */
  lost: Promise<ProtocolError | undefined>;
  exclusion: OverlayExclusion | null;
  /** Windows of a desktop that is not an X server's. */
  windows?: WindowControl;
}>;
