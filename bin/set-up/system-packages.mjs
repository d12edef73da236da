import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep } from './run-step.mjs';
import { SetUpError } from './set-up-error.mjs';

/**
 * @typedef {object} SystemPackage
 * @property {string} name Debian package
 * @property {string} why
 * @property {'run' | 'test'} needs `npm start` installs the first kind, `npm test` both
 * @property {string[]} [provides] commands; one of them on PATH does as well as the package
 * @property {string[]} [snapOn] distributions whose package of that name is only a door to a snap
 * @property {string} [byHand] what a person does there instead
 */

const aptCeilingMs = 5 * 60_000;
const installArguments = ['install', '-y', '--no-install-recommends'];

/** @returns {SystemPackage[]} what `npm start` ('run') or `npm test` ('test') needs. */
export function packagesFor(need, repository) {
  const all = JSON.parse(readFileSync(join(repository, 'bin/system-packages.json'), 'utf8'));
  return need === 'test' ? all : all.filter((entry) => entry.needs === 'run');
}

/** Names that dpkg-query reports as installed; its lines are `name status`, as asked for below. */
export function parseInstalled(dpkgOutput) {
  const lines = dpkgOutput.split('\n').map((line) => line.trim().split(/\s+/));
  return new Set(lines.filter(([, status]) => status === 'installed').map(([name]) => name));
}

/**
 * What is missing, and how it can come: by apt, or only by a person.
 * @param {SystemPackage[]} wanted
 * @param {{ installed: Set<string>, isOnPath: (command: string) => boolean, distributions: string[] }} machine
 */
export function missingPackages(wanted, { installed, isOnPath, distributions }) {
  const missing = wanted.filter(
    (entry) => !installed.has(entry.name) && !(entry.provides ?? []).some(isOnPath),
  );
  const isSnap = (entry) => (entry.snapOn ?? []).some((name) => distributions.includes(name));
  return {
    byApt: missing.filter((entry) => !isSnap(entry)).map((entry) => entry.name),
    byHand: missing.filter(isSnap),
  };
}

export function personalCommand(names) {
  return `sudo apt-get ${installArguments.join(' ')} ${names.join(' ')}`;
}

/** `ID` and `ID_LIKE` of os-release: ['ubuntu', 'debian'] on Ubuntu. */
export function parseDistributions(osRelease) {
  const value = (key) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(osRelease)?.[1] ?? '';
  return `${value('ID')} ${value('ID_LIKE')}`.split(/\s+/).filter(Boolean);
}

/** What to do about a failed apt-get, from what it said. */
export function adviceFor(aptOutput, names) {
  const byHand = `run it by hand: ${personalCommand(names)}`;
  if (
    /Could not get lock|Unable to acquire the dpkg frontend lock|is another process using it/i.test(aptOutput)
  ) {
    return `another package manager is at work; when it has ended, try again, or ${byHand}`;
  }
  if (/dpkg was interrupted/i.test(aptOutput)) {
    return 'an earlier installation was cut short; run: sudo dpkg --configure -a, then try again';
  }
  if (/No space left on device|not have enough free space/i.test(aptOutput)) {
    return `the disk is full; make room, then try again, or ${byHand}`;
  }
  if (
    /resolv|Failed to fetch|Cannot initiate the connection|Unable to connect|Connection timed out|Network is unreachable/i.test(
      aptOutput,
    )
  ) {
    return `the package server can't be reached; check the network or proxy, then try again, or ${byHand}`;
  }
  if (/Unable to locate package|has no installation candidate/i.test(aptOutput)) {
    return `this distribution has no package of that name; install what it stands for (bin/system-packages.json says why it is needed), then try again`;
  }
  return `see apt's words above; then try again, or ${byHand}`;
}

/**
 * @typedef {object} Machine what is asked of the computer; tests hand in another
 * @property {string} platform
 * @property {boolean} isRoot
 * @property {string} path PATH, on which dpkg-query and apt-get are looked for
 * @property {string} osRelease text of /etc/os-release
 */

