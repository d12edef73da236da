import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from '@deskhand/client';
import type { Run } from '@deskhand/protocol';
import { RunView } from '../output/run-view.ts';
import { type Style, seconds } from '../output/terminal.ts';
import { DemoPage } from './demo-page.ts';
import { demoTask } from './demo-task.ts';
import type { ReadyLine } from './household.ts';
import { saveSteps } from './save-steps.ts';

export type DemoOutcome = Readonly<{ passed: boolean; folder: string }>;

/**
 * Runs the sample task through the public API and proves its result by itself: the bytes of the file,
 * the form's answer at the page's own server. The run's word alone is not enough.
 */
export async function runDemo(
  ready: ReadyLine,
  options: { dataFolder: string; write: (line: string) => void; style: Style; signal: AbortSignal },
): Promise<DemoOutcome> {
  const { write, style } = options;
  const started = performance.now();
  const folder = path.join(
    options.dataFolder,
    'work',
    `sample-${new Date().toISOString().replaceAll(/[:.]/g, '-').slice(0, 19)}`,
  );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await using page = await DemoPage.start();
  const demo = demoTask(path.join(folder, 'note.txt'), page.url);

  write('');
  write(style.bold('The sample task, in plain words:'));
  for (const sentence of demo.task.split(/(?<=\.) (?=[A-Z])/))
    write(`   ${sentence.replaceAll('\n', style.dim(' ⏎ '))}`);
  write('');

  const client = new Client({ baseUrl: ready.base_url, apiKey: ready.api_key });
  const run = await client.runs.create({
    machine_id: ready.machine_id,
    task: demo.task,
    cua_version: 'v3',
    max_steps: 60,
    deadline_seconds: 240,
    on_awaiting_human: 'fail',
    // The engine that needs no account and no network, whatever model is configured.
    model: 'builtin',
  });
  const view = new RunView(write, style);
  for await (const event of client.runs.events(run.id, { signal: options.signal })) view.show(event);
  const final: Run = await client.runs.get(run.id);

  write('');
  write(style.bold('Proof, read back without the agent:'));
  const saved = readText(demo.noteFile);
  const noteRight = saved !== undefined && saved.replace(/\n$/, '') === demo.note;
  const answer = page.answers.at(-1);
  const answerRight =
    page.answers.length === 1 &&
    answer?.name === demo.name &&
    answer.drink === demo.drink &&
    answer.note === demo.wish &&
    answer.music;
  const mark = (right: boolean) => (right ? style.green('✓') : style.red('✗'));
  write(
    `  ${mark(noteRight)} ${demo.noteFile}: ${saved === undefined ? 'not there' : `${Buffer.byteLength(saved)} bytes, ${noteRight ? 'exactly the three lines' : 'not the three lines'}`}`,
  );
  write(
    `  ${mark(answerRight)} the form received ${page.answers.length} ${page.answers.length === 1 ? 'order' : 'orders'}${answer === undefined ? '' : `: ${answer.drink} for ${answer.name}`}`,
  );
  write(`  ${mark(final.status === 'succeeded')} run ${final.id}: ${final.status}`);

  writeFileSync(path.join(folder, 'order.json'), `${JSON.stringify(page.answers, null, 2)}\n`);
  const evidence = await saveSteps(client, final, folder);
  const passed = noteRight && answerRight && final.status === 'succeeded';
  write('');
  write(`Result       ${demo.noteFile}`);
  write(`Screenshots  ${evidence.screenshotFolder} (${evidence.screenshots})`);
  write(`Steps page   ${evidence.page}`);
  write(
    passed
      ? style.green(`The sample task is done and proven, in ${seconds(performance.now() - started)}.`)
      : style.red(`The sample task failed after ${seconds(performance.now() - started)}.`),
  );
  return { passed, folder };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
