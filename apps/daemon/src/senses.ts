import type { Logger } from '@deskhand/base';
import { Scope } from '@deskhand/base';
import { AtspiElementSource } from './accessibility/atspi-element-source.ts';
import { X11Session } from './windows/x11-session.ts';
import { X11WindowSystem } from './windows/x11-window-system.ts';

export type SensesOptions = Readonly<{
  /** X display name, e.g. `:99`. XAUTHORITY of this process must fit it. */
  display: string;
  /** What applications of this desktop need in their environment. */
  env: Readonly<Record<string, string>>;
  log: Logger;
}>;

export interface Senses extends AsyncDisposable {
  readonly windows: X11WindowSystem;
  readonly accessibility: AtspiElementSource;
}

export async function openSenses(options: SensesOptions): Promise<Senses> {
  const scope = new Scope();
  const session = scope.use('X session', new X11Session(options.display, options.log));
  const windows = scope.use('windows', new X11WindowSystem(() => session.connection()));
  const accessibility = scope.use(
    'accessibility',
    new AtspiElementSource(options.env.DBUS_SESSION_BUS_ADDRESS ?? '', options.log),
  );
  return { windows, accessibility, [Symbol.asyncDispose]: () => scope.close() };
}
