import type { InstalledApplication } from './desktop-entries.ts';

/** What people call things, and the programs that are meant, the likeliest first. */
const EVERYDAY: readonly Readonly<{ names: readonly string[]; programs: readonly string[] }>[] = [
  {
    names: [
      'text editor',
      'editor',
      'notepad',
      'texteditor',
      'textedit',
      'plain text editor',
      'simple text editor',
    ],
    programs: [
      ...['gnome-text-editor', 'gedit', 'mousepad', 'xed', 'pluma', 'kate', 'kwrite', 'featherpad'],
      ...['leafpad', 'l3afpad', 'geany', 'xedit'],
    ],
  },
  {
    names: [
      'terminal',
      'console',
      'shell',
      'command line',
      'command prompt',
      'terminal emulator',
      'terminal window',
    ],
    programs: [
      ...['gnome-terminal', 'kgx', 'ptyxis', 'konsole', 'xfce4-terminal', 'mate-terminal', 'lxterminal'],
      ...['qterminal', 'tilix', 'alacritty', 'kitty', 'xterm', 'uxterm'],
    ],
  },
  {
    names: ['files', 'file manager', 'file browser', 'file explorer', 'explorer', 'finder', 'folders'],
    programs: ['nautilus', 'dolphin', 'thunar', 'nemo', 'caja', 'pcmanfm', 'pcmanfm-qt'],
  },
  {
    names: ['calculator', 'calc'],
    programs: ['gnome-calculator', 'kcalc', 'mate-calc', 'galculator', 'qalculate-gtk', 'xcalc'],
  },
  {
    names: ['spreadsheet', 'excel', 'spreadsheets'],
    programs: ['localc', 'gnumeric'],
  },
  { names: ['word', 'word processor', 'writer', 'document editor'], programs: ['lowriter', 'abiword'] },
  {
    names: ['image viewer', 'photo viewer', 'photos'],
    programs: ['loupe', 'eog', 'gwenview', 'ristretto', 'feh'],
  },
  {
    names: ['image editor', 'paint', 'drawing'],
    programs: ['gimp', 'krita', 'kolourpaint', 'drawing', 'mtpaint'],
  },
  {
    names: ['pdf viewer', 'pdf reader', 'document viewer'],
    programs: ['evince', 'papers', 'okular', 'atril', 'xpdf'],
  },
  { names: ['mail', 'email', 'email client'], programs: ['thunderbird', 'evolution', 'geary', 'kmail'] },
  {
    names: ['settings', 'system settings', 'control panel'],
    programs: ['gnome-control-center', 'systemsettings', 'xfce4-settings-manager'],
  },
  {
    names: ['video player', 'media player', 'movies'],
    programs: ['vlc', 'totem', 'celluloid', 'mpv', 'parole'],
  },
  {
    names: ['task manager', 'system monitor'],
    programs: ['gnome-system-monitor', 'ksysguard', 'xfce4-taskmanager'],
  },
];

/** The browser that is ours to drive; Firefox and others are ordinary applications. */
const BROWSER = new Set([
  ...[
    'browser',
    'web browser',
    'internet browser',
    'internet',
    'the internet',
    'web',
    'chrome',
    'google chrome',
  ],
  ...['chromium', 'chromium web browser', 'chromium browser', 'chrome browser'],
]);

const FILLER = /\b(the|a|an|my|app|application|program|please)\b/g;

/** Lower case, without filler words and punctuation. */
export function plainName(name: string): string {
  const lower = name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}+#.]+/gu, ' ')
    .trim();
  const plain = lower.replace(FILLER, ' ').replace(/\s+/g, ' ').trim();
  return plain === '' ? lower : plain;
}

export function meansOurBrowser(name: string): boolean {
  return BROWSER.has(plainName(name));
}

/** Programs an everyday name stands for, likeliest first; empty when it is not an everyday name. */
export function programsFor(name: string): readonly string[] {
  const plain = plainName(name);
  return EVERYDAY.find((row) => row.names.includes(plain))?.programs ?? [];
}

/** The installed application a person means, or null. */
export function matchApplication(
  name: string,
  installed: readonly InstalledApplication[],
): InstalledApplication | null {
  const plain = plainName(name);
  if (plain === '') return null;
  const visible = installed.filter((entry) => !entry.hidden);
  // By name first, then by program: several entries may start one program ("Mousepad", "Text Editor Settings").
  for (const own of [
    (entry: InstalledApplication) => entry.name,
    (entry: InstalledApplication) => entry.id,
    (entry: InstalledApplication) => entry.windowClass,
    (entry: InstalledApplication) => entry.program,
  ])
    for (const entries of [visible, installed]) {
      const exact = entries.find((entry) => plainName(own(entry)) === plain);
      if (exact !== undefined) return exact;
    }

  for (const program of programsFor(plain)) {
    const entry = visible.find((candidate) => candidate.program === program);
    if (entry !== undefined) return entry;
  }
  const generic = visible.find((entry) => plainName(entry.genericName) === plain);
  if (generic !== undefined) return generic;

  // "mousepad editor", "LibreOffice Writer": every word must be in the entry's own names.
  const words = plain.split(' ');
  const containing = visible.filter((entry) => {
    const own = new Set(plainName(`${entry.name} ${entry.genericName} ${entry.program}`).split(' '));
    return words.every((word) => own.has(word));
  });
  if (containing.length === 1) return containing[0] as InstalledApplication;
  const byKeyword = visible.filter((entry) => entry.keywords.some((keyword) => plainName(keyword) === plain));
  return byKeyword.length === 1 ? (byKeyword[0] as InstalledApplication) : null;
}

/** Names of installed applications a person may have meant, the nearest first. */
export function nearestNames(
  name: string,
  installed: readonly InstalledApplication[],
  limit = 5,
): readonly string[] {
  const wanted = plainName(name);
  const names = new Set(installed.filter((entry) => !entry.hidden).map((entry) => entry.name));
  return [...names]
    .map((candidate) => ({ candidate, distance: difference(wanted, plainName(candidate)) }))
    .sort((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** Share of two-letter pieces the two names do not have in common: 0 = same, 1 = nothing alike. */
function difference(a: string, b: string): number {
  const first = pairs(a);
  const second = pairs(b);
  if (first.length + second.length === 0) return 1;
  const rest = [...second];
  let common = 0;
  for (const pair of first) {
    const index = rest.indexOf(pair);
    if (index < 0) continue;
    rest.splice(index, 1);
    common += 1;
  }
  return 1 - (2 * common) / (first.length + second.length);
}

function pairs(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - 1) }, (_, index) => text.slice(index, index + 2));
}
