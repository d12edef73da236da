import { silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import {
  browserWindow,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
  type Widget,
} from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';

function page(widgets: Widget[]) {
  const desktop = new SimulatedDesktop();
  desktop.open(browserWindow('http://a.test/', widgets));
  const machine = new ScriptedMachine({ desktop });
  const run = async (task: string) => {
    const { outcome } = await runWith({
      task,
      machine,
      engine: new BuiltinEngine({ log: silentLogger }),
      limits: { maxRepeats: 10 },
    });
    return outcome;
  };
  return { desktop, run, pressed: () => desktop.journal.filter((line) => line.startsWith('pressed')) };
}

const button = (id: string, name: string, y: number, onClick?: Widget['onClick']): Widget => ({
  id,
  role: 'button',
  name,
  bounds: { x: 500, y, width: 100, height: 30 },
  onClick: (desktop, mouse) => {
    desktop.journal.push(`pressed ${id}`);
    const window = desktop.active;
    if (window !== undefined) window.title += '.';
    onClick?.(desktop, mouse);
  },
});
const cell = (id: string, name: string, y: number): Widget => ({
  id,
  role: 'table_cell',
  name,
  bounds: { x: 10, y, width: 200, height: 30 },
});

describe('conditions', () => {
  it.each<[string, string[]]>([
    ['if "Accept cookies" is visible, click it', ['pressed accept']],
    ['if "Reject" is visible, click it', []],
    ['if "Reject" is visible, click it, otherwise click Accept cookies', ['pressed accept']],
    ['If "Reject" is visible, click it. Otherwise, click the Next button.', ['pressed next']],
    ['unless "Reject" is visible, click the Next button', ['pressed next']],
    ['unless "Accept cookies" is visible, click the Next button', []],
    [
      'click the Next button and if "Accept cookies" is visible, then click it',
      ['pressed next', 'pressed accept'],
    ],
  ])('%s', async (task, expected) => {
    const { run, pressed } = page([button('accept', 'Accept cookies', 100), button('next', 'Next', 200)]);
    expect(await run(task)).toMatchObject({ passed: true });
    expect(pressed()).toEqual(expected);
  });

  it('a condition that cannot be read is named', async () => {
    const { run } = page([]);
    const outcome = await run('if the moon is made of cheese, reticulate splines');
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
  });
});

describe('repeats', () => {
  it('a number of times', async () => {
    const { run, pressed } = page([button('more', 'More', 100)]);
    expect(await run('repeat 3 times: click the More button')).toMatchObject({ passed: true });
    expect(pressed()).toHaveLength(3);
  });

  it('until something is visible', async () => {
    const { run, pressed } = page([
      button('next', 'Next', 100, (desktop) => {
        if (desktop.journal.filter((line) => line === 'pressed next').length === 2)
          desktop.active?.widgets.push({
            id: 'end',
            role: 'label',
            name: 'The end',
            bounds: { x: 1, y: 1, width: 80, height: 20 },
          });
      }),
    ]);
    expect(await run('click Next until "The end" is visible')).toMatchObject({ passed: true });
    expect(pressed()).toHaveLength(2);
  });

  it('for each row, also when rows disappear under it', async () => {
    const remove =
      (name: string): Widget['onClick'] =>
      (desktop) => {
        const window = desktop.active;
        if (window === undefined) return;
        window.widgets = window.widgets.filter(({ id }) => !id.endsWith(name));
        window.widgets.forEach((widget) => {
          if (widget.bounds.y > 100) widget.bounds.y -= 50;
        });
      };
    const names = ['Alice', 'Bob', 'Carol'];
    const rows = names.flatMap((name, index) => [
      cell(`cell-${name}`, name, 100 + index * 50),
      button(`delete-${name}`, 'Delete', 100 + index * 50, remove(name)),
    ]);
    const { run, pressed } = page(rows);
    expect(await run('for each row, click the Delete button')).toMatchObject({ passed: true });
    expect(pressed()).toEqual(names.map((name) => `pressed delete-${name}`));
  });

  describe('one thing done to all of them', () => {
    const names = ['Alice', 'Bob', 'Carol'];
    const goes: (name: string) => Widget['onClick'] = (name) => (desktop) => {
      const window = desktop.active;
      if (window === undefined) return;
      window.widgets = window.widgets.filter(({ id }) => !id.endsWith(name));
      window.widgets.forEach((widget) => {
        if (widget.bounds.y > 100) widget.bounds.y -= 50;
      });
    };
    const stays: () => Widget['onClick'] = () => () => {};
    const darkens: (name: string) => Widget['onClick'] = (name) => (desktop) => {
      desktop.widget(`approve-${name}`).name = 'Approved';
    };
    const rows = (click: (name: string) => Widget['onClick']) =>
      names.flatMap((name, index) => [
        cell(`cell-${name}`, name, 100 + index * 50),
        button(`approve-${name}`, 'Approve', 100 + index * 50, click(name)),
      ]);

    it.each([
      ['approve all the requests', goes],
      ['approve every request', stays],
      ['Approve all requests', darkens],
      ['approve each of the requests', goes],
    ])('%s', async (task, click) => {
      const { run, pressed } = page(rows(click));
      expect(await run(task)).toMatchObject({ passed: true });
      expect(pressed()).toEqual(names.map((name) => `pressed approve-${name}`));
    });

    it('by the one button that does it, where there is one', async () => {
      const { run, pressed } = page([...rows(stays), button('all', 'Approve all', 400)]);
      expect(await run('approve all the requests')).toMatchObject({ passed: true });
      expect(pressed()).toEqual(['pressed all']);
    });

    it('answers no question that comes up, and leaves the others', async () => {
      const asks = () => (desktop: SimulatedDesktop) => {
        desktop.active?.widgets.push(
          { id: 'sure', role: 'dialog', name: 'Sure?', bounds: { x: 300, y: 300, width: 300, height: 200 } },
          button('yes', 'Yes', 400),
        );
      };
      const { run, pressed } = page(rows(asks));
      const outcome = await run('approve all the requests');
      expect(outcome).toMatchObject({ passed: false, summary: expect.stringContaining('question') });
      expect(pressed()).toEqual(['pressed approve-Alice']);
    });

    it('says so where nothing can be done to them', async () => {
      const { run, pressed } = page(names.map((name, index) => cell(name, name, 100 + index * 50)));
      expect(await run('approve all the requests')).toMatchObject({ passed: false });
      expect(pressed()).toEqual([]);
    });
  });

  it('for every thing of a kind', async () => {
    const box = (id: string, y: number): Widget => ({
      id,
      role: 'check_box',
      name: `Box ${id}`,
      states: [],
      bounds: { x: 10, y, width: 20, height: 20 },
    });
    const { run, desktop } = page([box('a', 100), box('b', 150), box('c', 200)]);
    expect(await run('for every checkbox, tick it')).toMatchObject({ passed: true });
    expect(['a', 'b', 'c'].map((id) => desktop.widget(id).states)).toEqual([
      ['checked'],
      ['checked'],
      ['checked'],
    ]);
  });

  it('never without end', async () => {
    const { run, pressed } = page([button('next', 'Next', 100)]);
    expect(await run('click Next until "Never" is visible')).toMatchObject({
      type: 'stopped',
      reason: 'max_steps',
    });
    expect(pressed().length).toBeLessThanOrEqual(60);
  });
});
