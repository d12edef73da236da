import { SecretVault } from '@deskhand/protocol/secret-vault';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { ensureDataFolder } from '../desk/data-folder.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { inert } from '../output/terminal.ts';

type Flags = { json?: boolean; data?: string; forUrl: string[]; forApp: string[] };

const MAX_INPUT_BYTES = 64 * 1024;

export function register(program: Command, context: Context): void {
  const secrets = program
    .command('secrets')
    .description(
      'values that hands type for {{secret:NAME}} in a task; no model and no server ever sees them',
    );
  const sub = (name: string, description: string, isDefault = false) =>
    secrets
      .command(name, { isDefault })
      .description(description)
      .option('--json')
      .option('--data <dir>', 'data folder');
  const collect = (value: string, before: string[]) => [...before, value];

  sub('list', 'names and where each may be typed (also without "list")', true).action((flags: Flags) =>
    list(flags, context),
  );
  sub('set', 'sets or replaces one; the value is asked without echo, or read from a pipe')
    .argument('<name>', 'letters, digits, dots, dashes and underscores')
    .option('--for-url <address>', 'pages it may be typed into, such as https://bank.example', collect, [])
    .option('--for-app <program>', 'program it may be typed into, by file name or path', collect, [])
    .action((name: string, flags: Flags) => set(name, flags, context));
  sub('remove', 'forgets one')
    .argument('<name>')
    .action((name: string, flags: Flags) => remove(name, flags, context));
}

const KEEPERS = {
  libsecret: 'the key ring of this desktop',
  macos_keychain: 'the login keychain',
  windows_dpapi: 'a file sealed for this Windows user',
  file: 'a key file of mode 0600 in the same folder (no keychain was found)',
} as const;

function list(flags: Flags, context: Context): void {
  const vault = new SecretVault(context.dataFolder(flags.data));
  const secrets = vault.list();
  const { keeper } = vault;
  if (flags.json) {
    context.print(JSON.stringify({ path: vault.path, key: keeper, secrets }));
    return;
  }
  if (secrets.length === 0)
    context.print('No secrets. `deskhand secrets set NAME --for-url ADDRESS` makes one.');
  for (const { name, urls, apps } of secrets)
    context.print(
      `${context.style.bold(inert(name))}  ${[...urls, ...apps].map((place) => inert(place)).join(', ')}`,
    );
  if (keeper !== null)
    context.print(context.style.dim(`Sealed in ${vault.path}; the key is in ${KEEPERS[keeper]}.`));
}

async function set(name: string, flags: Flags, context: Context): Promise<void> {
  if (flags.forUrl.length + flags.forApp.length === 0)
    throw new CommandProblem('VALIDATION_ERROR', 'Where may it be typed?', {
      todo: 'Add --for-url https://… for a page, or --for-app PROGRAM for an application; both may be repeated.',
    });
  const folder = context.dataFolder(flags.data);
  ensureDataFolder(folder);
  const value = await readValue(name, context);
  const vault = new SecretVault(folder);
  await vault.set(name, value, { urls: flags.forUrl, apps: flags.forApp });
  const { keeper } = vault;
  if (flags.json) context.print(JSON.stringify({ path: vault.path, name, key: keeper }));
  else {
    context.print(`Set ${inert(name)}. In a task: {{secret:${inert(name)}}}`);
    if (keeper !== null) context.print(context.style.dim(`Sealed; the key is in ${KEEPERS[keeper]}.`));
  }
}

function remove(name: string, flags: Flags, context: Context): void {
  if (!new SecretVault(context.dataFolder(flags.data)).remove(name))
    throw new CommandProblem('SECRET_UNKNOWN', `There is no secret ${inert(name, 80)}.`, {
      todo: '`deskhand secrets` lists them.',
      exitCode: EXIT.failed,
    });
  context.print(flags.json ? JSON.stringify({ name, removed: true }) : `Removed ${inert(name)}.`);
}

/** Never an argument: those are in every process list and in the shell's history. */
async function readValue(name: string, context: Context): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY !== true) {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of stdin) {
      bytes += (part as Buffer).length;
      if (bytes > MAX_INPUT_BYTES)
        throw new CommandProblem('VALIDATION_ERROR', 'The value is too long.', {
          todo: 'Pipe the value alone.',
        });
      parts.push(part as Buffer);
    }
    // `echo` and password managers end it with a line end that is not meant.
    return Buffer.concat(parts)
      .toString('utf8')
      .replace(/\r?\n$/, '');
  }
  process.stderr.write(`Value of ${inert(name)} (not shown): `);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let value = '';
  try {
    for await (const text of stdin)
      for (const key of String(text)) {
        if (key === '\r' || key === '\n') return value;
        if (key === '\u0003' || key === '\u0004')
          throw new CommandProblem('INVALID_STATE', 'Nothing was set.', { exitCode: EXIT.cancelled });
        if (key === '\u007f' || key === '\b') value = [...value].slice(0, -1).join('');
        else value += key;
        context.signal.throwIfAborted();
      }
    return value;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write('\n');
  }
}
