import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { deskhand, temporaryFolder } from '../helpers/up-process.ts';
import { ALL_TASKS } from '../tasks/all-tasks.ts';
import { World } from '../tasks/world.ts';

/** The suite itself: its judges can say no, and its tasks are told apart. */

const folder = temporaryFolder('suite');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the task suite', () => {
  it('holds at least sixty tasks, each under a name of its own, most with a wrong-outcome twin', () => {
    const ids = ALL_TASKS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(60);
    for (const id of ids) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
    expect(ALL_TASKS.filter(({ twin }) => twin !== null).length).toBeGreaterThanOrEqual(60);
  });

  it.each(ALL_TASKS.filter(({ twin }) => twin !== null))(
    '$id: nothing done is not called right, whole or sabotaged',
    async (task) => {
      for (const sabotaged of [false, true]) {
        const name = `${task.id.replaceAll('/', '-')}-${sabotaged}`;
        await using world = new World({ folder: path.join(folder, name), sabotaged });
        const staged = await task.stage(world);
        expect(staged.instruction.length).toBeGreaterThan(20);
        expect(await staged.check()).not.toEqual([]);
      }
    },
  );
});

describe('deskhand eval', () => {
  it('lists its tasks, and says what is wrong with flags that make no sense', async () => {
    const listed = await deskhand(['eval', '--list', '--filter', 'editor/']);
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain('editor/write-a-note');
    expect(listed.stdout).not.toContain('shop/');
    for (const args of [
      ['--filter', 'no-such-task'],
      ['--repeat', '0'],
      ['--desktops', '9'],
    ]) {
      const refused = await deskhand(['eval', ...args]);
      expect(refused.code, args.join(' ')).toBe(2);
      expect(refused.stderr, args.join(' ')).not.toBe('');
    }
  });
});
