import { Client } from '@deskhand/client';
import { Scope, UNNAMED_MACHINE } from '@deskhand/protocol';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { readCredentials, serverAccess } from '../desk/credentials.ts';
import { enroll } from '../desk/enroll.ts';
import { CommandProblem } from '../output/problem.ts';
import { inert, table } from '../output/terminal.ts';
import { machineName } from '../up/household.ts';

type Common = { json?: boolean; data?: string };

export function register(program: Command, context: Context): void {
  const client = (data?: string) => new Client(serverAccess(context.dataFolder(data), context.env));

  const machines = program.command('machines').description('desktops this server can drive');
  const listMachines = async (flags: Common) => {
    const list = await client(flags.data).machines.list();
    if (flags.json) context.print(JSON.stringify(list));
    else if (list.data.length === 0)
      context.print(
        'No machines yet. Register this desktop: deskhand up. Another: deskhand machines enroll.',
      );
    else
      context.print(
        table(
          ['MACHINE', 'NAME', 'STATUS', 'OS', 'SINCE (UTC)'],
          list.data.map((machine) => [
            machine.id,
            inert(machine.display_name, 30),
            machine.status,
            machine.os_type,
            machine.created_at.replace('T', ' ').slice(0, 19),
          ]),
        ),
      );
  };
  machines
    .option('--json', 'machine-readable')
    .option('--data <dir>', 'data folder')
    .action((flags: Common) => listMachines(flags));
  machines
    .command('list')
    .description('all machines')
    .option('--json')
    .option('--data <dir>')
    .action((_: Common, command: Command) => listMachines(command.optsWithGlobals()));
  machines
    .command('enroll')
    .description('a one-time code that registers another desktop (good for 10 minutes)')
    .option('--name <name>', 'what to call it', UNNAMED_MACHINE)
    .option('--json')
    .option('--data <dir>')
    .action(async (_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Common & { name: string }>();
      const access = serverAccess(context.dataFolder(flags.data), context.env);
      const enrollment = await enroll(new Client(access), { display_name: flags.name });
      if (flags.json) context.print(JSON.stringify(enrollment));
      else {
        context.print(
          `Code ${context.style.bold(enrollment.token)}, good once, until ${enrollment.expires_at}.`,
        );
        context.print(
          `On the other desktop: deskhand pair ${access.baseUrl.replace(/\/v1$/, '')} --code ${enrollment.token}`,
        );
      }
    });
  machines
    .command('remove')
    .description('unregisters a machine: its link is cut, its runs are cancelled')
    .argument('<id>')
    .option('--json')
    .option('--data <dir>')
    .action(async (id: string, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Common>();
      const answer = await client(flags.data).machines.remove(id);
      context.print(flags.json ? JSON.stringify(answer) : `${id} is removed.`);
    });

  const keys = program.command('keys').description('API keys');
  /** A key sees only its own mode: on this computer both of its keys are asked. */
  const keyHolders = (data?: string) => {
    const folder = context.dataFolder(data);
    const access = serverAccess(folder, context.env);
    const own = context.env.DESKHAND_API_KEY ? undefined : readCredentials(folder)?.test_api_key;
    return [access.apiKey, ...(own === undefined ? [] : [own])].map(
      (apiKey) => new Client({ ...access, apiKey }),
    );
  };
  const listKeys = async (flags: Common) => {
    const answers = await Promise.all(keyHolders(flags.data).map((holder) => holder.keys.list()));
    const all = answers.flatMap((answer) => answer.keys);
    if (flags.json) context.print(JSON.stringify({ keys: all }));
    else
      context.print(
        table(
          ['KEY', 'NAME', 'BEGINS', 'CREATED (UTC)', 'LAST USED'],
          all.map((key) => [
            key.key_id,
            inert(key.name, 30),
            key.key_prefix,
            key.created_at.replace('T', ' ').slice(0, 19),
            (key.last_used_at ?? 'never').replace('T', ' ').slice(0, 19),
          ]),
        ),
      );
  };
  keys
    .option('--json', 'machine-readable')
    .option('--data <dir>', 'data folder')
    .action((flags: Common) => listKeys(flags));
  keys
    .command('list')
    .description('all keys')
    .option('--json')
    .option('--data <dir>')
    .action((_: Common, command: Command) => listKeys(command.optsWithGlobals()));
  keys
    .command('create')
    .description('a new key; it is shown once')
    .option('--name <name>', 'what it is for', `key of ${machineName()}`)
    .option('--test', 'a test key: virtual machines, never bills')
    .option('--scopes <list>', 'comma-separated; default: the usual ones')
    .option('--json')
    .option('--data <dir>')
    .action(async (_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Common & { name: string; test?: boolean; scopes?: string }>();
      const folder = context.dataFolder(flags.data);
      const access = serverAccess(folder, context.env);
      // A key has the mode of the key that made it.
      const apiKey = flags.test ? (readCredentials(folder)?.test_api_key ?? access.apiKey) : access.apiKey;
      const scopes = flags.scopes
        ?.split(',')
        .map((scope) => scope.trim())
        .filter((scope) => scope !== '')
        .map((scope) => {
          const parsed = Scope.safeParse(scope);
          if (!parsed.success)
            throw new CommandProblem('VALIDATION_ERROR', `"${scope}" is not a scope.`, {
              todo: `Scopes: ${Scope.options.join(', ')}`,
            });
          return parsed.data;
        });
      const created = await new Client({ ...access, apiKey }).keys.create({
        name: flags.name,
        ...(scopes === undefined ? {} : { scopes }),
      });
      context.print(
        flags.json
          ? JSON.stringify(created)
          : `${created.key}\n${context.style.dim(`id ${created.key_id}; keep it, it is not shown again`)}`,
      );
    });
  keys
    .command('revoke')
    .description('ends a key at once')
    .argument('<id>', 'key id (key_…)')
    .option('--json')
    .option('--data <dir>')
    .action(async (id: string, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Common>();
      const [first, ...others] = keyHolders(flags.data);
      let answer = first?.keys.revoke(id);
      for (const holder of others)
        answer = answer?.catch((error: { status?: number }) => {
          if (error.status !== 404) throw error;
          return holder.keys.revoke(id);
        });
      const revoked = await answer;
      context.print(flags.json ? JSON.stringify(revoked) : `${id} is revoked.`);
    });
}
