import type { Instruction } from './intent.ts';
import { planOf } from './plan.ts';

/** Every command that a task's own words become, in its conditions and repeats too; none when it is not understood. */
export function commandsIn(task: string): ReadonlySet<string> {
  const plan = planOf(task);
  return new Set(plan.understood ? plan.steps.flatMap(commandsOf) : []);
}

function commandsOf({ intent }: Instruction): readonly string[] {
  switch (intent.type) {
    case 'run_command':
      return [intent.command];
    case 'if':
      return [...intent.body, ...intent.otherwise].flatMap(commandsOf);
    case 'repeat':
    case 'repeat_until':
    case 'for_each':
      return intent.body.flatMap(commandsOf);
    default:
      return [];
  }
}
