import { homedir } from 'node:os';
import path from 'node:path';
import { OPERATION_TRAITS, parseUrlPattern } from '@deskhand/protocol';
import {
  changePolicy,
  DERIVED_ACTIONS,
  loadPolicy,
  type PolicyChange,
  type PolicyFile,
  type PolicyProblem,
  policySchema,
  savePolicy,
  type Verdict,
  writeDefaultPolicy,
} from '@deskhand/protocol/policy-file';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { ensureDataFolder } from '../desk/data-folder.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { inert } from '../output/terminal.ts';

type Flags = { json?: boolean; data?: string; why?: string };

const KINDS = `KIND is one of
  terminal              commands that are run in a terminal (allow, deny)
  files FOLDER          reading files below FOLDER (allow, deny)
  application NAME      windows of that application, and opening it
  title TEXT            windows with that title
  url ADDRESS           going to that address, and input into its page
  action KIND           click, type_text, key_combo, close_window, … or one of
                        type_password, type_secret, root_terminal
  server local|other    runs of this computer's own server, of other servers
  starter WHO           runs that one asks for: "SERVER NAME (KEY)", as the card shows
NAME, TEXT and WHO are compared whole, without case; * stands for anything.
ADDRESS is https://host/path*, host, *.host or scheme:*.`;

export function register(program: Command, context: Context): void {
  const policy = program
    .command('policy')
    .description('what agents may do on this desktop: policy.json of the data folder');
  const sub = (name: string, description: string, isDefault = false) =>
    policy
      .command(name, { isDefault })
      .description(description)
      .option('--json')
      .option('--data <dir>', 'data folder');

  sub('show', 'the policy in plain words (also without "show")', true).action((flags: Flags) =>
    show(flags, context),
  );
  sub('path', 'where the file is').action((flags: Flags) => {
    const file = fileOf(flags, context);
    context.print(flags.json ? JSON.stringify({ path: file }) : file);
  });
  sub('check', 'whether the file can be used, or each problem with its place').action((flags: Flags) =>
    check(flags, context),
  );
  sub('create', 'writes the first policy where there is none').action((flags: Flags) =>
    create(flags, context),
  );
  policy
    .command('schema')
    .description('the JSON Schema of the file, for editors and checkers')
    .action(() => context.print(JSON.stringify(policySchema(), null, 2)));
  for (const verdict of ['allow', 'ask', 'deny'] as const)
    sub(
      verdict,
      `${verdict === 'ask' ? 'asks in the panel before' : `${verdict === 'allow' ? 'allows' : 'denies'}`} something, from the next action on`,
    )
      .argument('<kind>', 'terminal, files, application, title, url, action, server or starter')
      .argument('[what]', 'folder, name, text, address; local or other')
      .option('--why <text>', 'said when it is refused or asked')
      .addHelpText('after', `\n${KINDS}`)
      .action((kind: string, what: string | undefined, flags: Flags) =>
        change(verdict, kind, what, flags, context),
      );
}

function fileOf(flags: Flags, context: Context): string {
  return path.join(context.dataFolder(flags.data), 'policy.json');
}

