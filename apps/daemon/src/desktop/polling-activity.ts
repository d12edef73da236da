import { ProtocolError, type Rect } from '@deskhand/protocol';
import { PollScreenActivity, primaryDisplay } from '../capture/index.ts';
import type { ScreenActivity, ScreenCapture } from '../ports.ts';

/** Looks at the primary display, for systems that announce no changes. */
export function pollingActivity(capture: ScreenCapture): ScreenActivity {
  return new PollScreenActivity({ capture, region: () => primaryBounds(capture.displays()) });
}

async function primaryBounds(displays: Promise<Parameters<typeof primaryDisplay>[0]>): Promise<Rect> {
  const primary = primaryDisplay(await displays);
  if (primary === undefined) throw new ProtocolError('DISPLAY_UNAVAILABLE', 'No display is connected.');
  return primary.bounds;
}
