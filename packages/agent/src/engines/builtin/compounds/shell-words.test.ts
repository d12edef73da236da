import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planOf } from '../plan.ts';

/** Files by their whole path: the command a sentence becomes, run by a real shell in a folder of its own. */
describe.skipIf(process.platform === 'win32')('files and folders by their whole path', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const text = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'deskhand-words-'));
    writeFileSync(at('a.txt'), 'alpha');
    writeFileSync(at('b.txt'), 'beta');
    mkdirSync(at('sub'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns what the shell complained of; null when all went well. */
  function say(task: string): string | null {
    const plan = planOf(task.replaceAll('~~', folder));
    const intent = plan.understood && plan.steps.length === 1 ? plan.steps[0]?.intent : undefined;
    if (intent?.type !== 'run_command') throw new Error(`not one command: ${JSON.stringify(plan)}`);
    try {
      execFileSync('/bin/bash', ['-c', intent.command], { stdio: ['ignore', 'ignore', 'pipe'] });
      return null;
    } catch (error) {
      return String((error as { stderr: Buffer }).stderr);
    }
  }

  it('are renamed, but never over another', () => {
    expect(say('Rename the file ~~/a.txt to c.txt')).toBeNull();
    expect([text('a.txt'), text('c.txt')]).toEqual([null, 'alpha']);
    expect(say('rename ~~/c.txt to ~~/b.txt')).toContain('exists already');
    expect([text('c.txt'), text('b.txt')]).toEqual(['alpha', 'beta']);
    expect(say('Rename the folder ~~/sub to "my things"')).toBeNull();
    expect(existsSync(at('my things'))).toBe(true);
  });

  it('are moved and copied, into folders too, but never over another', () => {
    expect(say('Move the file ~~/a.txt into the folder ~~/sub')).toBeNull();
    expect([text('a.txt'), text('sub/a.txt')]).toEqual([null, 'alpha']);
    expect(say('Copy the file ~~/b.txt to ~~/sub/a.txt')).toContain('exists already');
    expect(text('sub/a.txt')).toBe('alpha');
    expect(say('Copy the file ~~/b.txt to ~~/sub')).toBeNull();
    expect([text('b.txt'), text('sub/b.txt')]).toEqual(['beta', 'beta']);
  });

  it('are deleted; a folder only when it is empty', () => {
    expect(say('Delete the file ~~/a.txt')).toBeNull();
    expect(text('a.txt')).toBeNull();
    writeFileSync(at('sub/x'), '');
    expect(say('delete the folder ~~/sub')).toContain('not empty');
    rmSync(at('sub/x'));
    expect(say('delete the folder ~~/sub')).toBeNull();
    expect(existsSync(at('sub'))).toBe(false);
    expect(say('remove ~~/nowhere.txt')).toContain('nowhere.txt');
  });

  it('are made in a folder that is named', () => {
    expect(say('Create a folder called reports in ~~')).toBeNull();
    expect(say('In ~~/reports, create a new folder named "year 1"')).toBeNull();
    expect(existsSync(at('reports/year 1'))).toBe(true);
  });
});
