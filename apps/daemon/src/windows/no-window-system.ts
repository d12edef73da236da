import { ProtocolError, type WindowInfo } from '@deskhand/protocol';
import type { WindowControl } from './window-control.ts';

/** A desktop whose windows nobody can list yet: it reports none, and refuses to act on any. */
export class NoWindowSystem implements WindowControl {
  readonly untold = true;
  async windows(): Promise<readonly WindowInfo[]> {
    return [];
  }
  async activeWindow(): Promise<WindowInfo | null> {
    return null;
  }
  async windowAt(): Promise<WindowInfo | null> {
    return null;
  }
  async clientArea(): Promise<null> {
    return null;
  }
  async move(): Promise<void> {
    throw unsupported();
  }
  async minimize(): Promise<void> {
    throw unsupported();
  }
  async maximize(): Promise<void> {
    throw unsupported();
  }
  async focus(): Promise<void> {
    throw unsupported();
  }
  async close(): Promise<void> {
    throw unsupported();
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

function unsupported(): ProtocolError {
  return new ProtocolError(
    'FEATURE_NOT_AVAILABLE',
    'Windows cannot be listed or controlled on this system yet; use the keyboard and the mouse.',
  );
}
