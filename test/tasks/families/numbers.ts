import { type NumbersFault, startNumbers } from '../apps/numbers.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const numbers = (fault: NumbersFault) => (world: World) =>
  world.use('numbers', startNumbers(world.sabotaged ? fault : null));

export const numberTasks: readonly Task[] = [
  task({
    id: 'calculator/multiply',
    setup: numbers('off_by_one'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}calculator. Click 1, 2, ×, 3, 4 and =. Check that "408" is visible.`,
    check: ({ results }) => differs('the results', results, ['408']),
    twin: 'the calculator is off by one',
  }),
  task({
    id: 'calculator/add-and-subtract',
    setup: numbers('off_by_one'),
    instruction: ({ url }) =>
      `Go to ${url}calculator and click the "9" button, then "5", then "+", then "8", then "−", then "3", then "=". Make sure that "100" is shown.`,
    check: ({ results }) => differs('the results', results, ['100']),
    twin: 'the calculator is off by one',
  }),
  task({
    id: 'calculator/decimals',
    setup: numbers('off_by_one'),
    instruction: ({ url }) =>
      `Visit ${url}calculator. Click "2". Click ".". Click "5". Click "×". Click "4". Click "=". Check that the Display shows "10".`,
    check: ({ results }) => differs('the results', results, ['10']),
    twin: 'the calculator is off by one',
  }),
  task({
    id: 'sheet/fill-cells',
    setup: numbers('shifts_cell'),
    instruction: ({ url }) =>
      `Open the browser, go to ${url}sheet, type "Rent" into the A1 field, type "950" into the B1 field, type "Food" into the A2 field, type "310" into the B2 field and press Tab. Go to ${url}sheet and check that the A1 field contains "Rent".`,
    check: ({ cells }) =>
      differs('the cells', Object.fromEntries(cells), { A1: 'Rent', B1: '950', A2: 'Food', B2: '310' }),
    twin: 'every value is stored a row lower',
  }),
  task({
    id: 'sheet/formula',
    setup: numbers('subtracts'),
    instruction: ({ url }) =>
      `Go to ${url}sheet. Type "120" into A1 and "35" into A2, then type "=A1+A2" into the A3 field and press Enter. Check that the A3 field shows "155".`,
    check: ({ cells }) => differs('A3', cells.get('A3'), '155'),
    twin: 'plus is computed as minus',
  }),
  task({
    id: 'sheet/column-sum',
    setup: numbers('subtracts'),
    instruction: ({ url }) =>
      `In the browser, open ${url}sheet. Click the A1 field and type "10". Press Enter. Click the A2 field and type "20". Press Enter. Click the A3 field and type "30". Press Enter. Type "=SUM(A1:A3)" into the B1 field, press Enter and check that the B1 field contains "60".`,
    check: ({ cells }) => differs('B1', cells.get('B1'), '60'),
    twin: 'the sum comes out one less',
  }),
];
