import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorAttributes, Scope } from '@deskhand/base';
import { runtimePaths } from '@deskhand/base/runtime-paths';
import { jsonLogger } from '../browser/json-logger.ts';
import { platformOf } from '../host/host-platform.ts';
import { PanelHost } from '../host/panel-host.ts';
import { wordsFor } from '../main/words.ts';
import { TerminalPanel } from './terminal-panel.ts';

/**
 * The panel on the terminal: `main.ts --data DIR [--keys]`. State goes to standard output; with `--keys` standard
 * input is a terminal, and pressing `s` stops. Ctrl-C goes to the parent, which ends everything.
 */
const USAGE = 'usage: main.ts --data DIR [--keys]';
const CTRL_C = '\u0003';

const log = jsonLogger((line) => process.stderr.write(line), { name: 'overlay' });
const scope = new Scope();

async function end(exitCode: number): Promise<void> {
  setTimeout(() => process.exit(exitCode), 900).unref();
  await scope.close().catch((error) => log.error('closing failed', errorAttributes(error)));
  process.exit(exitCode);
}

function main(): void {
  const { values } = parseArgs({
    options: { data: { type: 'string' }, keys: { type: 'boolean', default: false } },
  });
  if (values.data === undefined) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
  // The terminal's own Ctrl-C reaches the whole group; the parent decides.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => void end(0));

  const { locale } = Intl.DateTimeFormat().resolvedOptions();
  const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
  const panel = new TerminalPanel(
    {
      line: (text) => process.stdout.write(`${text}\r\n`),
      coloured: process.stdout.isTTY === true && !process.env.NO_COLOR,
    },
    wordsFor(locale),
    {
      keys: values.keys,
      clock: (iso) => {
        const at = Date.parse(iso);
        return Number.isNaN(at) ? null : clock.format(at);
      },
    },
  );
  const host = new PanelHost({
    kind: 'terminal',
    paths: runtimePaths(resolve(values.data)),
    platform: platformOf(process.platform),
    log,
    nowMs: () => performance.now(),
  });
  scope.use('panel host', host);
  if (values.keys) listenToKeys(host, panel);
  host.start();
  // The first look comes when both have answered, or when it is clear that they don't.
  const begin = setTimeout(
    () =>
      scope.add(
        'view',
        host.onView((view) => panel.show(view)),
      ),
    700,
  );
  scope.add('begin', () => clearTimeout(begin));
  process.send?.({ type: 'ready' });
}

function listenToKeys(host: PanelHost, panel: TerminalPanel): void {
  const { stdin } = process;
  stdin.setRawMode?.(true);
  scope.add('keys', () => {
    stdin.setRawMode?.(false);
    stdin.pause();
  });
  stdin.on('data', (chunk: Buffer) => {
    for (const key of chunk.toString('utf8')) {
      if (key === CTRL_C) process.kill(process.ppid, 'SIGINT');
      else if (key === 's' || key === 'S') {
        panel.stopAsked();
        void host.stop('cli').then((result) => panel.stopResult(result, host.view.stop.chord));
      }
    }
  });
}

main();
