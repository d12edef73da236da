import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Platform } from '../core/hotkey-name.ts';
import type { ElectronPort } from './port.ts';

/** Starts the panel with the session. Off unless the person asks for it. */
export function setAutostart(
  on: boolean,
  options: Readonly<{
    app: Pick<ElectronPort['app'], 'setLoginItemSettings'>;
    platform: Platform;
    /** `$XDG_CONFIG_HOME`, else `~/.config`. */
    configHome: string;
    executable: string;
  }>,
): void {
  if (options.platform !== 'linux') {
    options.app.setLoginItemSettings({ openAtLogin: on });
    return;
  }
  const file = autostartFile(options.configHome);
  if (!on) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    [
      '[Desktop Entry]',
      'Type=Application',
      'Name=Deskhand',
      `Exec=${quoteExec(options.executable)}`,
      'X-GNOME-Autostart-enabled=true',
      '',
    ].join('\n'),
  );
}

/** Whether the panel starts with the session now. */
export function isAutostart(
  options: Readonly<{
    app: Pick<ElectronPort['app'], 'getLoginItemSettings'>;
    platform: Platform;
    configHome: string;
  }>,
): boolean {
  if (options.platform !== 'linux') return options.app.getLoginItemSettings().openAtLogin;
  return existsSync(autostartFile(options.configHome));
}

function autostartFile(configHome: string): string {
  return join(configHome, 'autostart', 'dev.deskhand.overlay.desktop');
}

/** Quoting of the desktop entry specification: double quotes, with `"`, `` ` ``, `$` and `\` escaped, `%` doubled. */
export function quoteExec(path: string): string {
  return `"${path.replace(/["`$\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}
