/** Where the person reads a key's name; each prints its keys differently. */
export type Platform = 'linux' | 'macos' | 'windows';

type KeyNames = Readonly<Record<Platform, string>>;
const same = (name: string): KeyNames => ({ linux: name, macos: name, windows: name });

const names: Readonly<Record<string, KeyNames>> = {
  ctrl: { linux: 'Ctrl', macos: 'Control', windows: 'Ctrl' },
  control: { linux: 'Ctrl', macos: 'Control', windows: 'Ctrl' },
  alt: { linux: 'Alt', macos: 'Option', windows: 'Alt' },
  option: { linux: 'Alt', macos: 'Option', windows: 'Alt' },
  shift: same('Shift'),
  meta: { linux: 'Super', macos: 'Command', windows: 'Win' },
  super: { linux: 'Super', macos: 'Command', windows: 'Win' },
  win: { linux: 'Super', macos: 'Command', windows: 'Win' },
  cmd: { linux: 'Super', macos: 'Command', windows: 'Win' },
  command: { linux: 'Super', macos: 'Command', windows: 'Win' },
  esc: same('Esc'),
  escape: same('Esc'),
};

/**
 * A chord as that system's keyboard prints it: `Ctrl+Alt+Shift+Esc`, on macOS `Control-Option-Shift-Esc`.
 * People who read "Ctrl" on a Mac press Command, which is Force Quit: hence the words.
 */
export function hotkeyName(chord: string, platform: Platform): string {
  const parts = chord
    .split(/[+-]/)
    .map((part) => part.trim())
    .filter((part) => part.length > 0)
    .map((part) => names[part.toLowerCase()]?.[platform] ?? part[0]?.toUpperCase() + part.slice(1));
  return parts.join(platform === 'macos' ? '-' : '+');
}

/** What is shown before any process has said which chord it listens to. */
export const DEFAULT_STOP_CHORD = 'Ctrl+Alt+Shift+Esc';

/** The chord in Electron's accelerator words; `undefined` when a part is not one it knows. */
export function toAccelerator(chord: string): string | undefined {
  const words: string[] = [];
  for (const raw of chord.split('+')) {
    const part = raw.trim();
    const known = accelerators[part.toLowerCase()];
    if (known !== undefined) words.push(known);
    else if (/^([a-z0-9]|f([1-9]|1[0-9]|2[0-4]))$/i.test(part)) words.push(part.toUpperCase());
    else return undefined;
  }
  return words.length > 1 ? words.join('+') : undefined;
}

const accelerators: Readonly<Record<string, string>> = {
  ctrl: 'Control',
  control: 'Control',
  alt: 'Alt',
  option: 'Alt',
  shift: 'Shift',
  super: 'Super',
  meta: 'Super',
  esc: 'Escape',
  escape: 'Escape',
};
