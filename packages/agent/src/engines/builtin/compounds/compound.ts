import type { ClauseText } from '../clause-text.ts';
import type { Intent } from '../intent.ts';

/**
 * Reads a clause that asks for several things at once ("create the file … with the text …"); null when it is none
 * of its business. An empty list is understood and asks for nothing.
 * @param inner reads a part of the clause as instructions of its own; null when that part is not understood.
 */
export type CompoundReader = (
  clause: ClauseText,
  inner: (part: string) => readonly Intent[] | null,
) => readonly Intent[] | null;

/** Applications people name in passing ("in mousepad, type …"); anything else there may be a field or a page. */
export const APPLICATION =
  '(?:(?:plain\\s+|simple\\s+)?text\\s+editor|editor|notepad|mousepad|gedit|leafpad|terminal(?:\\s+emulator)?|console|xterm|shell|command\\s+line|(?:web\\s+|internet\\s+)?browser|(?:google\\s+)?chrome|chromium|firefox|calculator|galculator|file\\s+manager|file\\s+explorer|thunar|pcmanfm|spreadsheet|gnumeric|libreoffice(?:\\s+(?:calc|writer))?)';
export const AN_APPLICATION = `(?:the\\s+|a\\s+|an\\s+|my\\s+|your\\s+)?(?:new\\s+)?(?<application>${APPLICATION})(?:\\s+(?:window|app|application|program))?`;

const KINDS: ReadonlyArray<{ kind: string; names: RegExp }> = [
  { kind: 'editor', names: /editor|notepad|mousepad|gedit|leafpad/i },
  { kind: 'terminal', names: /terminal|console|xterm|shell|command line/i },
  { kind: 'browser', names: /browser|chrom|firefox/i },
  { kind: 'calculator', names: /calculator/i },
  { kind: 'files', names: /file (?:manager|explorer)|thunar|pcmanfm/i },
];

/** Two names of one kind of application ("mousepad", "text editor") → the same word; another name as it is. */
export function kindOfApplication(name: string): string {
  return KINDS.find(({ names }) => names.test(name))?.kind ?? name.trim().toLowerCase();
}

export const FOCUS = (title: string): Intent => ({ type: 'focus_window', title });
