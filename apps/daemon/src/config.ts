import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Secret } from '@deskhand/base';
import { ProtocolError, parseJson, TARGET_SHOW_MAX_MS } from '@deskhand/protocol';
import { z } from 'zod';
import { linkAddress } from './link/server-link.ts';
import type { LogLevel } from './process-log.ts';
import { logLevelFrom } from './process-log.ts';
import { DEFAULT_STOP_HOTKEY, parseStopChord } from './safety/stop-chord.ts';

/** Effective settings of one daemon; frozen. */
export type DaemonConfig = Readonly<{
  dataDir: string;
  /** Where to dial; null only when machine.json says it. */
  serverUrl: URL | null;
  /** Shown to people in the list of machines. */
  name: string;
  /** Pixels of a private desktop to make, or null for the person's own. */
  virtual: Readonly<{ width: number; height: number }> | null;
  pairCode: Secret | null;
  stopHotkey: string;
  /** Runs may start although the stop hotkey is not proven to work. */
  allowUnarmed: boolean;
  logLevel: LogLevel;
  /** Guard draws the border around the screen and the ring at targets, where the system lets it. */
  drawBorder: boolean;
  /** How long the ring shows where the pointer goes before it does; 0 is never. */
  targetRingMs: number;
}>;

/** Keys of `config.json` that concern this process; the others belong to the server. */
const ConfigFile = z.looseObject({
  stop_hotkey: z.string().max(64).optional(),
  allow_unarmed: z.boolean().optional(),
  machine_name: z.string().min(1).max(64).optional(),
  border: z.string().max(16).optional(),
  target_ring_ms: z.string().max(16).optional(),
});

/** Long enough to be seen, short enough not to be waited for. */
const DEFAULT_RING_MS = 250;
const DEFAULT_SIZE = { width: 1280, height: 800 };
const SMALLEST_PX = 320;
const LARGEST_PX = 8192;

/** @throws ProtocolError CONFIG_INVALID that names every problem. */
export function readConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  host: { platform: string; hostname: string },
): DaemonConfig {
  const problems: string[] = [];
  const attempt = <T>(work: () => T, fallback: T): T => {
    try {
      return work();
    } catch (error) {
      problems.push((error as Error).message);
      return fallback;
    }
  };
  const flags = attempt(() => parseFlags(args), {});
  const dataDir = resolve(flags.data ?? env.DESKHAND_DATA ?? defaultDataDir(env, host.platform));
  const file = attempt(() => readFile(join(dataDir, 'config.json')), {});
  const serverUrl = attempt(() => (flags.server === undefined ? null : serverAddress(flags.server)), null);
  const virtual = attempt(() => (flags.virtual === undefined ? null : sizeOf(flags.virtual)), null);
  const stopHotkey = env.DESKHAND_STOP_HOTKEY || file.stop_hotkey || DEFAULT_STOP_HOTKEY;
  attempt(() => parseStopChord(stopHotkey), undefined);
  // Nobody sits in front of a private desktop: a border there only costs pixels, and a ring only time.
  const drawBorder = attempt(
    () => borderSetting(env.DESKHAND_BORDER || file.border || 'auto', virtual === null),
    false,
  );
  const targetRingMs = attempt(
    () => ringSetting(env.DESKHAND_TARGET_RING_MS || file.target_ring_ms, virtual === null),
    0,
  );
  const allowed = env.DESKHAND_ALLOW_UNARMED;
  if (allowed && !['0', '1'].includes(allowed)) problems.push('DESKHAND_ALLOW_UNARMED must be 1 or 0.');
  const name = flags.name ?? file.machine_name ?? (host.hostname.slice(0, 64) || 'this desktop');
  if (name.length > 64) problems.push('--name must have at most 64 characters.');
  if (problems.length > 0) throw new ProtocolError('CONFIG_INVALID', problems.join('\n'), { problems });
  return Object.freeze({
    dataDir,
    serverUrl,
    name,
    virtual,
    pairCode: flags['pair-code'] === undefined ? null : new Secret(flags['pair-code']),
    stopHotkey,
    allowUnarmed:
      flags['allow-unarmed'] ??
      (env.DESKHAND_ALLOW_UNARMED ? allowed === '1' : (file.allow_unarmed ?? false)),
    logLevel: logLevelFrom(env.DESKHAND_LOG),
    drawBorder,
    targetRingMs,
  });
}

type Flags = {
  server?: string | undefined;
  data?: string | undefined;
  name?: string | undefined;
  'pair-code'?: string | undefined;
  virtual?: string | undefined;
  'allow-unarmed'?: boolean | undefined;
};

function parseFlags(args: readonly string[]): Flags {
  // `--virtual` may stand alone, which parseArgs has no type for.
  const plain = args.map((arg) => (arg === '--virtual' ? '--virtual=' : arg));
  const { values } = parseArgs({
    args: plain,
    options: {
      server: { type: 'string' },
      data: { type: 'string' },
      name: { type: 'string' },
      'pair-code': { type: 'string' },
      virtual: { type: 'string' },
      'allow-unarmed': { type: 'boolean' },
    },
  });
  return values;
}

function serverAddress(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`--server must be a URL such as wss://desk.example.org, not "${text}".`);
  }
  return linkAddress(url);
}

function sizeOf(text: string): { width: number; height: number } {
  if (text === '') return DEFAULT_SIZE;
  const [, width, height] = /^(\d{3,4})x(\d{3,4})$/.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  const fits = [size.width, size.height].every((side) => side >= SMALLEST_PX && side <= LARGEST_PX);
  if (!fits) throw new Error(`--virtual must be WxH in pixels, such as 1280x800, not "${text}".`);
  return size;
}

function borderSetting(text: string, ownDesktop: boolean): boolean {
  if (text === 'auto') return ownDesktop;
  if (text === 'on' || text === 'off') return text === 'on';
  throw new Error(`DESKHAND_BORDER must be auto, on or off, not "${text}".`);
}

function ringSetting(given: string | undefined, ownDesktop: boolean): number {
  if (given === undefined) return ownDesktop ? DEFAULT_RING_MS : 0;
  const ms = Number(given);
  if (!Number.isInteger(ms) || ms < 0 || ms > TARGET_SHOW_MAX_MS)
    throw new Error(
      `DESKHAND_TARGET_RING_MS must be a whole number from 0 to ${TARGET_SHOW_MAX_MS}, not "${given}".`,
    );
  return ms;
}

function readFile(path: string): z.infer<typeof ConfigFile> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  const parsed = ConfigFile.safeParse(parseJsonFile(path, text));
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`${path}: ${places.join('; ')}`);
}

function parseJsonFile(path: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new Error(`${path} is not valid JSON.`);
  }
}

/** The platform's per-user data folder for Deskhand (the same as the CLI's). */
function defaultDataDir(env: Readonly<Record<string, string | undefined>>, platform: string): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Deskhand');
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'Deskhand');
  const base = env.XDG_DATA_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), '.local', 'share'), 'deskhand');
}
