import { accessSync, constants } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { parseExecLine } from './exec-line.ts';

/** One installed application, from its `.desktop` file. */
export type InstalledApplication = Readonly<{
  /** Desktop file id without `.desktop`, e.g. `org.xfce.mousepad`. */
  id: string;
  name: string;
  genericName: string;
  keywords: readonly string[];
  /** Program and arguments, ready to run. */
  command: readonly string[];
  /** File name of the program, e.g. `mousepad`. */
  program: string;
  windowClass: string;
  /** Wants to be run inside a terminal. */
  terminal: boolean;
  /** Not meant for menus: settings pages, handlers. Found by its exact name only. */
  hidden: boolean;
}>;

const MAX_ENTRIES = 5000;
const MAX_FILE_BYTES = 256 * 1024;

/**
 * Everything installed on this system that can be started.
 * @param dataFolders XDG data folders, most important first: an id found earlier hides later ones.
 * @param searchPath  PATH, to leave out entries whose program is gone.
 */
export async function readInstalledApplications(
  dataFolders: readonly string[],
  searchPath: string,
): Promise<readonly InstalledApplication[]> {
  const seen = new Set<string>();
  const found: InstalledApplication[] = [];
  for (const folder of dataFolders) {
    const root = join(folder, 'applications');
    const files = await readdir(root, { recursive: true }).catch(() => [] as string[]);
    for (const file of files) {
      if (!file.endsWith('.desktop') || found.length >= MAX_ENTRIES) continue;
      const id = file.slice(0, -'.desktop'.length).replaceAll('/', '-');
      if (seen.has(id)) continue;
      seen.add(id);
      const text = await readFile(join(root, file), 'utf8').catch(() => '');
      if (text.length === 0 || text.length > MAX_FILE_BYTES) continue;
      const entry = parseDesktopEntry(id, text);
      if (entry !== null && isInstalled(entry.command[0] ?? '', searchPath)) found.push(entry);
    }
  }
  return found;
}

/** @returns null for entries that are no application, are deleted, or cannot be started. Localized keys are ignored. */
export function parseDesktopEntry(id: string, text: string): InstalledApplication | null {
  const values = new Map<string, string>();
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('[')) inside = line.trim() === '[Desktop Entry]';
    if (!inside) continue;
    const pair = /^([A-Za-z0-9-]+)\s*=\s*(.*)$/.exec(line);
    if (pair !== null) values.set(pair[1] as string, decodeEscapes(pair[2] as string));
  }
  const value = (key: string) => values.get(key) ?? '';
  if (value('Type') !== 'Application' || value('Hidden') === 'true') return null;
  const command = parseExecLine(value('Exec'));
  const program = command[0];
  if (program === undefined || value('Name') === '') return null;
  const categories = value('Categories').split(';');
  return {
    id,
    name: value('Name'),
    genericName: value('GenericName'),
    keywords: value('Keywords')
      .split(';')
      .map((keyword) => keyword.trim())
      .filter((keyword) => keyword !== ''),
    command,
    program: basename(program),
    windowClass: value('StartupWMClass'),
    terminal: value('Terminal') === 'true',
    hidden: value('NoDisplay') === 'true' || categories.includes('Settings'),
  };
}

/** Where applications are described, most important first. */
export function dataFolders(environment: Readonly<Record<string, string | undefined>>): string[] {
  const home = environment.XDG_DATA_HOME || (environment.HOME ? join(environment.HOME, '.local/share') : '');
  const shared = environment.XDG_DATA_DIRS || '/usr/local/share:/usr/share';
  return [home, ...shared.split(':'), '/var/lib/flatpak/exports/share', '/var/lib/snapd/desktop'].filter(
    (folder, index, all) => isAbsolute(folder) && all.indexOf(folder) === index,
  );
}

/** @returns the absolute path of a program, or null. */
export function findProgram(name: string, searchPath: string): string | null {
  const places = isAbsolute(name)
    ? [name]
    : name.includes('/')
      ? []
      : searchPath
          .split(':')
          .filter((folder) => folder !== '')
          .map((folder) => join(folder, name));
  return places.find(isExecutable) ?? null;
}

function isInstalled(program: string, searchPath: string): boolean {
  return findProgram(program, searchPath) !== null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function decodeEscapes(value: string): string {
  return value.replace(/\\([snrt\\])/g, (_, code: string) => {
    if (code === 's') return ' ';
    if (code === 'n' || code === 'r') return '\n';
    return code === 't' ? '\t' : '\\';
  });
}
