import { fileURLToPath } from 'node:url';
import { contains, type Point, ProtocolError, type Rect, type WindowInfo } from '@deskhand/protocol';
import { z } from 'zod';
import type { WindowIdentity } from '../ports.ts';
import { programNames } from './process-identity.ts';
import { SystemHelper } from './system-helper.ts';
import { untilFocused } from './until-focused.ts';
import type { WindowControl } from './window-control.ts';

const POLL_MS = 50;

const Box = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });
const Row = z.object({
  id: z.string().max(64),
  pid: z.int(),
  application: z.string(),
  program: z.string().nullable(),
  title: z.string(),
  bounds: Box,
  active: z.boolean(),
  minimized: z.boolean(),
  /** False for what takes clicks but is no window to be managed: menus, the dock, the task bar. */
  managed: z.boolean(),
});
const Rows = z.array(Row);
type Row = z.infer<typeof Row>;

/** The helper of a system: JavaScript for Automation on macOS, PowerShell on Windows. */
export function nativeWindowHelper(platform: NodeJS.Platform): SystemHelper {
  const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  if (platform === 'darwin')
    return SystemHelper.of('/usr/bin/osascript', ['-l', 'JavaScript', script('windows-of-macos.jxa')]);
  const flags = ['-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass'];
  return SystemHelper.of('powershell.exe', [...flags, '-File', script('windows-of-windows.ps1')]);
}

/**
 * Windows of macOS and of Windows, by the system's own word: process and program are the system's, the title the
 * window's. NOT RUN on either; macOS asks the person for Screen Recording (titles) and Accessibility (focus, close).
 */
export class NativeWindowSystem implements WindowControl {
  readonly #helper: Pick<SystemHelper, 'ask'> & AsyncDisposable;
  readonly #scale: () => number;

  /** @param parts.scale physical pixels per unit of the system's coordinates; 1 where these are physical. */
  constructor(parts: { helper: Pick<SystemHelper, 'ask'> & AsyncDisposable; scale: () => number }) {
    this.#helper = parts.helper;
    this.#scale = parts.scale;
  }

  async windows(): Promise<readonly WindowInfo[]> {
    return (await this.#rows()).filter(({ managed }) => managed).map((row) => this.#describe(row));
  }

  async activeWindow(): Promise<WindowInfo | null> {
    const active = (await this.#rows()).find((row) => row.active);
    return active === undefined ? null : this.#describe(active);
  }

  /** Menus and task bars included: what lies in front is what a click reaches. */
  async windowAt(point: Point): Promise<WindowInfo | null> {
    const shown = (await this.#rows())
      .filter(({ minimized }) => !minimized)
      .map((row) => this.#describe(row));
    return shown.find(({ bounds }) => contains(bounds, point)) ?? null;
  }

  async clientArea(windowId: string): Promise<Rect | null> {
    const row = (await this.#rows()).find(({ id }) => id === windowId);
    return row === undefined ? null : this.#describe(row).bounds;
  }

  async identity(windowId: string): Promise<WindowIdentity> {
    const row = (await this.#rows()).find(({ id }) => id === windowId);
    if (row === undefined) return { names: [], pid: null, program: null };
    const { application, pid, program } = row;
    return { names: programNames([application], program), pid, program };
  }

  async focus(windowId: string): Promise<void> {
    await this.#perform('focus', windowId);
    await untilFocused(windowId, async () => (await this.activeWindow())?.id === windowId, POLL_MS);
  }

  async close(windowId: string): Promise<void> {
    await this.#perform('close', windowId);
  }

  async move(windowId: string, bounds: Rect): Promise<void> {
    await this.#perform('move', windowId, scaled(bounds, 1 / this.#scale()));
  }

  async minimize(windowId: string): Promise<void> {
    await this.#perform('minimize', windowId);
  }

  async maximize(windowId: string, maximized = true): Promise<void> {
    await this.#perform(maximized ? 'maximize' : 'restore', windowId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#helper[Symbol.asyncDispose]());
  }

  /** Front to back. */
  async #rows(): Promise<readonly Row[]> {
    return Rows.parse(await this.#helper.ask({ operation: 'list' }));
  }

  async #perform(operation: string, id: string, bounds?: Rect): Promise<void> {
    if (!(await this.#rows()).some((row) => row.id === id))
      throw new ProtocolError(
        'WINDOW_NOT_FOUND',
        `There is no window ${id}; look again, it may have closed.`,
      );
    await this.#helper.ask({ operation, id, ...(bounds === undefined ? {} : { bounds }) });
  }

  #describe({ id, title, application, pid, bounds, active, minimized }: Row): WindowInfo {
    return {
      id,
      title: title.slice(0, 2000),
      application: application.slice(0, 200),
      ...(pid < 0 ? {} : { pid }),
      bounds: scaled(bounds, this.#scale()),
      active,
      minimized,
    };
  }
}

function scaled({ x, y, width, height }: Rect, by: number): Rect {
  return {
    x: Math.round(x * by),
    y: Math.round(y * by),
    width: Math.round(width * by),
    height: Math.round(height * by),
  };
}
