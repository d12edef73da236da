import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { silentLogger } from '@deskhand/base';
import { openX11 } from '@deskhand/daemon/x11';
import { type ChromiumPage, openChromiumPage } from '../helpers/chromium-page.ts';
import { eventually, type RunningProgram, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

/** A desktop as somebody leaves it: a page full of text, an editor, a terminal that listed something. */
export type BusyDesktop = AsyncDisposable & Readonly<{ desktop: XDesktop; chromium: ChromiumPage }>;

export async function startBusyDesktop(size: { width: number; height: number }): Promise<BusyDesktop> {
  const desktop = await startXDesktop(size);
  try {
    // nut-js and the screenshot programs look at the display of this process.
    process.env.DISPLAY = desktop.display;
    const page = join(desktop.folder, 'page.html');
    await writeFile(page, PAGE);
    const note = join(desktop.folder, 'note.txt');
    await writeFile(note, Array.from({ length: 40 }, (_, line) => `${line}. ${SENTENCE}`).join('\n'));
    const { width, height } = size;
    const chromium = await openChromiumPage(desktop, pathToFileURL(page).href);
    await desktop.ask('xdotool', 'windowsize', chromium.windowId, at(width * 0.62), at(height * 0.92));
    await desktop.ask('xdotool', 'windowmove', chromium.windowId, '20', '30');
    const editor = await desktop.mousepad(note);
    await desktop.ask('xdotool', 'windowmove', editor.windowId ?? '', at(width * 0.6), at(height * 0.06));
    const terminal = await desktop.xterm('sh', '-c', 'ls -la /usr/lib | head -60; exec sleep 100000');
    await desktop.ask('xdotool', 'windowmove', terminal.windowId ?? '', at(width * 0.58), at(height * 0.5));
    await desktop.ask('xdotool', 'windowactivate', '--sync', chromium.windowId);
    await chromium.page.evaluate('document.fonts.ready.then(() => true)');
    return {
      desktop,
      chromium,
      async [Symbol.asyncDispose]() {
        await chromium[Symbol.asyncDispose]();
        await desktop[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await desktop[Symbol.asyncDispose]();
    throw error;
  }
}

/** picom, once it has taken the screen over. */
export async function startCompositor(desktop: XDesktop, signal: AbortSignal): Promise<RunningProgram> {
  const options = ['--backend', 'xrender', '--config', '/dev/null', '--no-fading-openclose'];
  const picom = desktop.start('picom', options);
  await using x = await openX11({ display: desktop.display, log: silentLogger });
  const selection = await x.atom('_NET_WM_CM_S0');
  await eventually(async () => {
    signal.throwIfAborted();
    if ((await x.selectionOwner(selection)) === 0) throw new Error('picom does not composite');
  });
  return picom;
}

const at = (value: number) => String(Math.round(value));

const SENTENCE =
  'A person lends the desktop for a while, watches every step, and takes it back with one key.';

const PAGE = `<!doctype html><meta charset="utf-8"><title>Records</title>
<style>
  body { font: 15px/1.5 sans-serif; margin: 24px; color: #222; background: linear-gradient(#fff, #eef3f8) }
  table { border-collapse: collapse; width: 100% } td, th { border: 1px solid #cdd; padding: 4px 8px }
  th { background: #23395d; color: #fff } tr:nth-child(even) { background: #f2f6fa }
  button { background: #b3541e; color: #fff; border: 0; border-radius: 6px; padding: 6px 14px }
  textarea { width: 100%; height: 12em; font: 14px monospace }
</style>
<h1>Records <button id="save">Save draft</button></h1>
<textarea id="text"></textarea>
<table><tr><th>#<th>Name<th>State<th>Remark</tr>
${Array.from({ length: 60 }, (_, row) => `<tr><td>${row}<td>Record ${row * 37}<td>${['open', 'closed', 'waiting'][row % 3]}<td>${SENTENCE}</tr>`).join('\n')}
</table>`;
