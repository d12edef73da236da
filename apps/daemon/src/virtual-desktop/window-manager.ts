import { execFile } from 'node:child_process';
import { sleep } from '@deskhand/base';
import type { ProcessGroup } from '../applications/process-group.ts';

const POLL_MS = 15;

/**
 * Waits until a window manager has announced itself on the root window; windows mapped earlier would
 * miss their frame and the focus.
 * @throws when it ends instead, or the signal's reason.
 */
export async function waitForWindowManager(
  xprop: string,
  env: Record<string, string>,
  windowManager: ProcessGroup,
  options: { signal: AbortSignal },
): Promise<void> {
  for (;;) {
    options.signal.throwIfAborted();
    if (!windowManager.running) {
      throw new Error(`the window manager ended at once: ${windowManager.lastWords || 'without a word'}`);
    }
    const answer = await rootProperty(xprop, env, options.signal);
    if (/window id # 0x[1-9a-f]/.test(answer)) return;
    await sleep(POLL_MS, options);
  }
}

function rootProperty(xprop: string, env: Record<string, string>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    // A failure here means "not yet"; the caller's ceiling ends it.
    execFile(xprop, ['-root', '_NET_SUPPORTING_WM_CHECK'], { env, signal }, (_error, stdout) =>
      resolve(stdout),
    );
  });
}
