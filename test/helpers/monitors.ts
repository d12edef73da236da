import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Scope } from '@deskhand/base';

const run = promisify(execFile);
/** Xorg's own binary: the wrapper of some distributions lets only console users start it. */
const SERVER = '/usr/lib/xorg/Xorg';
const READY_CEILING_MS = 20_000;

/** Modes the dummy driver does not bring, as xrandr wants them. */
const MODES: Readonly<Record<string, readonly string[]>> = {
  '3840x2160': ['533.25', '3840', '4000', '4400', '4960', '2160', '2163', '2168', '2215'],
  '1366x768': ['85.25', '1366', '1440', '1576', '1784', '768', '771', '781', '798'],
};

/** A real X server with sixteen monitors that can be plugged in and pulled out. Not Xvfb, which has one for ever. */
export interface Monitors extends AsyncDisposable {
  readonly display: string;
  readonly environment: Readonly<Record<string, string>>;
  ask(command: string, ...args: string[]): Promise<string>;
  /** Lights exactly these outputs, first one primary; all others go dark. */
  arrange(outputs: ReadonlyArray<{ name: string; mode: string; x: number; y: number }>): Promise<void>;
  /** What desktops set for large displays: 96 is scale 1. */
  setDpi(dpi: number): Promise<void>;
}

export async function startMonitors(): Promise<Monitors> {
  const scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-monitors-'));
  scope.add('folder', () => rm(folder, { recursive: true, force: true }));
  const config = join(folder, 'xorg.conf');
  await writeFile(config, CONFIG);
  const log = join(folder, 'log');
  const server = spawn(
    SERVER,
    [
      ...['-displayfd', '3', '-config', config, '-logfile', log, '-noreset', '-nolisten', 'tcp', '-ac'],
      ...['-keeptty', '-novtswitch', '-sharevts'],
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  scope.add('X server', () => end(server));
  try {
    const number = await Promise.race([
      once(server.stdio[3] as NodeJS.ReadableStream, 'data', {
        signal: AbortSignal.timeout(READY_CEILING_MS),
      }).then(([line]) => String(line).trim()),
      once(server, 'exit').then(async () => {
        const words = await readFile(log, 'utf8').catch(() => '');
        throw new Error(
          `${SERVER} ended at once; xserver-xorg-video-dummy is needed.\n${words.slice(-2000)}`,
        );
      }),
    ]);
    const display = `:${number}`;
    const environment = {
      ...(process.env as Record<string, string>),
      DISPLAY: display,
      XAUTHORITY: '/dev/null',
    };
    const ask = async (command: string, ...args: string[]) =>
      (await run(command, args, { env: environment, timeout: 20_000 })).stdout;
    const known = new Set<string>();
    const offer = async (name: string, mode: string) => {
      const timing = MODES[mode];
      if (timing !== undefined && !known.has(mode)) await ask('xrandr', '--newmode', mode, ...timing);
      known.add(mode);
      if (known.has(`${name} ${mode}`)) return;
      known.add(`${name} ${mode}`);
      await ask('xrandr', '--addmode', name, mode);
    };
    return {
      display,
      environment,
      ask,
      async arrange(outputs) {
        for (const { name, mode } of outputs) await offer(name, mode);
        const lit = (await ask('xrandr')).matchAll(/^(DUMMY\d+) connected(?: primary)? \d/gm);
        const dark = [...lit]
          .map(([, name]) => name as string)
          .filter((name) => !outputs.some((o) => o.name === name));
        await ask(
          'xrandr',
          ...dark.flatMap((name) => ['--output', name, '--off']),
          ...outputs.flatMap(({ name, mode, x, y }, index) => [
            ...['--output', name, '--mode', mode, '--pos', `${x}x${y}`],
            ...(index === 0 ? ['--primary'] : []),
          ]),
        );
      },
      setDpi: async (dpi) => {
        await ask(
          'xprop',
          '-root',
          '-f',
          'RESOURCE_MANAGER',
          '8s',
          '-set',
          'RESOURCE_MANAGER',
          `Xft.dpi:\t${dpi}\n`,
        );
      },
      [Symbol.asyncDispose]: () => scope.close(),
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), 3000);
  await ended;
  clearTimeout(timer);
}

const CONFIG = `
Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "AutoAddGPU" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "device"
  Driver "dummy"
  VideoRam 256000
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 1.0-2000.0
  VertRefresh 1.0-1000.0
EndSection
Section "Screen"
  Identifier "screen"
  Device "device"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Virtual 7680 4320
  EndSubSection
EndSection
`;
