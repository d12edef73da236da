import { countingTasks } from './families/counting.ts';
import { editorTasks } from './families/editor.ts';
import { formTasks } from './families/forms.ts';
import { injectionTasks } from './families/injection.ts';
import { libraryTasks } from './families/library.ts';
import { mailTasks } from './families/mail.ts';
import { newcomerTasks } from './families/newcomers.ts';
import { numberTasks } from './families/numbers.ts';
import { panelTasks } from './families/panels.ts';
import { peopleTasks } from './families/people.ts';
import { sampleTasks } from './families/sample.ts';
import { severalTasks } from './families/several.ts';
import { shopTasks } from './families/shop.ts';
import { slowTasks } from './families/slow.ts';
import { surpriseTasks } from './families/surprises.ts';
import { terminalTasks } from './families/terminal.ts';
import { ticketTasks } from './families/tickets.ts';
import { trapTasks } from './families/traps.ts';
import type { Task } from './task.ts';

/** Every task of the suite, family by family. */
export const ALL_TASKS: readonly Task[] = [
  ...editorTasks,
  ...terminalTasks,
  ...numberTasks,
  ...formTasks,
  ...shopTasks,
  ...mailTasks,
  ...ticketTasks,
  ...peopleTasks,
  ...libraryTasks,
  ...panelTasks,
  ...slowTasks,
  ...trapTasks,
  ...injectionTasks,
  ...surpriseTasks,
  ...severalTasks,
  ...newcomerTasks,
  ...countingTasks,
  ...sampleTasks,
];
