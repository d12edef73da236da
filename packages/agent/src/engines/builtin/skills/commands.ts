import type { Intent } from '../intent.ts';
import { failureOf, type Move, type Scene, TaskFailure } from '../scene.ts';

export function* runCommand(scene: Scene, intent: Extract<Intent, { type: 'run_command' }>): Move {
  const outcomes = yield* scene.act('Running the command in the terminal. Expecting it to end with code 0.', [
    { type: 'run_command', command: intent.command, timeoutMs: intent.ceilingMs },
  ]);
  const failure = failureOf(outcomes);
  if (failure !== null)
    throw new TaskFailure(
      `The command could not be run: ${failure.message ?? failure.code ?? failure.status}.`,
    );
  const result = outcomes[0]?.result ?? {};
  const output = firstText(result, ['output']);
  scene.commandOutput = output ?? '';
  if (output !== null) {
    scene.memory.set('output', output.trim());
    scene.memory.set('command output', output.trim());
  }
  const exitCode = result.exit_code;
  if (result.timed_out === true)
    throw new TaskFailure(
      `The command did not end within ${Math.round(intent.ceilingMs / 1000)} s and was stopped.`,
    );
  if (typeof exitCode === 'number' && exitCode !== 0)
    throw new TaskFailure(`The command ended with code ${exitCode}${excerpt(result)}.`);
  scene.proofs.push('the command ended with code 0');
}

function firstText(result: Record<string, unknown>, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = result[key];
    if (typeof value === 'string') return value;
  }
  return null;
}

function excerpt(result: Record<string, unknown>): string {
  const text = firstText(result, ['stderr', 'output'])?.trim() ?? '';
  return text === '' ? '' : `: ${text.slice(-200)}`;
}
