import { MODIFIER_KEYS, ProtocolError, parseChord } from '@deskhand/protocol';

/** The emergency stop: all `modifiers` held while `key` goes down. Canonical key names. */
export type StopChord = Readonly<{ modifiers: readonly string[]; key: string; label: string }>;

export const DEFAULT_STOP_HOTKEY = 'ctrl+alt+shift+escape';

const LABELS: Readonly<Record<string, string>> = {
  ctrl: 'Ctrl',
  alt: 'Alt',
  shift: 'Shift',
  super: 'Super',
  altgr: 'AltGr',
  escape: 'Esc',
};

/** As that system's keyboards print the keys: people who read "Ctrl" on a Mac press something else. */
const MAC_LABELS: Readonly<Record<string, string>> = {
  ctrl: 'Control',
  alt: 'Option',
  shift: 'Shift',
  super: 'Command',
  escape: 'Esc',
};

/** @throws ProtocolError CONFIG_INVALID for a chord nobody could press on purpose only. */
export function parseStopChord(text: string, platform: string = process.platform): StopChord {
  const keys = parseChord(text);
  const modifiers = [...new Set(keys?.filter((key) => MODIFIER_KEYS.has(key)) ?? [])];
  const others = keys?.filter((key) => !MODIFIER_KEYS.has(key)) ?? [];
  const key = others[0];
  if (keys === undefined || key === undefined || others.length !== 1 || modifiers.length < 2)
    throw new ProtocolError(
      'CONFIG_INVALID',
      `DESKHAND_STOP_HOTKEY must be two or more of ctrl, alt, shift, super and one other key, such as ${DEFAULT_STOP_HOTKEY}.`,
    );
  const labels = platform === 'darwin' ? MAC_LABELS : LABELS;
  const label = [...modifiers, key]
    .map((name) => labels[name] ?? (name.length === 1 ? name.toUpperCase() : titled(name)))
    .join(platform === 'darwin' ? '-' : '+');
  return { modifiers, key, label };
}

function titled(name: string): string {
  return name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join(' ');
}
