import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * A .deb from an unpacked build, with nothing but dpkg-deb: electron-builder's own target downloads its tools first.
 *   node make-deb.ts dist/linux-unpacked [-o dist]
 */
const root = import.meta.dirname;
const PACKAGE = 'deskhand-overlay';
const DESKTOP_ID = 'dev.deskhand.overlay';
export const EXECUTABLE = 'deskhand-overlay';
const DEPENDS =
  'libgtk-3-0 | libgtk-3-0t64, libnss3, libxtst6, libatspi2.0-0 | libatspi2.0-0t64, libsecret-1-0, xdg-utils';
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'armhf' };

/** @returns path of the .deb. */
export function makeDeb(unpacked: string, outDir: string): string {
  if (!existsSync(join(unpacked, EXECUTABLE)))
    throw new Error(`${unpacked} holds no ${EXECUTABLE}; build it with: electron-builder --linux --dir`);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const work = mkdtempSync(join(tmpdir(), 'deskhand-deb-'));
  try {
    const put = (path: string, text: string, mode = 0o644) => {
      mkdirSync(join(work, path, '..'), { recursive: true, mode: 0o755 });
      writeFileSync(join(work, path), text, { mode });
    };
    cpSync(unpacked, join(work, 'opt', 'Deskhand'), { recursive: true, verbatimSymlinks: true });
    put(`usr/share/applications/${DESKTOP_ID}.desktop`, desktopEntry());
    put(`etc/apparmor.d/${PACKAGE}`, apparmorProfile());
    put(
      `usr/share/doc/${PACKAGE}/copyright`,
      'Deskhand. MIT licence; Electron’s licences lie in /opt/Deskhand.\n',
    );
    const icons = join(work, 'usr/share/icons/hicolor/512x512/apps');
    mkdirSync(icons, { recursive: true });
    cpSync(join(root, 'build', 'icon.png'), join(icons, `${DESKTOP_ID}.png`));
    const installedKb = Math.ceil(sizeOf(work) / 1024);
    put('DEBIAN/control', control({ version, architecture, installedKb }));
    put('DEBIAN/conffiles', `/etc/apparmor.d/${PACKAGE}\n`);
    put('DEBIAN/postinst', POSTINST, 0o755);
    put('DEBIAN/postrm', POSTRM, 0o755);
    openForAll(work);
    mkdirSync(outDir, { recursive: true });
    const file = join(resolve(outDir), `${PACKAGE}_${version}_${architecture}.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', work, file], { stdio: 'pipe' });
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function control(facts: { version: string; architecture: string; installedKb: number }): string {
  return [
    `Package: ${PACKAGE}`,
    `Version: ${facts.version}`,
    `Architecture: ${facts.architecture}`,
    `Installed-Size: ${facts.installedKb}`,
    'Maintainer: Deskhand <dev@deskhand.invalid>',
    `Depends: ${DEPENDS}`,
    'Section: utils',
    'Priority: optional',
    'Description: Watch and stop the agent on your desktop',
    ' A small panel that says who is in control, what happens next and why, and how to',
    ' stop it.',
    '',
  ].join('\n');
}

function desktopEntry(): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Deskhand',
    'Comment=Watch and stop the agent on your desktop',
    `Exec=/opt/Deskhand/${EXECUTABLE} %U`,
    `Icon=${DESKTOP_ID}`,
    'Terminal=false',
    'Categories=Utility;',
    `StartupWMClass=${DESKTOP_ID}`,
    '',
  ].join('\n');
}

/** Ubuntu 24.04 and later give unprivileged user namespaces only to programs with a profile. */
function apparmorProfile(): string {
  return `abi <abi/4.0>,
include <tunables/global>

profile ${PACKAGE} /opt/Deskhand/${EXECUTABLE} flags=(unconfined) {
  userns,
  include if exists <local/${PACKAGE}>
}
`;
}

/** Never a reason to start without a sandbox: where namespaces are closed, the helper is set-uid instead. */
const POSTINST = `#!/bin/sh
set -e
if [ -e /opt/Deskhand/chrome-sandbox ]; then
  if unshare --user true 2>/dev/null; then chmod 0755 /opt/Deskhand/chrome-sandbox
  else chmod 4755 /opt/Deskhand/chrome-sandbox; fi
fi
if command -v apparmor_parser >/dev/null && [ -d /sys/kernel/security/apparmor ]; then
  apparmor_parser --skip-kernel-load --debug /etc/apparmor.d/${PACKAGE} >/dev/null 2>&1 &&
    apparmor_parser --replace /etc/apparmor.d/${PACKAGE} || true
fi
if command -v update-desktop-database >/dev/null; then update-desktop-database -q /usr/share/applications || true; fi
`;

const POSTRM = `#!/bin/sh
set -e
if command -v update-desktop-database >/dev/null; then update-desktop-database -q /usr/share/applications || true; fi
`;

function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** What is installed belongs to root and is readable by all, whatever the builder's umask was. */
function openForAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openForAll(path);
    else if (entry.isFile()) chmodSync(path, statSync(path).mode & 0o111 ? 0o755 : 0o644);
  }
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string', short: 'o', default: join(root, 'dist') } },
  });
  const [unpacked] = positionals;
  if (unpacked === undefined) {
    console.error('usage: make-deb.ts UNPACKED_FOLDER [-o FOLDER]');
    process.exit(2);
  }
  console.log(makeDeb(resolve(unpacked), values.out));
}
