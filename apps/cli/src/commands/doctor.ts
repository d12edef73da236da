import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { effectiveConfig } from '../desk/effective-config.ts';
import { examine, type Finding, whichOn } from '../desk/examine.ts';
import { LocalDesk } from '../desk/local-desk.ts';
import { type PressReport, pressStopKey } from '../desk/press-stop-key.ts';
import { tryModel } from '../desk/try-model.ts';
import { trySenses } from '../desk/try-senses.ts';
import { EXIT } from '../exit-codes.ts';

export function register(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('each requirement of this desktop as ok, warn or fail, with the one thing to do')
    .option('--json', 'machine-readable')
    .option('--virtual', 'try eyes and hands on a private desktop instead of this one')
    .option('--no-model', 'do not send the chosen model its one test picture (a few hundred tokens)')
    .option('--press', 'try the stop key: press it now, see that it really stops, permit again')
    .option('--yes', 'with --press: you sit at the keyboard; permit again without asking')
    .option('--data <dir>', 'data folder')
    .action(
      async (flags: {
        json?: boolean;
        virtual?: boolean;
        model?: boolean;
        press?: boolean;
        yes?: boolean;
        data?: string;
      }) => {
        const folder = context.dataFolder(flags.data);
        const desk = new LocalDesk(folder, context.env);
        const before = await desk.status().catch(() => undefined);
        const press = flags.press
          ? await pressStopKey(desk, before, { yes: flags.yes === true }, context)
          : undefined;
        const running = press === undefined ? before : await desk.status().catch(() => undefined);
        const findings = examine({
          env: context.env,
          platform: process.platform,
          dataFolder: folder,
          running,
          which: whichOn(context.env.PATH),
          senses: await trySenses(desk, running, context, { virtual: flags.virtual === true }),
        });
        const source =
          flags.data !== undefined ? 'command line' : context.env.DESKHAND_DATA ? 'environment' : 'default';
        const { settings, problems } = effectiveConfig(folder, source, context.env);
        const asked = flags.model === false ? [] : await tryModel(folder, context);
        const all: Finding[] = [
          ...findings,
          ...asked,
          ...(press === undefined ? [] : [pressFinding(press)]),
          ...problems.map(
            ({ name, source: from, problem }): Finding => ({
              name,
              state: 'fail',
              detail: `${problem} [${from}]`,
              todo: from === 'config.json' ? `Mend config.json in ${folder}.` : 'Set it right, or unset it.',
            }),
          ),
        ];
        const failed = all.some((finding) => finding.state === 'fail');
        context.exit(failed ? EXIT.failed : EXIT.ok);
        if (flags.json) {
          context.print(JSON.stringify({ ok: !failed, checks: all, settings }));
          return;
        }
        const { print, style } = context;
        const marks = { ok: style.green('ok  '), warn: style.yellow('warn'), fail: style.red('fail') };
        for (const finding of all) {
          print(
            `${marks[finding.state]}  ${finding.name.padEnd(16)} ${finding.detail}${extras(finding, style.dim)}`,
          );
          if (finding.todo !== undefined) print(`      ${' '.repeat(16)} → ${finding.todo}`);
        }
        print('');
        for (const setting of settings)
          print(style.dim(`${setting.name.padEnd(30)} ${setting.value}  [${setting.source}]`));
      },
    );
}

function extras({ ms, notRun }: Finding, dim: (text: string) => string): string {
  const time = ms === undefined || ms === null ? '' : dim(`  ${ms < 10 ? ms : Math.round(ms)} ms`);
  return `${notRun ? '  NOT RUN' : ''}${time}`;
}

function pressFinding({ chord, heard, reset }: PressReport): Finding {
  const name = 'stop key pressed';
  if (!heard)
    return {
      name,
      state: 'fail',
      detail: `${chord} was not heard`,
      todo: 'Do all keys of it work, and does no other program or virtual machine take them? Else set DESKHAND_STOP_HOTKEY to another chord.',
    };
  return {
    name,
    state: 'ok',
    detail: `${chord} stopped this desktop${reset ? '; permitted again' : '; it is still stopped'}`,
    ...(reset ? {} : { todo: 'deskhand reset' }),
  };
}
