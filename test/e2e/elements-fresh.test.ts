import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationInput, ScreenElement } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromiumPage } from '../helpers/chromium-page.ts';
import { type DrivenDesktop, startDrivenDesktop } from '../helpers/driven-desktop.ts';
import type { LinkServer } from '../helpers/link-server.ts';
import { eventually, type RunningProgram, type XDesktop } from '../helpers/x-desktop.ts';

/**
 * What is told after an action is what the action made of it, not what was before. Browsers bring the copy that
 * accessibility is answered from up to date later than the screen. `ELEMENT_TRIALS=70` is a trial worth a figure.
 */
const TRIALS = Number(process.env.ELEMENT_TRIALS ?? 8);

let driven: DrivenDesktop;
let desktop: XDesktop;
let server: LinkServer;

beforeAll(async () => {
  driven = await startDrivenDesktop();
  ({ desktop, server } = driven);
  server.lease({ epoch: 1, leaseId: 'lease-1', runId: 'run_1' });
  await server.observe({ elements: true });
});

afterAll(async () => {
  await driven?.[Symbol.asyncDispose]();
});

/** What is told right after it. */
async function after(operation: OperationInput, frameId?: string): Promise<readonly ScreenElement[]> {
  const fields = { observe: { elements: true }, ...(frameId === undefined ? {} : { frameId }) };
  const reply = await server.act([operation], fields);
  if (reply.type !== 'result' || reply.observation == null) throw new Error(JSON.stringify(reply));
  return reply.observation.elements;
}

describe('what is told right after an action', () => {
  it('is the new name of a button and the new text beside it, of a browser that is not ours', async () => {
    await using chromium = await openChromiumPage(desktop);
    await chromium.page.setContent(PAGE);
    // What is not driven answers accessibility once somebody has asked.
    await eventually(async () => {
      const { observation } = await server.observe({ elements: true });
      expect(observation?.elements.map(({ name }) => name)).toContain('Press 0');
    }, 20_000);
    const wrong: string[] = [];
    for (let nth = 1; nth <= TRIALS; nth += 1) {
      const { observation } = await server.observe({ frame: { maxSidePx: 8192 } });
      const point = (await chromium.page.evaluate(MIDDLE)) as { x: number; y: number };
      const elements = await after({ type: 'click', point }, observation?.frame?.geometry.frameId);
      expect(await chromium.page.evaluate('count')).toBe(nth);
      const names = elements.map(({ name }) => name).filter((name) => /^(?:Press|Pressed) \d/.test(name));
      if (!names.includes(`Press ${nth}`) || !names.includes(`Pressed ${nth} times`))
        wrong.push(`${nth}: ${names.join(', ')}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['GTK', 'mousepad', ['--disable-server']],
    ['Qt', 'featherpad', ['--standalone']],
  ])('is the whole text so far, of a %s editor', async (toolkit, program, options) => {
    const file = join(desktop.folder, `fresh-${toolkit}.txt`);
    await writeFile(file, '');
    const editor: RunningProgram = await desktop.startWindow(
      program,
      [...options, file],
      ['--class', program],
    );
    try {
      await eventually(async () => {
        expect(Number(await desktop.ask('xdotool', 'getactivewindow'))).toBe(Number(editor.windowId));
        const { observation } = await server.observe({ elements: true });
        expect(observation?.elements.some(isEmptyText)).toBe(true);
      }, 20_000);
      const wrong: string[] = [];
      let typed = '';
      for (let nth = 1; nth <= TRIALS; nth += 1) {
        typed += `${nth} `;
        const elements = await after({ type: 'type_text', text: `${nth} ` });
        const values = elements.map(({ value }) => value?.replace(/\n$/, ''));
        if (!values.includes(typed)) wrong.push(`${nth}: ${JSON.stringify(values)}`);
      }
      expect(wrong).toEqual([]);
    } finally {
      await editor.close();
    }
  });
});

function isEmptyText({ role, value, bounds }: ScreenElement): boolean {
  return role === 'text_field' && (value ?? '').trim() === '' && bounds.height > 100;
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>Fresh</title>
<style>body{font:16px sans-serif;margin:2rem}button{width:200px;height:60px}</style>
<button id="press">Press 0</button><p id="told">Pressed 0 times</p>
${Array.from({ length: 40 }, (_, row) => `<div>Row ${row} <a href="#${row}">Link ${row}</a></div>`).join('')}
<script>let count = 0; const press = document.getElementById('press');
// What a page does by itself, not in answer to an input, it tells accessibility later.
press.onclick = () => setTimeout(() => { count += 1; press.textContent = 'Press ' + count;
document.getElementById('told').textContent = 'Pressed ' + count + ' times'; }, 120);</script>`;

/** Whole pixels of the screen. */
const MIDDLE = `(() => { const { x, y, width, height } = document.getElementById('press').getBoundingClientRect();
const top = window.screenY + window.outerHeight - window.innerHeight;
return { x: window.screenX + x + width / 2, y: top + y + height / 2 }; })()`;
