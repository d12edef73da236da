import { editorTasks } from './families/editor.ts';
import { peopleTasks } from './families/people.ts';
import { shopTasks } from './families/shop.ts';
import { terminalTasks } from './families/terminal.ts';
import type { Task } from './task.ts';

/** Every task of the suite, family by family. */
export const ALL_TASKS: readonly Task[] = [...editorTasks, ...terminalTasks, ...peopleTasks, ...shopTasks];
