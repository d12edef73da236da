import { ProtocolError, type WindowInfo } from '@deskhand/protocol';
import type { WindowSystem } from '../ports.ts';

/** A desktop whose windows nobody can list yet: it reports none, and refuses to act on any. */
export class NoWindowSystem implements WindowSystem {
  async windows(): Promise<readonly WindowInfo[]> {
    return [];
  }
  async activeWindow(): Promise<WindowInfo | null> {
    return null;
  }
  async windowAt(): Promise<WindowInfo | null> {
    return null;
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
