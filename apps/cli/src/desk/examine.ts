import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import path from 'node:path';
import type { DaemonState, SenseCheck } from '@deskhand/protocol';
import { electronBinary } from './parts.ts';

/** One requirement of this desktop. `todo` is the one thing to do about it. */
export type Finding = Readonly<{
  name: string;
  state: 'ok' | 'warn' | 'fail';
  detail: string;
  todo?: string;
  /** What a trial took; null where nothing was tried. */
  ms?: number | null;
  /** There is code for this system, and it was never run on one. */
  notRun?: boolean;
}>;

export type Surroundings = Readonly<{
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  dataFolder: string;
  /** The running daemon's own word, if one runs. */
  running: DaemonState | undefined;
  which: (program: string) => string | undefined;
  /** Eyes and hands, tried just now. */
  senses: readonly SenseCheck[];
}>;

/** Looks at everything a run on this desktop needs. Reads only. */
export function examine(around: Surroundings): Finding[] {
  return [
    nodeVersion(),
    dataFolderState(around),
    displayServer(around),
    ...(around.platform === 'linux' ? [virtualDesktop(around), bus(around)] : []),
    ...around.senses.map(finding),
    hotkey(around),
    browser(around),
    panel(around),
    model(around),
  ];
}

function finding({ name, state, detail, ms, todo, notRun }: SenseCheck): Finding {
  return {
    name,
    state,
    detail,
    ms,
    ...(todo === undefined ? {} : { todo }),
    ...(notRun === undefined ? {} : { notRun }),
  };
}

const ok = (name: string, detail: string): Finding => ({ name, state: 'ok', detail });
const warn = (name: string, detail: string, todo: string, more: Partial<Finding> = {}): Finding => ({
  name,
  state: 'warn',
  detail,
  todo,
  ...more,
});
const fail = (name: string, detail: string, todo: string): Finding => ({ name, state: 'fail', detail, todo });

const NOT_RUN = { notRun: true } as const;

function install(...packages: string[]): string {
  return `sudo apt-get install -y --no-install-recommends ${packages.join(' ')}   (or: npm run setup)`;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 15)
    ? ok('node', process.versions.node)
    : fail('node', `${process.versions.node}; 24.15 or newer is needed`, 'npm run setup');
}

function dataFolderState({ dataFolder }: Surroundings): Finding {
  const existing = existsSync(dataFolder) ? dataFolder : path.dirname(dataFolder);
  try {
    accessSync(existing, constants.W_OK);
    const { bavail, bsize } = statfsSync(existing);
    const freeMb = Math.floor((Number(bavail) * Number(bsize)) / 1_048_576);
    if (freeMb < 200)
      return warn(
        'data folder',
        `${dataFolder}, only ${freeMb} MB free`,
        'Make room, or use --data on another disk.',
      );
    return ok(
      'data folder',
      `${dataFolder}, ${freeMb > 2048 ? `${Math.floor(freeMb / 1024)} GB` : `${freeMb} MB`} free`,
    );
  } catch {
    return existsSync(existing)
      ? fail('data folder', `${dataFolder} cannot be written`, 'Choose another with --data or DESKHAND_DATA.')
      : ok('data folder', `${dataFolder} (will be made)`);
  }
}

function displayServer({ env, platform, which, senses }: Surroundings): Finding {
  if (platform === 'darwin' || platform === 'win32')
    return warn(
      'display',
      'this system’s own',
      'Deskhand’s code for this system was written but never run on it: watch the first run closely.',
      NOT_RUN,
    );
  if (env.WAYLAND_DISPLAY) {
    const eyes = senses.find(({ name }) => name === 'capture')?.detail ?? '';
    if (eyes.startsWith('portal-')) {
      const proven = env.XDG_CURRENT_DESKTOP?.split(':').includes('GNOME') === true;
      const run = proven
        ? 'Run on GNOME 43 without a screen only'
        : 'Eyes were never run on this desktop’s portal';
      return warn(
        'display',
        `Wayland ${env.WAYLAND_DISPLAY}, through the desktop portal`,
        `${run}: watch the first run closely. There is no stop hotkey: --allow-unarmed.`,
        proven ? {} : NOT_RUN,
      );
    }
    if (eyes.startsWith('wlr-'))
      return warn(
        'display',
        `Wayland ${env.WAYLAND_DISPLAY}, through its compositor’s own protocols`,
        'No program hears all keys on Wayland, so there is no stop hotkey: start with --allow-unarmed and keep the panel in sight.',
      );
    return warn(
      'display',
      `Wayland ${env.WAYLAND_DISPLAY}${env.DISPLAY ? ', through XWayland: only X applications can be driven' : ''}`,
      'Use an Xorg session, `deskhand up --virtual`, or a compositor with the wlroots protocols (sway, labwc, Hyprland).',
    );
  }
  if (env.DISPLAY) return ok('display', `X display ${env.DISPLAY}`);
  return which('Xvfb') === undefined
    ? fail('display', 'none, and no Xvfb for a virtual one', install('xvfb', 'openbox'))
    : ok('display', 'none; `up` makes a virtual desktop');
}

