import { spawn } from 'node:child_process';
import { sleep } from '@deskhand/base';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { ensureDataFolder } from '../desk/data-folder.ts';
import { requireUsableConfig } from '../desk/effective-config.ts';
import { PART_NODE_FLAGS, PARTS, serverEnv } from '../desk/parts.ts';
import { DISPLAY_RETRY_MS, isWithoutDisplay } from '../desk/without-display.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { ADDRESS_DEFAULTS, hostForUrl, machineName, warningsOf } from '../up/household.ts';

type DaemonFlags = {
  data?: string;
  name: string;
  virtual?: string | true;
  allowUnarmed?: boolean;
  json?: boolean;
};

/** Longer than any part takes that ends by itself. */
const END_CEILING_MS = 15_000;
const ALLOW_UNARMED =
  'let runs start although the stop hotkey is not proven to work; recorded in the audit log';

export function register(program: Command, context: Context): void {
  program
    .command('serve')
    .description('the control plane alone')
    .option('--host <host>', `address to listen on (${ADDRESS_DEFAULTS.host})`)
    .option('--port <n>', `port; 0 picks a free one (${ADDRESS_DEFAULTS.port})`)
    .option('--data <dir>', 'data folder')
    .option('--json', 'print one line of JSON on stdout when ready')
    .action(async (flags: { host?: string; port?: string; data?: string; json?: boolean }) => {
      const folder = context.dataFolder(flags.data);
      ensureDataFolder(folder);
      requireUsableConfig(folder, context.env);
      await attached(
        PARTS.server,
        [],
        {
          ...serverEnv(folder, context.env),
          DESKHAND_DATA: folder,
          ...(flags.host === undefined ? {} : { DESKHAND_HOST: flags.host }),
          ...(flags.port === undefined ? {} : { DESKHAND_PORT: flags.port }),
        },
        context,
        (ready) => {
          for (const warning of warningsOf(ready)) context.hint(warning);
          const url = `http://${hostForUrl(String(ready.host))}:${String(ready.port)}/v1`;
          context.print(
            flags.json
              ? JSON.stringify({ event: 'ready', base_url: url, pid: process.pid })
              : `Deskhand's server listens on ${url}. Ctrl-C ends it.`,
          );
        },
      );
    });

  program
    .command('daemon')
    .description('this desktop alone, for a control plane elsewhere')
    .requiredOption('--server <url>', 'URL of the server')
    .option('--data <dir>', 'data folder')
    .option('--name <name>', 'what the machine is called', machineName())
    .option('--virtual [WxH]', 'use a private X desktop instead of your own')
    .option('--allow-unarmed', ALLOW_UNARMED)
    .option('--json', 'print one line of JSON on stdout when ready')
    .action((flags: DaemonFlags & { server: string }) => runDaemon(flags, context));

  program
    .command('pair')
    .description('registers this desktop as a machine of a control plane elsewhere')
    .argument('<url>', 'URL of the server')
    .requiredOption(
      '--code <code>',
      'code from that server (deskhand machines enroll); good once, for 10 minutes',
    )
    .option('--name <name>', 'what the machine is called', machineName())
    .option('--data <dir>', 'data folder')
    .option('--virtual [WxH]', 'use a private X desktop instead of your own')
    .option('--allow-unarmed', ALLOW_UNARMED)
    .option('--json', 'print one line of JSON on stdout when ready')
    .action((url: string, flags: DaemonFlags & { code: string }) =>
      runDaemon({ ...flags, server: url }, context),
    );
}

async function runDaemon(
  flags: DaemonFlags & { server: string; code?: string },
  context: Context,
): Promise<void> {
  const folder = context.dataFolder(flags.data);
  ensureDataFolder(folder);
  const args = ['--server', linkUrl(flags.server), '--data', folder, '--name', flags.name];
  if (flags.virtual !== undefined)
    args.push(flags.virtual === true ? '--virtual' : `--virtual=${flags.virtual}`);
  if (flags.allowUnarmed === true) args.push('--allow-unarmed');
  let served = false;
  let waiting = false;
  const onReady = (ready: Record<string, unknown>) => {
    const machineId = String(ready.machineId);
    waiting = false;
    if (served) {
      context.hint(`The display is back: this desktop is machine ${machineId} again.`);
      return;
    }
    served = true;
    context.print(
      flags.json
        ? JSON.stringify({
            event: 'ready',
            machine_id: machineId,
            display: ready.display ?? null,
            stop_hotkey: ready.stopHotkey ?? '',
            pid: process.pid,
          })
        : `This desktop is machine ${machineId} of ${flags.server}. STOP: ${String(ready.stopHotkey ?? '')} or deskhand stop. Ctrl-C ends it.`,
    );
  };
  for (;;) {
    // A code is good once: after that the token speaks for this desktop.
    const code = flags.code === undefined || served ? [] : ['--pair-code', flags.code];
    try {
      return await attached(PARTS.daemon, [...args, ...code], { DESKHAND_DATA: folder }, context, onReady);
    } catch (error) {
      if (!served || !isWithoutDisplay(error)) throw error;
    }
    if (!waiting) context.hint('The display is gone; waiting for it to come back. Ctrl-C ends it.');
    waiting = true;
    await sleep(DISPLAY_RETRY_MS, { signal: context.signal }).catch(() => {});
    if (context.signal.aborted) return;
  }
}

/** The address the daemon dials: same host, websocket scheme, without the API's path. */
export function linkUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new CommandProblem('CONFIG_INVALID', `"${text}" is not a URL.`, {
      todo: 'For example https://desk.example.org or http://127.0.0.1:8787.',
      cause,
    });
  }
  const scheme = { 'http:': 'ws:', 'https:': 'wss:', 'ws:': 'ws:', 'wss:': 'wss:' }[url.protocol];
  if (scheme === undefined)
    throw new CommandProblem('CONFIG_INVALID', `"${text}" is not an http, https, ws or wss URL.`, {
      todo: 'For example https://desk.example.org.',
    });
  return `${scheme}//${url.host}`;
}

/** Runs one part in the foreground: its log on our stderr, our signals to it, its end is ours. */
function attached(
  entry: string,
  args: readonly string[],
  env: Record<string, string>,
  context: Context,
  onReady: (ready: Record<string, unknown>) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...PART_NODE_FLAGS, entry, ...args], {
      env: { ...context.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let problem: CommandProblem | undefined;
    child.on('message', (message: { type?: unknown; code?: unknown; message?: unknown }) => {
      if (message?.type === 'ready') onReady(message as Record<string, unknown>);
      if (message?.type === 'problem')
        problem = new CommandProblem(String(message.code), String(message.message));
    });
    let overdue: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      // Node itself, rarely, never comes back from its own exit (nodejs/node#54918).
      overdue ??= setTimeout(() => child.kill('SIGKILL'), END_CEILING_MS);
    };
    context.signal.addEventListener('abort', stop, { once: true });
    if (context.signal.aborted) stop();
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(overdue);
      context.signal.removeEventListener('abort', stop);
      if (problem !== undefined) reject(problem);
      else {
        context.exit(context.signal.aborted || code === 0 ? EXIT.ok : code === 2 ? EXIT.usage : EXIT.failed);
        if (!context.signal.aborted && code !== 0)
          context.hint(`It ended with ${signal ?? `exit status ${code}`}.`);
        resolve();
      }
    });
  });
}
