import { assertNever, sleep } from '@deskhand/base';
import { type Outcome, ProtocolError, type Tool, type WindowInfo } from '@deskhand/protocol';
import type { DesktopSenses } from './desktop-senses.ts';

/** A dialog that asks "save first?" keeps a window open: then nothing is proven. */
const CLOSE_CEILING_MS = 1500;
const CLOSE_LOOK_MS = 50;

/**
 * Does one tool, once. Policy was asked before.
 * @throws ProtocolError with the tool's own codes.
 */
export async function useTool(tool: Tool, senses: DesktopSenses, signal: AbortSignal): Promise<Outcome> {
  switch (tool.type) {
    case 'open_application': {
      const opened = await senses.launcher.open(tool.name, { signal });
      return done(opened.windowId === null ? 'unverified' : 'confirmed', {
        application: opened.application,
        window_id: opened.windowId,
        started: opened.started,
      });
    }
    case 'browser_navigate': {
      if (senses.browser === null)
        throw new ProtocolError('BROWSER_UNAVAILABLE', 'No Chromium-family browser is installed.');
      const page = await senses.browser.navigate(tool.url, { signal });
      return done('confirmed', { url: page.url, title: page.title });
    }
    case 'focus_window': {
      const window = await findWindow(tool, senses);
      await senses.windows.focus(window.id);
      return done('confirmed', { window_id: window.id, title: window.title });
    }
    case 'close_window': {
      const window = await findWindow(tool, senses);
      await senses.windows.close(window.id);
      const gone = await isGone(window.id, senses, signal);
      return done(gone ? 'confirmed' : 'unverified', { window_id: window.id, title: window.title });
    }
    case 'run_command': {
      if (senses.terminal === null)
        throw new ProtocolError('FEATURE_NOT_AVAILABLE', 'This desktop runs no commands.');
      const result = await senses.terminal.run(
        { command: tool.command, cwd: tool.cwd ?? null, timeoutMs: tool.timeoutMs },
        { signal },
      );
      return done(result.exit_code === 0 ? 'confirmed' : 'unverified', result);
    }
    case 'read_file': {
      const files = filesOf(senses);
      return done('confirmed', await files.read(tool.path, { maxBytes: tool.maxBytes }, { signal }));
    }
    case 'stat_file':
      return done('confirmed', await filesOf(senses).stat(tool.path, { signal }));
    default:
      return assertNever(tool, 'tool');
  }
}

function done(status: Outcome['status'], result: Record<string, unknown>): Outcome {
  return { status, result, durationMs: 0 };
}

function filesOf(senses: DesktopSenses): NonNullable<DesktopSenses['files']> {
  if (senses.files === null) throw new ProtocolError('FEATURE_NOT_AVAILABLE', 'This desktop reads no files.');
  return senses.files;
}

async function findWindow(
  wanted: { windowId?: string | undefined; title?: string | undefined },
  senses: DesktopSenses,
): Promise<WindowInfo> {
  if (wanted.windowId === undefined && wanted.title === undefined) {
    const active = await senses.windows.activeWindow();
    if (active === null) throw new ProtocolError('WINDOW_NOT_FOUND', 'No window is active.');
    return active;
  }
  const windows = await senses.windows.windows();
  const title = wanted.title?.toLowerCase();
  const found =
    wanted.windowId === undefined
      ? (windows.find((window) => window.title.toLowerCase() === title) ??
        windows.find((window) => window.title.toLowerCase().includes(title ?? '')))
      : windows.find(({ id }) => id === wanted.windowId);
  if (found === undefined)
    throw new ProtocolError('WINDOW_NOT_FOUND', `No window matches; there are ${windows.length}.`);
  return found;
}

async function isGone(id: string, senses: DesktopSenses, signal: AbortSignal): Promise<boolean> {
  const giveUpMs = performance.now() + CLOSE_CEILING_MS;
  while (performance.now() < giveUpMs) {
    if (!(await senses.windows.windows()).some((window) => window.id === id)) return true;
    await sleep(CLOSE_LOOK_MS, { signal });
  }
  return false;
}
