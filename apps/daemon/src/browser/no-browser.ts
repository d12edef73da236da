import { type PageInfo, ProtocolError, type ScreenElement } from '@deskhand/protocol';
import type { Browser, PageRead } from '../ports.ts';

/** A system on which no browser can be driven yet. */
export class NoBrowser implements Browser {
  readonly name = 'none';
  async navigate(): Promise<PageInfo> {
    throw new ProtocolError('BROWSER_UNAVAILABLE', 'No browser can be driven on this system yet.');
  }
  async page(): Promise<PageInfo | null> {
    return null;
  }
  async loading(): Promise<boolean> {
    return false;
  }
  isOurs(): boolean {
    return false;
  }
  async focusedField(): Promise<null> {
    return null;
  }
  async read(): Promise<PageRead> {
    return { elements: [], whole: false };
  }
  async elements(): Promise<readonly ScreenElement[]> {
    return [];
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
