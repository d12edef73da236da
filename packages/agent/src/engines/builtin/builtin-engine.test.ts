import { silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import {
  type HarnessOptions,
  installFormPage,
  installTextEditor,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
} from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';

const URL = 'http://127.0.0.1:4321/';

function house() {
  const desktop = new SimulatedDesktop();
  installTextEditor(desktop);
  installFormPage(desktop, URL);
  const machine = new ScriptedMachine({ desktop });
  const run = (task: string, more: Partial<HarnessOptions> = {}) =>
    runWith({ task, machine, engine: new BuiltinEngine({ log: silentLogger }), ...more });
  return { desktop, machine, run };
}

describe('the built-in engine does whole tasks', () => {
  it('does the sample task: editor, file, form, check', async () => {
    const { desktop, run } = house();
    const text = 'Grüße: 100 % & more,\nline two, then click X\n~!@#$ “quoted”';
    const { outcome, journal } = await run(
      `Open the text editor, type '${text}', save it as /tmp/out/notes.txt, open the browser and go to ${URL}, type "Ada Lovelace" into the Name field, select "Green tea" from Drink, tick the box, click the Send button, check that "Thank you" is visible.`,
    );
    expect(outcome).toMatchObject({ type: 'finished', passed: true });
    expect(desktop.files.get('/tmp/out/notes.txt')).toBe(text);
    expect(desktop.journal).toContain('form sent: Ada Lovelace / Green tea / true');
    expect(journal.steps).toBeLessThanOrEqual(14);
    const told = journal.lines.join('\n');
    expect(told).not.toContain('Ada Lovelace');
    expect(told).not.toContain('line two');
  });
});
