import { type Command, Option } from 'commander';
import type { Context } from '../command.ts';
import { ensureDataFolder } from '../desk/data-folder.ts';
import { requireUsableConfig } from '../desk/effective-config.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { seconds } from '../output/terminal.ts';
import { runDemo } from '../up/demo.ts';
import {
  ADDRESS_DEFAULTS,
  type HotkeyReport,
  Household,
  type OverlayKind,
  type ReadyLine,
} from '../up/household.ts';

type Flags = {
  virtual?: string | true;
  host?: string;
  port?: string;
  data?: string;
  overlay: OverlayKind;
  demo: boolean;
  once?: boolean;
  json?: boolean;
  allowUnarmed?: boolean;
};

const DEFAULT_VIRTUAL = '1280x800';

export function register(program: Command, context: Context): void {
  program
    .command('up')
    .description('server + this desktop + panel on this computer, paired with each other')
    .option('--virtual [WxH]', `use a private X desktop instead of your own (default ${DEFAULT_VIRTUAL})`)
    .option('--host <host>', `address the server listens on (${ADDRESS_DEFAULTS.host})`)
    .option('--port <n>', `port of the server; 0 picks a free one (${ADDRESS_DEFAULTS.port})`)
    .option('--data <dir>', 'data folder (default: DESKHAND_DATA or your user data folder)')
    .addOption(
      new Option('--overlay <kind>', 'the panel')
        .choices(['auto', 'electron', 'browser', 'none'])
        .default('auto'),
    )
    .option('--demo', 'run the sample task when everything is up', false)
    .option('--no-demo', 'do not run the sample task')
    .option('--once', 'with --demo: end after the sample task; exit status 0 only if it succeeded')
    .option(
      '--allow-unarmed',
      'let runs start although the stop hotkey is not proven to work; recorded in the audit log',
    )
    .option('--json', 'print one line of JSON on stdout when everything is ready')
    .action((flags: Flags) => up(flags, context));
}

async function up(flags: Flags, context: Context): Promise<void> {
  const started = performance.now();
  const port = flags.port === undefined ? undefined : parsePort(flags.port);
  const folder = context.dataFolder(flags.data);
  ensureDataFolder(folder);
  requireUsableConfig(folder, context.env);
  const virtual = chooseDesktop(flags.virtual, context);
  const progress = startProgress(context);
  const { household, ready, hotkey, warnings } = await Household.start(
    {
      dataFolder: folder,
      host: flags.host,
      port,
      virtual,
      overlay: flags.overlay,
      terminal: {
        output: flags.json ? 2 : 1,
        keys: process.stdin.isTTY === true && process.stdout.isTTY === true,
      },
      env: flags.allowUnarmed ? { ...context.env, DESKHAND_ALLOW_UNARMED: '1' } : context.env,
      progress: progress.say,
    },
    { signal: context.signal },
  ).finally(progress.end);
  await using home = household;
  // Whatever happened to the part that heard the keys: the terminal is as it was.
  using _terminal = { [Symbol.dispose]: () => void (process.stdin.isTTY && process.stdin.setRawMode(false)) };

  if (flags.json) context.print(JSON.stringify(ready));
  else introduce(ready, folder, performance.now() - started, context);
  for (const warning of warnings) context.hint(context.style.yellow(warning));
  adviseOnHotkey(hotkey, { ready, virtual: virtual !== null, allowed: flags.allowUnarmed === true }, context);

  const write = flags.json ? context.hint : context.print;
  if (flags.once !== true) await home.showOnTerminal();
  try {
    if (flags.demo) {
      const outcome = await Promise.race([
        runDemo(ready, { dataFolder: folder, write, style: context.style, signal: context.signal }),
        home.failed,
      ]);
      if (flags.once) {
        context.exit(outcome.passed ? EXIT.ok : EXIT.failed);
        return;
      }
      context.exit(EXIT.ok);
      write('');
      write(`Give it your own task:  bin/deskhand run "…"`);
    }
    write(context.style.dim('Deskhand stays up. Ctrl-C ends it.'));
    await Promise.race([untilAborted(context.signal), home.failed]);
  } catch (error) {
    if (!context.signal.aborted) throw error;
    if (flags.once) context.exit(EXIT.cancelled);
  }
}

