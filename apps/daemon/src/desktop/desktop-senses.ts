import type {
  ApplicationLauncher,
  Browser,
  ElementSourcePort,
  ScreenActivity,
  ScreenCapture,
  WindowSystem,
  WordReader,
} from '../ports.ts';

/** A command line in the desktop's shell. */
export interface CommandRunner {
  run(
    request: { command: string; cwd: string | null; timeoutMs: number },
    options: { signal: AbortSignal },
  ): Promise<Record<string, unknown>>;
}

/** Files, after policy said yes to their paths. */
export interface FileReader {
  read(
    path: string,
    limits: { maxBytes: number },
    options: { signal: AbortSignal },
  ): Promise<Record<string, unknown>>;
  stat(path: string, options: { signal: AbortSignal }): Promise<Record<string, unknown>>;
}

/** Everything the desktop is perceived and worked with, except hands. What is null is not there on this system. */
export type DesktopSenses = Readonly<{
  capture: ScreenCapture;
  activity: ScreenActivity;
  windows: WindowSystem;
  elements: ElementSourcePort | null;
  words: WordReader | null;
  browser: Browser | null;
  launcher: ApplicationLauncher;
  terminal: CommandRunner | null;
  files: FileReader | null;
}>;
