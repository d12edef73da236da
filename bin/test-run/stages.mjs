/** Readable in a log; `loose` lets the environment of stage-environment.mjs through to the tasks. */
const plainTurbo = ['--ui=stream', '--output-logs=new-only', '--env-mode=loose'];

/**
 * What `npm test` runs, in this order. Ceilings are for a slow machine of two cores and end a hang; the whole run has
 * its own, below.
 * @typedef {{ name: string, command: string, args: string[], ceilingMs: number, isVitest: boolean }} Stage
 * @type {Stage[]}
 */
export const stages = [
  check('typecheck', 3, 'turbo', ['run', 'typecheck', ...plainTurbo, '--continue']),
  check('lint', 1, 'biome', ['check', '.']),
  check('build', 2, 'turbo', ['run', 'build', ...plainTurbo]),
  suite('unit', 4),
  suite('server', 8),
  suite('e2e', 18),
];

/** From the start of `npm test`, set-up included, to its last line. */
export const wholeCeilingMs = 19.5 * 60_000;

function check(name, minutes, command, args) {
  return { name, command, args, ceilingMs: minutes * 60_000, isVitest: false };
}

function suite(name, minutes) {
  return {
    name,
    command: 'vitest',
    args: ['run', '--project', name],
    ceilingMs: minutes * 60_000,
    isVitest: true,
  };
}

/** The named stages in their order; all of them when none is named. */
export function chooseStages(names) {
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    const known = stages.map((stage) => stage.name).join(', ');
    throw new RangeError(`no stage named ${unknown.join(', ')}; there are: ${known}`);
  }
  return names.length === 0 ? stages : stages.filter((stage) => names.includes(stage.name));
}
