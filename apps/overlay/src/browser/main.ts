import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorAttributes, Scope } from '@deskhand/base';
import { runtimePaths } from '@deskhand/base/runtime-paths';
import { platformOf } from '../host/host-platform.ts';
import { PanelHost } from '../host/panel-host.ts';
import { RunHistory } from '../host/run-history.ts';
import { BrowserWindowMover } from './browser-window-mover.ts';
import { builtRenderer } from './built-renderer.ts';
import { Doorway } from './doorway.ts';
import { jsonLogger } from './json-logger.ts';
import { findBrowser, openWindow } from './open-window.ts';
import { PanelServer } from './panel-server.ts';
import { readStaticFiles } from './static-files.ts';

/**
 * The panel without Electron: `main.ts --data DIR [--open] [--port N]`.
 * Tells its parent `{type:'ready', url}` and, when asked with `{type:'issue_link'}`, a fresh `{type:'link', url}`.
 */
const USAGE = 'usage: main.ts --data DIR [--open] [--port N]';

const log = jsonLogger((line) => process.stderr.write(line), { name: 'overlay' });
const scope = new Scope();
let ending = false;

async function end(exitCode: number): Promise<void> {
  if (ending) return;
  ending = true;
  // Whatever hangs, this process does not outlive its parent for long.
  setTimeout(() => process.exit(exitCode), 900).unref();
  await scope.close().catch((error) => log.error('closing failed', errorAttributes(error)));
  process.exit(exitCode);
}

function tell(message: { type: 'ready' | 'link'; url: string }): void {
  if (process.send) process.send(message);
  else process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      open: { type: 'boolean', default: false },
      port: { type: 'string' },
    },
  });
  const port = Number(values.port ?? 0);
  if (values.data === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(0));
  process.on('disconnect', () => void end(0));

  const dataDir = resolve(values.data);
  const paths = runtimePaths(dataDir);
  const nowMs = () => performance.now();
  const mover = new BrowserWindowMover();
  const history = new RunHistory(dataDir);
  const platform = platformOf(process.platform);
  const host = new PanelHost({ kind: 'browser', paths, platform, log, nowMs, mover, history });
  scope.use('panel host', host);
  host.start();
  const server = new PanelServer({
    host,
    files: readStaticFiles(await builtRenderer(log)),
    log,
    nowMs,
    replay: (runId) => history.replay(runId),
  });
  scope.use('panel server', server);
  await server.listen(port);
  const doorway = scope.use(
    'doorway',
    new Doorway(dataDir, () => server.link('controller', Number.POSITIVE_INFINITY)),
  );
  doorway.renew();
  server.onLinkUsed = () => doorway.renew();
  server.onPlace = (renderer, place) => {
    // A window on another screen than the one the agent uses covers nothing there.
    if (place === null || host.display !== (process.env.DISPLAY ?? null)) mover.gone(renderer);
    else mover.placed(renderer, place);
    host.reportRects(mover.rects);
  };
  process.on('message', (message) => {
    if ((message as { type?: unknown } | null)?.type === 'issue_link')
      tell({ type: 'link', url: server.link() });
  });
  tell({ type: 'ready', url: server.link() });
  log.info('panel ready', { port: server.port });

  if (values.open) {
    const browser = findBrowser(process.env);
    if (browser === null) log.warn('no Chromium-family browser found; open the link by hand');
    else {
      const window = await openWindow({ browser, doorway: doorway.file, dataDir, env: process.env });
      scope.use('panel window', window);
      if (window.pid !== null) host.reportRects(mover.rects, undefined, { pids: [window.pid] });
    }
  }
}

main().catch((error) => {
  log.error('the panel could not start', errorAttributes(error));
  void end(1);
});
