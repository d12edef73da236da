import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AuditLine, auditFiles, parseAuditLine, verifyAuditLog } from '@deskhand/protocol/audit-chain';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { inert } from '../output/terminal.ts';

type Flags = { verify?: boolean; json?: boolean; last: string; since?: string; data?: string };

/** Said once per line already. */
const FRAME_FIELDS: ReadonlySet<string> = new Set(['seq', 'at', 'kind', 'prev', 'hash']);

export function register(program: Command, context: Context): void {
  program
    .command('audit')
    .description('what was done, decided and stopped on this desktop; never what was typed')
    .option('--verify', 'checks that no line was changed or taken away; exit status 1 if one was')
    .option('--last <n>', 'how many of the newest lines to show', '50')
    .option('--since <when>', 'only what came after: 2026-01-31, 2026-01-31T09:30, or 30m, 2h, 7d ago')
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
  const files = auditFiles(file).length;
  const where = files === 1 ? file : `${files} files, the newest ${file}`;
  if (json) print(JSON.stringify({ file, ...found, files }));
  else if (found.intact) print(`${style.green('Intact')}: ${found.entries} entries in ${where}.`);
  else print(`${style.red('Not intact')}: ${found.file}, line ${found.line}: ${found.reason}.`);
}

function show(file: string, flags: Flags, { print, style }: Context): void {
  const last = Number(flags.last);
  if (!Number.isInteger(last) || last < 1)
    throw new CommandProblem('VALIDATION_ERROR', '--last takes a whole number from 1 on.');
  const since = flags.since === undefined ? null : momentOf(flags.since);
  const atMost = flags.since === undefined || flags.last !== '50' ? last : Number.POSITIVE_INFINITY;
  for (const text of newestLines(file, atMost, since)) {
    const entry = parseAuditLine(text);
    if (flags.json) {
      // As it stands there, so that another program can check the chain itself.
      if (entry !== undefined) print(text);
    } else if (entry === undefined) print(style.red('  (not an audit entry)'));
    else print(lineOf(entry, style.dim));
  }
}

/** From the newest file backwards, no further than is asked for. @throws the file system's error */
function newestLines(file: string, atMost: number, since: number | null): string[] {
  const files = auditFiles(file);
  if (files.length === 0) readFileSync(file);
  let found: string[] = [];
  for (const { path: one } of files.toReversed()) {
    const lines = readFileSync(one, 'utf8')
      .split('\n')
      .filter((text) => text !== '');
    const wanted = lines.filter((text) => isAfter(text, since));
    found = [...wanted, ...found];
    // Older files are older throughout.
    if (found.length >= atMost || (lines.length > 0 && wanted.length === 0)) break;
  }
  return Number.isFinite(atMost) ? found.slice(-atMost) : found;
}

/** @throws CommandProblem */
function momentOf(text: string): number {
  const ago = /^(\d{1,6})([mhd])$/.exec(text.trim());
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 }[ago?.[2] ?? ''] ?? 0;
  const at = ago === null ? Date.parse(text) : Date.now() - Number(ago[1]) * unit;
  if (Number.isNaN(at))
    throw new CommandProblem('VALIDATION_ERROR', '--since takes a date, a date and time, or 30m, 2h, 7d.');
  return at;
}

/** What is no entry is shown in any case. */
function isAfter(text: string, since: number | null): boolean {
  if (since === null) return true;
  const at = Date.parse(parseAuditLine(text)?.at ?? '');
  return Number.isNaN(at) || at >= since;
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
