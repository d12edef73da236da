import { silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import {
  installFormPage,
  installTextEditor,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
} from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';

const URL = 'http://127.0.0.1:4321/';

/**
 * A desktop on which a field may do something of its own after text was typed into it.
 * @param spoil what the field holds after the nth typing.
 */
function house(fieldId: string, spoil: (value: string, nth: number) => string) {
  const desktop = new SimulatedDesktop();
  installTextEditor(desktop);
  installFormPage(desktop, URL);
  const machine = new ScriptedMachine({ desktop });
  const act = machine.act.bind(machine);
  let nth = 0;
  machine.act = async (command, options) => {
    // One operation after the other, as the field hears them.
    const replies = [];
    for (const operation of command.operations) {
      replies.push(await act({ ...command, operations: [operation] }, options));
      const { focused } = desktop;
      if (operation.type !== 'type_text' || focused?.id !== fieldId) continue;
      nth += 1;
      focused.value = spoil(focused.value ?? '', nth);
    }
    const last = replies.at(-1);
    if (last === undefined) throw new Error('a command without operations');
    const sight = await machine.observe({ elements: true }, options);
    return { ...last, outcomes: replies.flatMap(({ outcomes }) => outcomes), sight };
  };
  const run = (task: string) => runWith({ task, machine, engine: new BuiltinEngine({ log: silentLogger }) });
  return { desktop, machine, run };
}

describe('what was typed is read back, and put right', () => {
  it.each([
    ['a letter too many', (value: string) => `${value}t`],
    ['a letter doubled in the middle', (value: string) => value.replace('policy', 'pollicy')],
    ['another name completed', (value: string) => value.replace('.txt', '.json')],
    ['all of it in another order', (value: string) => [...value].reverse().join('')],
  ])('in a save dialog: %s', async (_, spoil) => {
    const { desktop, run } = house('name', (value, nth) => (nth === 1 ? spoil(value) : value));
    const { outcome } = await run('open the text editor, type "x", save it as /tmp/policy.txt');
    expect(outcome).toMatchObject({ passed: true });
    expect([...desktop.files.keys()]).toEqual(['/tmp/policy.txt']);
  });

  it('in a save dialog that never takes the name: nothing is saved under another one, and it is said', async () => {
    const { desktop, run } = house('name', (value) => value.replace(/pol+icy/, 'pollicy'));
    const { outcome } = await run('open the text editor, type "x", save it as /tmp/policy.txt');
    expect(outcome).toMatchObject({ passed: false, summary: expect.stringContaining('pollicy.txt') });
    expect([...desktop.files.keys()]).toEqual([]);
  });

  it('in a save dialog that was opened and filled in step by step', async () => {
    const { desktop, run } = house('name', (value, nth) => (nth === 1 ? `${value}t` : value));
    const { outcome } = await run(
      'open the text editor, type "x", press Ctrl+Shift+S, type "/tmp/policy.txt", press Enter',
    );
    expect(outcome).toMatchObject({ passed: true });
    expect([...desktop.files.keys()]).toEqual(['/tmp/policy.txt']);
  });

  it('in a named field', async () => {
    const { desktop, run } = house('name-field', (value, nth) => (nth === 1 ? `${value}stone` : value));
    const { outcome } = await run(`go to ${URL}, type "Ada Love" into the Name field, click Send`);
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.journal).toContain('form sent: Ada Love / Coffee / false');
  });

  it('in a named field with a rule of its own: it is tried and told, not tried for ever', async () => {
    const { machine, run } = house('name-field', (value) => value.slice(0, 3));
    const { outcome } = await run(`go to ${URL}, type "Ada Love" into the Name field, click Send`);
    expect(outcome).toMatchObject({ passed: false, summary: expect.stringContaining('differ from') });
    expect(machine.commands.length).toBeLessThan(60);
  });
});
