import { silentLogger } from '@deskhand/base';
import type { Observation, ScreenElement } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import {
  browserWindow,
  RecordingJournal,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
} from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';

const part = (
  id: string,
  role: string,
  name: string,
  x: number,
  y: number,
  width: number,
): ScreenElement => ({
  id,
  source: 'accessibility',
  role,
  name,
  bounds: { x, y, width, height: role === 'dialog' ? 160 : 30 },
  states: ['enabled'],
  actions: [],
});
const BOX = [
  part('box', 'dialog', '127.0.0.1 says', 400, 100, 460),
  part('words', 'label', 'Delete all?', 420, 120, 300),
  part('cancel', 'button', 'Cancel', 640, 200, 80),
  part('ok', 'button', 'OK', 760, 200, 80),
];

/** A page with a Save button, before which a box of the browser stands until one of its buttons is clicked. */
function boxed(answers: readonly string[], comes: 'at once' | 'while typing' = 'at once') {
  const desktop = new SimulatedDesktop();
  desktop.open(
    browserWindow('http://127.0.0.1:1/', [
      {
        id: 'save',
        role: 'button',
        name: 'Save',
        bounds: { x: 40, y: 300, width: 80, height: 30 },
        onClick: (host) => {
          host.journal.push('clicked save');
        },
      },
      {
        id: 'name',
        role: 'text_field',
        name: 'Name',
        value: '',
        states: ['editable'],
        bounds: { x: 40, y: 100, width: 200, height: 30 },
      },
    ]),
  );
  const machine = new ScriptedMachine({ desktop });
  let isOpen = comes === 'at once';
  let isToCome = !isOpen;
  const clicked: string[] = [];
  const shown = (observation: Observation): Observation =>
    isOpen ? { ...observation, elements: BOX } : observation;
  const observe = machine.observe.bind(machine);
  machine.observe = async (request, options) => {
    const sight = await observe(request, options);
    return { ...sight, observation: shown(sight.observation) };
  };
  const act = machine.act.bind(machine);
  machine.act = async (command, options) => {
    const [operation] = command.operations;
    if (isToCome && command.operations.some(({ type }) => type === 'type_text')) {
      // The keys went to the box, which has no use for them.
      isToCome = false;
      isOpen = true;
      const outcomes = command.operations.map(() => ({ status: 'no_effect' as const, durationMs: 1 }));
      return { outcomes, sight: await machine.observe(command.observe, options) };
    }
    if (isOpen && operation?.type === 'click') {
      clicked.push(operation.point.x > 740 ? 'OK' : 'Cancel');
      isOpen = false;
    }
    const result = await act(command, options);
    return result.sight === null
      ? result
      : { ...result, sight: { ...result.sight, observation: shown(result.sight.observation) } };
  };
  const journal = new RecordingJournal();
  journal.answers.push(...answers);
  return { desktop, machine, journal, clicked };
}

const engine = () => new BuiltinEngine({ log: silentLogger });

describe('a box of the browser that the task does not speak of', () => {
  it.each([
    ['OK', ['OK']],
    ['please click Cancel', ['Cancel']],
    ['yes', ['OK']],
    ['no', ['Cancel']],
  ])('is answered as a person says (%s), then the task goes on', async (note, expected) => {
    const { desktop, machine, journal, clicked } = boxed([note]);
    const { outcome } = await runWith({ task: 'click Save', machine, engine: engine(), journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(journal.questions).toHaveLength(1);
    expect(journal.questions[0]).toContain('Delete all?');
    expect(clicked).toEqual(expected);
    expect(desktop.journal).toContain('clicked save');
  });

  it('is never answered by itself: an unclear note clicks nothing, and the run says what stands there', async () => {
    const { machine, journal, clicked } = boxed(['what is this?']);
    const { outcome } = await runWith({ task: 'click Save', machine, engine: engine(), journal });
    expect(outcome).toMatchObject({ passed: false, summary: expect.stringContaining('Delete all?') });
    expect(clicked).toEqual([]);
  });

  it('that comes while text is typed: the text is typed behind it, once', async () => {
    const { desktop, machine, journal, clicked } = boxed(['OK'], 'while typing');
    const { outcome } = await runWith({ task: 'type "Ada" into Name', machine, engine: engine(), journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(clicked).toEqual(['OK']);
    expect(desktop.widget('name').value).toBe('Ada');
  });

  it('is no riddle where the task answers it', async () => {
    const { machine, journal, clicked } = boxed([]);
    const task = 'confirm the dialog and click Save';
    expect((await runWith({ task, machine, engine: engine(), journal })).outcome).toMatchObject({
      passed: true,
    });
    expect(clicked).toEqual(['OK']);
    expect(journal.questions).toEqual([]);
  });
});