function show(flags: Flags, context: Context): void {
  const file = fileOf(flags, context);
  const policy = demandPolicy(file);
  if (flags.json) {
    context.print(JSON.stringify({ path: file, policy }));
    return;
  }
  const { print, style } = context;
  const word = (verdict: Verdict) =>
    ({ allow: style.green, ask: style.yellow, deny: style.red })[verdict](verdict.padEnd(5));
  const { runs } = policy;
  print(style.bold(file));
  print(`${word(runs.local_server)} runs of this computer’s own server`);
  print(`${word(runs.other_servers)} runs of other servers`);
  for (const { match, verdict, why } of runs.starters)
    print(`${word(verdict)} runs of ${inert(match)}${why === undefined ? '' : `  ${style.dim(inert(why))}`}`);
  for (const { days, from, to } of runs.hours)
    print(`      ${style.dim('only')} ${from}–${to}${days === undefined ? '' : ` on ${days.join(', ')}`}`);
  if (runs.max_minutes !== null) print(`      ${style.dim('for at most')} ${runs.max_minutes} minutes each`);
  print(`${word(policy.terminal.allow ? 'allow' : 'deny')} commands in a terminal`);
  print(`${word('allow')} files below the data folder’s work`);
  for (const root of policy.files.roots) print(`${word('allow')} files below ${inert(root)}`);
  print(`${word('deny')} all other files`);
  for (const pattern of policy.private.windows) print(`hidden windows like ${inert(pattern)}`);
  for (const { x, y, width, height } of policy.private.regions)
    print(`hidden the place ${width}x${height} at ${x}, ${y}`);
  for (const [section, noun] of [
    ['applications', 'application'],
    ['titles', 'window title'],
    ['urls', 'address'],
    ['actions', 'action'],
  ] as const) {
    for (const { match, verdict, why } of policy[section].rules)
      print(
        `${word(verdict)} ${noun} ${inert(match)}${why === undefined ? '' : `  ${style.dim(inert(why))}`}`,
      );
    print(`${word(policy[section].default)} every other ${noun}`);
  }
}

function check(flags: Flags, context: Context): void {
  const file = fileOf(flags, context);
  const loaded = loadPolicy(file);
  const problems =
    loaded.state === 'loaded'
      ? []
      : loaded.state === 'broken'
        ? loaded.problems
        : [{ place: 'the file', message: loaded.reason }];
  if (problems.length > 0) context.exit(EXIT.failed);
  const warnings = loaded.state === 'loaded' ? warningsAbout(loaded.policy) : [];
  if (flags.json)
    context.print(JSON.stringify({ path: file, valid: problems.length === 0, problems, warnings }));
  else if (problems.length === 0) {
    context.print(`${context.style.green('ok')}  ${file}`);
    for (const { place, message } of warnings)
      context.print(`${context.style.yellow(inert(place))}: ${inert(message)}`);
  } else {
    for (const { place, message } of problems)
      context.print(`${context.style.red(inert(place))}: ${inert(message)}`);
    context.print('Until that is mended, everything is denied.');
  }
}

/** Rules that allow more than they look like, or never count. */
function warningsAbout(policy: PolicyFile): PolicyProblem[] {
  const warnings: PolicyProblem[] = [];
  for (const [index, { match, verdict }] of policy.urls.rules.entries()) {
    const { host } = parseUrlPattern(match);
    if (verdict === 'allow' && host !== null && /[^*]\*$/.test(host))
      warnings.push({
        place: `urls.rules[${index}].match`,
        message: `"${match}" also allows every host that begins alike, such as ${host.slice(0, -1)}.evil.example; write a slash before the star.`,
      });
  }
  for (const section of ['applications', 'titles', 'urls', 'actions'] as const) {
    const everything = policy[section].rules.findIndex(({ match }) => match.trim() === '*');
    if (everything !== -1 && everything < policy[section].rules.length - 1)
      warnings.push({
        place: `${section}.rules[${everything}]`,
        message: 'It fits everything, so the rules after it never count.',
      });
  }
  return warnings;
}