/** @returns {Machine} */
export function thisMachine() {
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    path: process.env.PATH ?? '',
    osRelease: existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '',
  };
}

/**
 * Checks the system packages and, where that is possible, installs the missing ones.
 * @param {'run' | 'test'} need
 */
export async function installSystemPackages(
  need,
  repository,
  stream = process.stderr,
  machine = thisMachine(),
) {
  if (machine.platform !== 'linux' || !isOnPath('dpkg-query', machine.path)) {
    stream.write(`${expectationElsewhere(machine.platform)}\n`);
    return;
  }
  const wanted = packagesFor(need, repository);
  const { byApt, byHand } = missingNow(wanted, machine);
  for (const entry of byHand) {
    stream.write(`set-up: ${entry.name} is missing (${entry.why}): ${entry.byHand}\n`);
  }
  if (byApt.length === 0) return;
  if (!machine.isRoot) {
    throw new SetUpError(
      `${byApt.length} system packages are missing; run this once, then try again: ${personalCommand(byApt)}`,
    );
  }
  await installAsRoot(byApt, wanted, stream, machine);
}

async function installAsRoot(names, wanted, stream, machine) {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8', PATH: machine.path };
  const options = ['-q', '-o', 'DPkg::Lock::Timeout=60', '-o', 'Acquire::Retries=2', '-o', 'Dpkg::Use-Pty=0'];
  // A configuration file somebody changed stays as it is; without these dpkg would stop and ask.
  const keepFiles = ['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'];
  const apt = (label, args) =>
    runStep({ label, command: 'apt-get', args, env, ceilingMs: aptCeilingMs }, stream);
  const listed = names.length > 6 ? `${names.slice(0, 6).join(', ')}, …` : names.join(', ');

  // One broken source among many fails the update but not what we need, so installing decides.
  const update = await apt('list of system packages (apt-get update)', [...options, 'update']);
  const install = await apt(`system packages (${names.length}: ${listed})`, [
    ...options,
    ...keepFiles,
    ...installArguments,
    ...names,
  ]);
  const left = missingNow(wanted, machine).byApt;
  if (install.ok && left.length === 0) return;
  const output = update.ok ? install.output : `${update.output}\n${install.output}`;
  throw new SetUpError(
    `system packages could not be installed (${(left.length > 0 ? left : names).join(' ')}): ${adviceFor(output, names)}`,
    { command: install.commandLine, output },
  );
}

function missingNow(wanted, machine) {
  const names = wanted.map((entry) => entry.name);
  return missingPackages(wanted, {
    installed: parseInstalled(queryDpkg(names, machine.path)),
    isOnPath: (command) => isOnPath(command, machine.path),
    distributions: parseDistributions(machine.osRelease),
  });
}

function queryDpkg(names, path) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const args = ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...names];
  const stdio = ['ignore', 'pipe', 'ignore'];
  try {
    return execFileSync('dpkg-query', args, { encoding: 'utf8', stdio, env: { ...process.env, PATH: path } });
  } catch (error) {
    // Exit code 1: some of the names are unknown to dpkg. The known ones are on stdout all the same.
    if (typeof error.stdout === 'string') return error.stdout;
    throw new SetUpError(`dpkg-query can't be asked what is installed (${error.message})`);
  }
}

function isOnPath(command, path) {
  return path.split(delimiter).some((folder) => {
    try {
      const file = join(folder, command);
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}

function expectationElsewhere(platform) {
  if (platform === 'darwin')
    return 'set-up: macOS: a Chromium-family browser is expected, and the permissions Screen Recording and Accessibility (deskhand doctor checks them)';
  if (platform === 'win32')
    return 'set-up: Windows: a Chromium-family browser is expected (deskhand doctor checks it)';
  return 'set-up: no dpkg here: X11, a Chromium-family browser, AT-SPI, xclip and tesseract are expected; for a virtual desktop also Xvfb, openbox and D-Bus (deskhand doctor checks them)';
}
