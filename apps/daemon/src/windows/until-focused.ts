import { sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';

const FOCUS_CEILING_MS = 2000;

/**
 * After a window was asked to take the focus: waits until it has.
 * @param isFocused what it throws ends the wait.
 * @param pollMs how often that may be asked.
 * @throws ProtocolError INVALID_STATE when it did not get the focus within two seconds.
 */
export async function untilFocused(
  windowId: string,
  isFocused: () => Promise<boolean>,
  pollMs: number,
): Promise<void> {
  const deadline = performance.now() + FOCUS_CEILING_MS;
  while (!(await isFocused())) {
    if (performance.now() > deadline)
      throw new ProtocolError('INVALID_STATE', `Window ${windowId} did not get the focus when asked to.`);
    await sleep(pollMs);
  }
}
