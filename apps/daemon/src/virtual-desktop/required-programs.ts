import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { ProtocolError } from '@deskhand/protocol';

/** What a virtual desktop is made of, and the Debian package each part comes from. */
const PROGRAMS = [
  { name: 'Xvfb', package: 'xvfb', also: [] },
  { name: 'openbox', package: 'openbox', also: [] },
  { name: 'dbus-daemon', package: 'dbus', also: [] },
  {
    name: 'at-spi-bus-launcher',
    package: 'at-spi2-core',
    also: ['/usr/libexec/at-spi-bus-launcher', '/usr/lib/at-spi2-core/at-spi-bus-launcher'],
  },
  { name: 'xsetroot', package: 'x11-xserver-utils', also: [] },
  { name: 'xprop', package: 'x11-utils', also: [] },
] as const;

export type RequiredProgram = (typeof PROGRAMS)[number]['name'];

/**
 * Absolute paths of everything a virtual desktop needs.
 * @param searchPath folders separated by colons, as in PATH.
 * @throws ProtocolError MISSING_SYSTEM_PACKAGE with every missing package and the one command that installs them.
 */
export function findRequiredPrograms(
  searchPath: string,
  isRoot: boolean,
): Readonly<Record<RequiredProgram, string>> {
  const folders = searchPath.split(':').filter((folder) => folder !== '');
  const found: Partial<Record<RequiredProgram, string>> = {};
  const missing: Array<(typeof PROGRAMS)[number]> = [];
  for (const program of PROGRAMS) {
    const places = [...folders.map((folder) => join(folder, program.name)), ...program.also];
    const path = places.find(isExecutable);
    if (path === undefined) missing.push(program);
    else found[program.name] = path;
  }
  if (missing.length > 0) {
    const packages = missing.map((program) => program.package);
    const command = `${isRoot ? '' : 'sudo '}apt-get install -y ${packages.join(' ')}`;
    const programs = missing.map((program) => program.name).join(', ');
    throw new ProtocolError(
      'MISSING_SYSTEM_PACKAGE',
      `A virtual desktop needs ${programs}, which ${missing.length === 1 ? 'is' : 'are'} not installed. Run: ${command}`,
      { packages, command },
    );
  }
  return found as Record<RequiredProgram, string>;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
