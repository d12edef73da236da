import type { ScreenElement } from '@deskhand/protocol';
import type { ElementSourcePort } from '../ports.ts';

/** A system whose accessibility tree cannot be read yet. */
export class NoElementSource implements ElementSourcePort {
  readonly name = 'none';
  async elements(): Promise<readonly ScreenElement[]> {
    return [];
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
