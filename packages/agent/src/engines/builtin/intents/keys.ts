import { parseChord } from '@deskhand/protocol';
import type { ClauseText } from '../clause-text.ts';
import type { Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { DURATION, durationMs, firstMatch, NUMBER, numberOf, pattern } from './patterns.ts';

const TIMES = `(?:\\s+(?<times>${NUMBER})(?:\\s*(?:times|x))?|\\s+(?<word>twice|thrice|once))?`;

const PRESS = [
  pattern(
    `(?:press|hit|push|tap|use|send|strike|type|do)\\s+(?:down\\s+)?(?:the\\s+)?(?:keys?\\s+|key\\s*board\\s+shortcut\\s+|shortcut\\s+|key\\s+combination\\s+|combination\\s+|hotkey\\s+|chord\\s+)?(?<keys>.+?)(?:\\s+(?:keys?|button on the keyboard|shortcut|combination|hotkey|chord))?${TIMES}(?:\\s+(?:on|in)\\s+(?<on>.+?))?`,
  ),
  pattern(
    `(?:hold|keep)\\s+(?:down\\s+)?(?<held>.+?)\\s+(?:and|while)\\s+(?:press(?:ing)?|hit(?:ting)?|tap(?:ping)?)\\s+(?<keys>.+)`,
  ),
];

export const LET_GO =
  '(?:\\s*,?\\s*(?:(?:and|then)\\s+)*(?:release|let)(?:\\s+(?:it|them|go|of|the|key|keys|mouse|button))*)?';
/** “Page down” is a key, “Shift down” says how it is held. */
const HELD = ['', '(?:\\s+(?:pressed|held|down))+'].map((held) =>
  pattern(
    `(?:(?:press|push)\\s+and\\s+hold|hold|keep)\\s+(?:down\\s+)?(?:the\\s+)?(?<keys>.+?)(?:\\s+keys?)?${held}\\s+for\\s+(?:about\\s+)?${DURATION}${LET_GO}`,
  ),
);

/** "Hold down the space bar for 2 seconds": pressed and let go within one action. */
function readHeldKeys(clause: ClauseText): Intent | null {
  for (const shape of HELD) {
    const found = firstMatch([shape], clause.text);
    const chords = found?.keys === undefined ? null : readChords(clause.meaning(found.keys));
    const heldMs = found === null ? null : heldFor(clause, found);
    if (chords !== null && heldMs !== null)
      return { type: 'press', chords: [chords.flat()], times: 1, on: null, heldMs };
  }
  return null;
}

/** Milliseconds a key or button is to stay down; null when nobody may mean that. */
export function heldFor(clause: ClauseText, found: Record<string, string | undefined>): number | null {
  const ms = durationMs(clause.meaning(found.amount ?? ''), found.unit);
  return ms === null || ms < 1 || ms > MAX_HELD_MS ? null : ms;
}
const MAX_HELD_MS = 30_000;

/** Shortcuts people call by what they do. */
const NAMED: ReadonlyArray<{ pattern: RegExp; chord: readonly string[] }> = [
  {
    pattern: pattern(
      'select\\s+(?:all|everything|it\\s+all|(?:all\\s+(?:of\\s+)?)?(?:the\\s+)?(?:whole\\s+|entire\\s+)?(?:text|document))(?:\\s+(?:the\\s+)?(?:text|content|contents))?(?:\\s+in\\s+(?:the|this)\\s+(?:text\\s+)?(?:editor|document|window|field|file|area))?',
    ),
    chord: ['ctrl', 'a'],
  },
  {
    pattern: pattern(
      'copy(?:\\s+(?:it|that|this|the\\s+(?:selection|selected\\s+text|text)))?(?:\\s+to\\s+(?:the\\s+)?clipboard)?',
    ),
    chord: ['ctrl', 'c'],
  },
  {
    pattern: pattern('cut(?:\\s+(?:it|that|the\\s+(?:selection|selected\\s+text|text)))?'),
    chord: ['ctrl', 'x'],
  },
  {
    pattern: pattern(
      'paste(?:\\s+(?:it|that|the\\s+clipboard|from\\s+(?:the\\s+)?clipboard))?(?:\\s+(?:there|here|in|into\\s+it))?',
    ),
    chord: ['ctrl', 'v'],
  },
  { pattern: pattern('undo(?:\\s+(?:it|that|the\\s+last\\s+(?:change|action)))?'), chord: ['ctrl', 'z'] },
  { pattern: pattern('redo(?:\\s+(?:it|that))?'), chord: ['ctrl', 'shift', 'z'] },
  { pattern: pattern('(?:refresh|reload)(?:\\s+(?:it|the\\s+(?:page|tab|site|browser)))?'), chord: ['f5'] },
  {
    pattern: pattern('go\\s+back(?:\\s+(?:one\\s+page|to\\s+the\\s+(?:previous|last)\\s+page|a\\s+page))?'),
    chord: ['alt', 'left'],
  },
  { pattern: pattern('go\\s+forward(?:\\s+(?:one\\s+page|a\\s+page))?'), chord: ['alt', 'right'] },
  { pattern: pattern('(?:open|create)\\s+(?:a\\s+)?new\\s+tab'), chord: ['ctrl', 't'] },
  { pattern: pattern('close\\s+(?:the\\s+|this\\s+)?(?:current\\s+)?tab'), chord: ['ctrl', 'w'] },
  {
    pattern: pattern(
      '(?:open|create|start|make)\\s+(?:a\\s+|another\\s+)?new\\s+(?:file|document|note|window)',
    ),
    chord: ['ctrl', 'n'],
  },
];

/** press · hit · hold keys and chords, and shortcuts by what they do. */
export const readPress: IntentReader = (clause): Intent | null => {
  const named = NAMED.find((row) => row.pattern.test(clause.text));
  if (named !== undefined) return { type: 'press', chords: [named.chord], times: 1, on: null };
  const kept = readHeldKeys(clause);
  if (kept !== null) return kept;
  const found = firstMatch(PRESS, clause.text);
  if (found?.keys === undefined) return null;
  const chords = readChords(clause.meaning(found.keys));
  if (chords === null) return null;
  // "type A" is text, "type Ctrl+A" is a chord.
  if (/^type\b/i.test(clause.text) && chords.every((chord) => chord.length === 1 && chord[0]?.length === 1))
    return null;
  const held = found.held === undefined ? [] : readChords(clause.meaning(found.held))?.flat();
  if (held === undefined) return null;
  const times = numberOf(found.times ?? found.word ?? 'once');
  if (times === null || times < 1 || times > 100 || !Number.isInteger(times)) return null;
  const on = found.on === undefined ? null : readTarget(clause, found.on);
  return { type: 'press', chords: chords.map((chord) => [...held, ...chord]), times, on };
};

/** "Ctrl+Shift+S", "control and s", "Tab, Tab, Enter", "the down arrow" → chords in order. */
export function readChords(text: string): string[][] | null {
  const cleaned = text
    .trim()
    .replace(/\s+(?:together|at\s+the\s+same\s+time|at\s+once|simultaneously)$/i, '')
    .replace(/\s+keys?$/i, '')
    .replace(/^(?:the|a|an)\s+/i, '');
  const chord = readChord(cleaned);
  if (chord !== null) return [chord];
  const parts = cleaned.split(/\s*,\s*(?:and\s+)?(?:then\s+)?|\s+then\s+/i);
  if (parts.length < 2) return null;
  const chords = parts.map((part) => readChord(part.replace(/^(?:the|a|an|and)\s+/i, '')));
  return chords.every((one) => one !== null) ? (chords as string[][]) : null;
}

const SPOKEN: Readonly<Record<string, string>> = {
  'arrow down': 'down',
  'arrow up': 'up',
  'arrow left': 'left',
  'arrow right': 'right',
  'down arrow': 'down',
  'up arrow': 'up',
  'left arrow': 'left',
  'right arrow': 'right',
  'page down': 'page_down',
  'page up': 'page_up',
  'space bar': 'space',
  'back space': 'backspace',
  'caps lock': 'caps_lock',
  'windows key': 'super',
  'print screen': 'print_screen',
};

function readChord(text: string): string[] | null {
  const named =
    SPOKEN[
      text
        .trim()
        .toLowerCase()
        .replace(/\s+key$/, '')
    ];
  if (named !== undefined) return [named];
  const joined = text
    .trim()
    .replace(/\s+(?:and|plus|with)\s+/gi, '+')
    .replace(/(?<=\w)\s*\+\s*(?=\S)/g, '+')
    .replace(/\s+keys?$/i, '');
  // "Ctrl-S" and "Ctrl S" are chords only when they begin with a modifier.
  const dashed = /^(?:ctrl|control|alt|shift|cmd|command|super|win|windows|meta|option)[\s+-]/i.test(joined)
    ? joined.replace(/(?<=[a-z])[\s-]+(?=[^\s+])/gi, '+')
    : joined;
  const keys = parseChord(
    dashed.replace(/page\+(up|down)/gi, 'page_$1').replace(/(up|down|left|right)\+arrow/gi, '$1'),
  );
  if (keys === undefined) return null;
  return keys.map((key) => (keys.length > 1 && key.length === 1 ? key.toLowerCase() : key));
}
