import type { XError } from 'x11';

/** A request the X server refused. Local to the daemon: callers turn it into an outcome or a ProtocolError. */
export class X11Error extends Error {
  override readonly name = 'X11Error';
  /** X error code: 2 = BadValue, 3 = BadWindow, 8 = BadMatch, 9 = BadDrawable, 10 = BadAccess … */
  readonly code: number;
  readonly majorOpcode: number;
  constructor(request: string, cause: XError) {
    super(`${request}: ${cause.message || 'X error'} (code ${cause.error ?? 'unknown'})`, { cause });
    this.code = cause.error ?? 0;
    this.majorOpcode = cause.majorOpcode ?? 0;
  }
}