function create(flags: Flags, context: Context): void {
  const file = fileOf(flags, context);
  ensureDataFolder(path.dirname(file));
  try {
    writeDefaultPolicy(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new CommandProblem('INVALID_STATE', `Nothing was changed: there is a policy in ${file}.`, {
      todo: 'Look at it with `deskhand policy show`; move it away first if you want the first one back.',
      exitCode: EXIT.failed,
      cause,
    });
  }
  context.print(flags.json ? JSON.stringify({ path: file, created: true }) : `Created ${file}.`);
}

function change(
  verdict: Verdict,
  kind: string,
  what: string | undefined,
  flags: Flags,
  context: Context,
): void {
  const file = fileOf(flags, context);
  const wanted = changeFrom(verdict, kind, what, flags.why);
  const before = demandPolicy(file);
  const after = changePolicy(before, wanted);
  const changed = JSON.stringify(after) !== JSON.stringify(before);
  if (changed) savePolicy(file, after);
  const said = sentence(wanted);
  if (flags.json) context.print(JSON.stringify({ path: file, changed, change: wanted }));
  else context.print(changed ? `${said} ${context.style.dim(file)}` : `Nothing to change: ${said}`);
}

/** @throws CommandProblem for what the policy does not know. */
function changeFrom(
  verdict: Verdict,
  kind: string,
  what: string | undefined,
  why: string | undefined,
): PolicyChange {
  const usage = (message: string) => new CommandProblem('VALIDATION_ERROR', message, { todo: KINDS });
  const demand = (noun: string): string => {
    const text = what?.trim() ?? '';
    if (text === '' || text.length > 200) throw usage(`Which ${noun}? (1 to 200 characters)`);
    return text;
  };
  const yesOrNo = (): 'allow' | 'deny' => {
    if (verdict === 'ask') throw usage(`${kind} can be allowed or denied, not asked.`);
    return verdict;
  };
  switch (kind) {
    case 'terminal':
      if (what !== undefined) throw usage('terminal takes no further word: it is all commands or none.');
      return { about: 'terminal', verdict: yesOrNo() };
    case 'files': {
      const folder = what?.trim() ?? '';
      if (folder === '') throw usage('Which folder?');
      const root = folder === '~' || folder.startsWith('~/') ? path.join(homedir(), folder.slice(1)) : folder;
      return { about: 'files', root: path.resolve(root), verdict: yesOrNo() };
    }
    case 'application':
      return { about: 'applications', match: demand('application'), verdict, why };
    case 'title':
      return { about: 'titles', match: demand('title'), verdict, why };
    case 'url':
      return { about: 'urls', match: demand('address'), verdict, why };
    case 'action': {
      const match = demand('kind of action');
      const known = [...Object.keys(OPERATION_TRAITS), ...Object.keys(DERIVED_ACTIONS)];
      if (!match.includes('*') && !known.includes(match))
        throw usage(`There is no action "${inert(match, 40)}". There are: ${known.join(', ')}.`);
      return { about: 'actions', match, verdict, why };
    }
    case 'starter':
      return { about: 'starters', match: demand('one'), verdict, why };
    case 'server':
      if (what !== 'local' && what !== 'other') throw usage('Which server: local or other?');
      return { about: what === 'local' ? 'local_server' : 'other_servers', verdict };
    default:
      throw usage(`The policy knows no "${inert(kind, 40)}".`);
  }
}

function sentence(change: PolicyChange): string {
  const verb = { allow: 'allowed', ask: 'asked about', deny: 'denied' }[change.verdict];
  switch (change.about) {
    case 'terminal':
      return `Commands in a terminal are ${verb}.`;
    case 'files':
      return change.verdict === 'allow'
        ? `Files below ${inert(change.root)} may be read.`
        : `Files below ${inert(change.root)} may not be read on its account.`;
    case 'local_server':
      return `Runs of this computer’s own server are ${verb}.`;
    case 'other_servers':
      return `Runs of other servers are ${verb}.`;
    default: {
      const noun = {
        applications: 'Windows of',
        titles: 'Windows titled',
        urls: 'Addresses like',
        actions: 'Actions of the kind',
        starters: 'Runs of',
      }[change.about];
      return `${noun} ${inert(change.match)} are ${verb}.`;
    }
  }
}

/** @throws CommandProblem that names each problem of a broken file. */
function demandPolicy(file: string): PolicyFile {
  const loaded = loadPolicy(file);
  if (loaded.state === 'loaded') return loaded.policy;
  if (loaded.state === 'missing')
    throw new CommandProblem('NOT_FOUND', `${loaded.reason} Everything is denied until there is one.`, {
      todo: 'The first `deskhand up` writes one; `deskhand policy create` does so now.',
      exitCode: EXIT.failed,
    });
  const places = loaded.problems.map(({ place, message }) => `  ${inert(place)}: ${inert(message)}`);
  throw new CommandProblem(
    'CONFIG_INVALID',
    `${file} is broken, so everything is denied:\n${places.join('\n')}`,
    {
      todo: 'Mend it with an editor, or move it away and run `deskhand policy create`.',
      exitCode: EXIT.failed,
    },
  );
}