function virtualDesktop({ which }: Surroundings): Finding {
  const missing = [
    ['Xvfb', 'xvfb'],
    ['openbox', 'openbox'],
  ].filter(([program]) => which(program as string) === undefined);
  return missing.length === 0
    ? ok('virtual desktop', 'Xvfb and openbox are here')
    : warn(
        'virtual desktop',
        `${missing.map(([program]) => program).join(' and ')} missing`,
        install(...missing.map(([, name]) => name as string)),
      );
}

function bus({ which }: Surroundings): Finding {
  return which('dbus-daemon') === undefined
    ? warn('session bus', 'dbus-daemon missing', install('dbus', 'dbus-x11'))
    : ok('session bus', which('dbus-daemon') as string);
}

function hotkey({ running }: Surroundings): Finding {
  if (running === undefined) return ok('stop hotkey', 'is armed and proven when the desktop starts');
  const { chord, armed, reason, override, pressedAt } = running.stopHotkey;
  if (running.control === 'stopped')
    return warn('stop hotkey', `${chord}; the switch is tripped`, 'deskhand reset');
  if (armed) {
    const tried =
      pressedAt === undefined
        ? 'nobody has pressed it here yet (deskhand doctor --press)'
        : `last pressed ${pressedAt.slice(0, 10)}`;
    return ok('stop hotkey', `${chord} is armed; ${tried}`);
  }
  return fail(
    'stop hotkey',
    `${chord} is NOT ARMED${override ? ' (runs are allowed all the same)' : ', so no run starts'}: ${reason ?? 'unknown reason'}`,
    'Close the program that holds it, or set DESKHAND_STOP_HOTKEY to another chord.',
  );
}

function browser({ which }: Surroundings): Finding {
  const found = [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'microsoft-edge',
    'brave-browser',
  ]
    .map(which)
    .find((file) => file !== undefined);
  return found === undefined
    ? warn('browser', 'no Chromium-family browser on the PATH', install('chromium'))
    : ok('browser', found);
}

function panel({ env, running }: Surroundings): Finding {
  if (running?.overlay.connected) return ok('panel', `${running.overlay.kind}, connected`);
  return electronBinary(env as NodeJS.ProcessEnv) === undefined
    ? ok('panel', 'in the browser (Electron’s program is not downloaded)')
    : ok('panel', 'Electron');
}

function model({ env, dataFolder }: Surroundings): Finding {
  const chosen = env.DESKHAND_MODEL;
  if (chosen === 'builtin') return ok('model', 'built-in engine');
  if (chosen !== undefined) {
    if (!/^[^/\s]+\/\S+$/.test(chosen))
      return fail(
        'model',
        `DESKHAND_MODEL="${chosen}" is not provider/model`,
        'For example anthropic/claude-sonnet-4-5, or builtin.',
      );
    if (chosen.startsWith('openai-compatible/') && !env.DESKHAND_MODEL_URL)
      return fail(
        'model',
        `${chosen} needs an address`,
        'Set DESKHAND_MODEL_URL, for example http://127.0.0.1:11434/v1.',
      );
    return ok('model', chosen);
  }
  const key = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'].find(
    (name) => env[name],
  );
  if (key !== undefined) return ok('model', `the default of the provider whose key is in ${key}`);
  try {
    if (/"model"\s*:/.test(readFileSync(path.join(dataFolder, 'config.json'), 'utf8')))
      return ok('model', 'from config.json');
  } catch {
    // No file: the default holds.
  }
  return ok('model', 'built-in engine (no account, no key, no network)');
}

/** First executable of that name on the PATH. */
export function whichOn(pathVariable: string | undefined): (program: string) => string | undefined {
  return (program) => {
    for (const folder of (pathVariable ?? '').split(path.delimiter)) {
      if (folder === '') continue;
      const file = path.join(folder, program);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here.
      }
    }
    return undefined;
  };
}
