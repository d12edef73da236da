import { DaemonProcess } from './daemon-process.ts';
import { LinkServer } from './link-server.ts';
import { startXDesktop, type XDesktop } from './x-desktop.ts';

/** A desktop, the daemon on it and the server that drives it. */
export type DrivenDesktop = AsyncDisposable &
  Readonly<{ desktop: XDesktop; server: LinkServer; daemon: DaemonProcess }>;

/** Starts all three, without the ring that points a click out first: it takes time, and nobody looks. */
export async function startDrivenDesktop(): Promise<DrivenDesktop> {
  await using starting = new AsyncDisposableStack();
  const desktop = starting.use(await startXDesktop());
  const server = starting.use(await LinkServer.start());
  const daemon = starting.use(
    await DaemonProcess.start({
      server: server.url,
      env: { ...desktop.environment, DESKHAND_TARGET_RING_MS: '0' },
    }),
  );
  const started = starting.move();
  return { desktop, server, daemon, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