function introduce(ready: ReadyLine, folder: string, tookMs: number, context: Context): void {
  const { print, style } = context;
  print(style.green(`Deskhand is up (${seconds(tookMs)}).`));
  print(`  API        ${ready.base_url}   docs: ${ready.base_url.replace(/\/v1$/, '')}/docs`);
  print(`  Key        in ${folder}/credentials.json`);
  print(`  Machine    ${ready.machine_id}${ready.display === null ? '' : `   display ${ready.display}`}`);
  if (ready.overlay_url !== null) print(`  Panel      ${ready.overlay_url}`);
  print(`  STOP       ${ready.stop_hotkey === '' ? '' : `${ready.stop_hotkey}, or `}bin/deskhand stop`);
}

/** At first use, and whenever nothing can start: said on stderr, where nobody parses it. */
function adviseOnHotkey(
  hotkey: HotkeyReport,
  around: { ready: ReadyLine; virtual: boolean; allowed: boolean },
  { hint, style, interactive }: Context,
): void {
  const { stop_hotkey: chord } = around.ready;
  if (!hotkey.armed) {
    hint(style.red(`STOP is NOT ARMED: ${hotkey.reason ?? 'unknown reason'}`));
    hint(
      around.allowed
        ? '  Runs may start all the same, as you said; the audit log has each of them.'
        : '  No run starts until that is mended (deskhand doctor), or you start with --allow-unarmed.',
    );
  } else if (interactive && !around.virtual && hotkey.pressedAt === null)
    hint(`  Nobody has ever pressed ${chord} here. Try it once: bin/deskhand doctor --press`);
}

function chooseDesktop(flag: string | true | undefined, context: Context): string | null {
  if (flag !== undefined) {
    const size = flag === true ? DEFAULT_VIRTUAL : flag;
    const match = /^(\d{3,5})x(\d{3,5})$/.exec(size);
    if (
      match === null ||
      Number(match[1]) < 320 ||
      Number(match[2]) < 240 ||
      Number(match[1]) > 7680 ||
      Number(match[2]) > 4320
    )
      throw new CommandProblem(
        'CONFIG_INVALID',
        `--virtual takes WIDTHxHEIGHT from 320x240 to 7680x4320, not "${size}".`,
        {
          todo: `For example --virtual=${DEFAULT_VIRTUAL}.`,
        },
      );
    return size;
  }
  const { env } = context;
  if (process.platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY) {
    context.hint(`No display here: using a virtual desktop of ${DEFAULT_VIRTUAL} (as --virtual does).`);
    return DEFAULT_VIRTUAL;
  }
  return null;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new CommandProblem('CONFIG_INVALID', `--port takes a number from 0 to 65535, not "${text}".`, {
      todo: 'Use --port 0 for a free one.',
    });
  return port;
}

/** What is being started, on stderr: a changing line on a terminal, plain lines elsewhere. */
function startProgress(context: Context): { say(text: string): void; end(): void } {
  const terminal = process.stderr.isTTY === true;
  const started = performance.now();
  let current = '';
  let ended = false;
  const draw = () =>
    process.stderr.write(`\r\u001b[2K… ${current} (${Math.round((performance.now() - started) / 1000)} s)`);
  const timer = terminal ? setInterval(() => current !== '' && draw(), 500) : undefined;
  timer?.unref();
  return {
    say(text) {
      current = text;
      if (terminal && !ended) draw();
      else context.hint(`… ${text}`);
    },
    end() {
      ended = true;
      clearInterval(timer);
      if (terminal) process.stderr.write('\r\u001b[2K');
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
