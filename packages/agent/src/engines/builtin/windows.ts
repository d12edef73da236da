import type { WindowInfo } from '@deskhand/protocol';
import { likeness } from './wording.ts';

const TERMINALS = /term|konsole|kgx|kitty|alacritty|^foot/i;

/** Everyday names of windows whose application calls itself otherwise. */
const EVERYDAY: ReadonlyArray<{ names: RegExp; programs: RegExp }> = [
  {
    names: /^(?:web |internet )?browser$|^(?:google )?chrome$|^chromium$/i,
    programs: /chrom|firefox|brave|edge|browser/i,
  },
  {
    names: /^(?:text )?editor$|^notepad$/i,
    programs: /mousepad|gedit|text-?editor|kate|kwrite|xed|pluma|leafpad|featherpad|geany/i,
  },
  { names: /^terminal$|^console$|^shell$/i, programs: TERMINALS },
  {
    names: /^files?$|^file (?:manager|browser|explorer)$|^finder$/i,
    programs: /nautilus|thunar|dolphin|nemo|caja|pcmanfm/i,
  },
  { names: /^calc(?:ulator)?$/i, programs: /calc/i },
];

export function isTerminal({ application }: WindowInfo): boolean {
  return TERMINALS.test(application);
}

/** The window a person means by a title, an application or an everyday name; null when none comes near. */
export function windowNamed(windows: readonly WindowInfo[], title: string): WindowInfo | null {
  const scored = windows
    .map((window) => {
      const everyday = EVERYDAY.some(
        ({ names, programs }) => names.test(title.trim()) && programs.test(window.application),
      );
      const like = Math.max(
        likeness(title, window.title),
        likeness(title, window.application),
        everyday ? 0.85 : 0,
      );
      return { window, like: like - (window.minimized ? 0.01 : 0) };
    })
    .filter(({ like }) => like >= 0.5)
    .sort((a, b) => b.like - a.like);
  return scored[0]?.window ?? null;
}
