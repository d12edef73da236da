import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AuditLine, parseAuditLine, verifyAuditLog } from '@deskhand/protocol/audit-chain';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { inert } from '../output/terminal.ts';

type Flags = { verify?: boolean; json?: boolean; last: string; data?: string };

/** Said once per line already. */
const FRAME_FIELDS: ReadonlySet<string> = new Set(['seq', 'at', 'kind', 'prev', 'hash']);

export function register(program: Command, context: Context): void {
  program
    .command('audit')
    .description('what was done, decided and stopped on this desktop; never what was typed')
    .option('--verify', 'checks that no line was changed or taken away; exit status 1 if one was')
    .option('--last <n>', 'how many of the newest lines to show', '50')
    .option('--json')
    .option('--data <dir>', 'data folder')
    .action((flags: Flags) => audit(flags, context));
}

function audit(flags: Flags, context: Context): void {
  const file = path.join(context.dataFolder(flags.data), 'audit.jsonl');
  try {
    if (flags.verify) verify(file, flags.json === true, context);
    else show(file, flags, context);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new CommandProblem('NOT_FOUND', `There is no audit log ${file}.`, {
      todo: 'It begins with the first `deskhand up`; name another data folder with --data DIR.',
      exitCode: EXIT.failed,
      cause,
    });
  }
}

function verify(file: string, json: boolean, { print, style, exit }: Context): void {
  const found = verifyAuditLog(file);
  if (!found.intact) exit(EXIT.failed);
  if (json) print(JSON.stringify({ file, ...found }));
  else if (found.intact) print(`${style.green('Intact')}: ${found.entries} entries in ${file}.`);
  else print(`${style.red('Not intact')}: ${file}, line ${found.line}: ${found.reason}.`);
}

function show(file: string, flags: Flags, { print, style }: Context): void {
  const last = Number(flags.last);
  if (!Number.isInteger(last) || last < 1)
    throw new CommandProblem('VALIDATION_ERROR', '--last takes a whole number from 1 on.');
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .slice(-last);
  for (const text of lines) {
    const entry = parseAuditLine(text);
    if (flags.json) {
      // As it stands there, so that another program can check the chain itself.
      if (entry !== undefined) print(text);
    } else if (entry === undefined) print(style.red('  (not an audit entry)'));
    else print(lineOf(entry, style.dim));
  }
}

function lineOf(entry: AuditLine, dim: (text: string) => string): string {
  const facts = Object.entries(entry)
    .filter(([name, value]) => !FRAME_FIELDS.has(name) && value !== null && value !== undefined)
    .map(([name, value]) => `${dim(`${inert(name, 40)}=`)}${inert(String(value), 120)}`);
  const at = inert(entry.at ?? '', 40)
    .replace('T', ' ')
    .slice(0, 19);
  return `${dim(at)}  ${inert(entry.kind ?? '?', 40).padEnd(10)} ${facts.join('  ')}`;
}
