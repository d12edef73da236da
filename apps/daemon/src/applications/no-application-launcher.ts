import { ProtocolError } from '@deskhand/protocol';
import type { ApplicationLauncher } from '../ports.ts';

/** A system on which applications cannot be found by name yet. */
export class NoApplicationLauncher implements ApplicationLauncher {
  async open(): Promise<never> {
    throw new ProtocolError(
      'FEATURE_NOT_AVAILABLE',
      'Applications cannot be opened by name on this system yet; open it with the mouse or the keyboard.',
    );
  }
}
