import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rect } from '@deskhand/protocol';
import { eventually, type RunningProgram, type XDesktop } from '../helpers/x-desktop.ts';

/** What the window wrote down; see window.py. */
export type WindowEvent = Readonly<{ type: string } & Record<string, unknown>>;

/** A real window of another program that records what reached it: the independent judge of input tests. */
export type TargetWindow = RunningProgram &
  Readonly<{
    /** Everything so far, oldest first. */
    events(): Promise<readonly WindowEvent[]>;
    /** Where its parts are now, desktop pixels: `entry`, `text`, `canvas`, `Apply`, `Discard`, `Help`. */
    places: Readonly<Record<string, Rect>>;
  }>;

let count = 0;

export async function startTargetWindow(desktop: XDesktop, title = 'Target window'): Promise<TargetWindow> {
  count += 1;
  const path = join(desktop.folder, `target-window-${count}.jsonl`);
  const script = join(import.meta.dirname, 'window.py');
  // The interpreter of the system: the one on the PATH may lack Tk.
  const program = await desktop.startWindow('/usr/bin/python3', [script, path, title], ['--name', title]);
  const events = async () => {
    const text = await readFile(path, 'utf8');
    // The last line may still be on its way.
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as WindowEvent);
  };
  const ready = await eventually(async () => {
    const found = (await events()).find((event) => event.type === 'ready');
    if (found === undefined) throw new Error('the target window is not ready');
    return found;
  });
  return { ...program, events, places: ready.places as Record<string, Rect> };
}
