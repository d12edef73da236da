import type { MouseButton } from '@deskhand/protocol';
import type { ClauseText } from '../clause-text.ts';
import type { Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { QUOTE } from '../text.ts';
import { heldFor, LET_GO } from './keys.ts';
import { DURATION, firstMatch, pattern } from './patterns.ts';

const HELD = `(?:\\s*(?:while|,)?\\s*(?:holding|with)\\s+(?:down\\s+)?(?:the\\s+)?(?<held>(?:ctrl|control|shift|alt|cmd|command|super|meta|option)(?:\\s*(?:\\+|and)\\s*(?:ctrl|control|shift|alt|cmd|command|super|meta|option))*)(?:\\s+(?:key|held|pressed)(?:\\s+down)?)?)?`;

/** Things that are opened by clicking their title; never programs. */
const OPENED =
  '(?:message|e?-?mail|thread|conversation|ticket|issue|order|article|post|story|task|record|contact|event|entry|product|book|project|result|link|page|card|note)';

/** "open the ticket “…”", "pay by clicking “Pay”", "delete it with the Delete button". */
const INDIRECT = [
  pattern(
    `[\\p{L}-]+(?:\\s+.+?)?\\s+by\\s+(?:clicking|pressing|tapping|choosing|selecting)\\s+(?:on\\s+)?(?<what>.+)`,
  ),
  pattern(
    `(?:open|view|read|show|select|choose|pick|go\\s+to)\\s+(?:up\\s+)?(?:the\\s+|a\\s+|my\\s+)?${OPENED}\\s+(?:called\\s+|named\\s+|titled\\s+|about\\s+|with\\s+(?:the\\s+)?(?:title|subject|name)\\s+)?(?<what>${QUOTE})`,
  ),
  pattern(
    `[\\p{L}-]+\\s+(?:it|them|this|that)\\s+(?:with|using|via)\\s+(?<what>(?:the\\s+)?.+\\s+(?:button|link|icon))`,
  ),
];

/** Wins over every other reading: the words say themselves that it is a click. */
export const readIndirectClick: IntentReader = (clause): Intent | null => {
  const what = firstMatch(INDIRECT, clause.text)?.what;
  const target = what === undefined ? null : readTarget(clause, what);
  return target === null ? null : { type: 'click', target, button: 'left', clicks: 1, modifiers: [] };
};

const CLICKS: ReadonlyArray<{
  patterns: readonly RegExp[];
  clicks: 1 | 2 | 3;
  button: 'left' | 'right' | 'middle';
}> = [
  {
    patterns: [
      pattern(`(?:double[- ]?(?:click|tap|press))\\s+(?:on\\s+)?(?<what>.+?)${HELD}`),
      pattern(`click\\s+(?:on\\s+)?(?<what>.+?)\\s+(?:twice|two times|2 times|2x)`),
      pattern(`click\\s+(?:twice|two times)\\s+(?:on\\s+)?(?<what>.+)`),
    ],
    clicks: 2,
    button: 'left',
  },
  {
    patterns: [
      pattern(`(?:triple[- ]?click)\\s+(?:on\\s+)?(?<what>.+?)${HELD}`),
      pattern(`click\\s+(?:on\\s+)?(?<what>.+?)\\s+(?:three times|3 times|3x)`),
    ],
    clicks: 3,
    button: 'left',
  },
  {
    patterns: [
      pattern(`(?:right|secondary|context)[- ]?click\\s+(?:on\\s+)?(?<what>.+?)${HELD}`),
      pattern(`click\\s+(?:on\\s+)?(?<what>.+?)\\s+with\\s+the\\s+right(?:\\s+mouse)?\\s+button`),
      pattern(`open\\s+the\\s+context\\s+menu\\s+(?:of|for|on)\\s+(?<what>.+)`),
    ],
    clicks: 1,
    button: 'right',
  },
  {
    patterns: [
      pattern(`(?:middle|wheel)[- ]?click\\s+(?:on\\s+)?(?<what>.+?)${HELD}`),
      pattern(`click\\s+(?:on\\s+)?(?<what>.+?)\\s+with\\s+the\\s+middle(?:\\s+mouse)?\\s+button`),
    ],
    clicks: 1,
    button: 'middle',
  },
  {
    patterns: [
      pattern(
        `(?:(?:left[- ]?)?click|tap|push|hit|activate)\\s+(?:once\\s+)?(?:on\\s+|onto\\s+|at\\s+)?(?<what>.+?)${HELD}`,
      ),
      pattern(
        `(?:press|select|choose|pick|open|follow|expand|collapse|close|dismiss|use|hit|trigger)\\s+(?:on\\s+)?(?<what>(?:the\\s+|a\\s+|an\\s+)?.*\\b(?:button|link|tab|icon|menu|row|result|item|entry|message|mail|email|folder|heading|cell|image|picture|card|product|option|dialog|banner|popup|section|node|tree item)s?(?:\\s+(?:in|of|next to|beside|below|above|under|labell?ed|called|named|that says|for|from|with)\\s+.+)?)`,
      ),
      pattern(`(?:follow|dismiss|expand|collapse|accept|confirm|press)\\s+(?:on\\s+)?(?<what>.+)`),
      pattern(`(?:sign|log)\\s+(?<inout>in|out|off|on)`),
      pattern(
        `(?:submit|send|post|publish)(?:\\s+(?:the\\s+|this\\s+|my\\s+)?(?<form>form|message|it|email|mail|order|request|application|answers?|comment|survey))?`,
      ),
    ],
    clicks: 1,
    button: 'left',
  },
];

const BUTTON =
  '(?:the\\s+)?(?:(?<button>left|right|middle)\\s+)?(?:mouse\\s+)?button\\s+(?:down\\s+)?(?:on|over)\\s+';
const FOR = `\\s+for\\s+(?:about\\s+)?${DURATION}`;
const HOLDS = [
  pattern(
    `(?:press|click|tap|push)\\s+and\\s+hold\\s+(?:down\\s+)?${BUTTON}(?<what>.+?)(?:${FOR})?${LET_GO}`,
  ),
  pattern(`(?:hold|keep)\\s+(?:down\\s+)?${BUTTON}(?<what>.+?)${FOR}${LET_GO}`),
  pattern(
    `(?:press|click|tap|push)\\s+and\\s+hold\\s+(?:down\\s+)?(?:on\\s+)?(?<what>.+?)(?:${FOR})?${LET_GO}`,
  ),
  pattern(`(?:long|deep)[- ]?(?:press|click|tap)\\s+(?:on\\s+)?(?<what>.+?)(?:${FOR})?`),
  pattern(
    `(?:hold|keep)\\s+(?:down\\s+)?(?<what>.+?\\s(?:button|icon|link|key))(?:\\s+(?:pressed|down))*${FOR}${LET_GO}`,
  ),
];
/** What people mean by a long press. */
const LONG_PRESS_MS = 1000;

/** "Press and hold Record for 2 seconds": down and up within one action, so that nothing stays down. */
function readHeld(clause: ClauseText): Intent | null {
  const found = firstMatch(HOLDS, clause.text);
  const heldMs = found?.amount === undefined ? LONG_PRESS_MS : heldFor(clause, found);
  if (found?.what === undefined || heldMs === null) return null;
  const target = readTarget(clause, found.what);
  const button = found.button?.toLowerCase() ?? 'left';
  return target === null
    ? null
    : { type: 'click', target, button: button as MouseButton, clicks: 1, modifiers: [], heldMs };
}

/** click · double-click · right-click by visible text, role or place. */
export const readClick: IntentReader = (clause): Intent | null => {
  const held = readHeld(clause);
  if (held !== null) return held;
  for (const { patterns, clicks, button } of CLICKS) {
    const found = firstMatch(patterns, clause.text);
    if (found === null) continue;
    const phrase = found.what ?? bareVerb(clause.text, found);
    // "Click Next until …" with an end nobody understands is not a click on all of that.
    if (/\s(?:until|till|unless|while)\s/i.test(phrase)) return null;
    const target = readTarget(clause, phrase);
    if (target === null) continue;
    return { type: 'click', target, button, clicks, modifiers: heldKeys(found.held) };
  }
  return null;
};

/** "log in", "submit the form": the button bears the verb itself. */
function bareVerb(text: string, found: Record<string, string | undefined>): string {
  if (found.inout !== undefined) return text;
  return `${/^\S+/.exec(text)?.[0] ?? text} button`;
}

function heldKeys(held: string | undefined): string[] {
  if (held === undefined) return [];
  const names: Readonly<Record<string, string>> = {
    control: 'ctrl',
    cmd: 'super',
    command: 'super',
    meta: 'super',
    option: 'alt',
  };
  return held
    .toLowerCase()
    .split(/\s*(?:\+|and)\s*/)
    .map((key) => names[key] ?? key);
}

const HOVER = [
  pattern(
    `(?:hover(?:\\s+(?:over|on|above))?|point\\s+(?:at|to)|move\\s+(?:the\\s+)?(?:mouse|pointer|cursor)\\s+(?:over|to|onto|on))\\s+(?<what>.+)`,
  ),
  pattern(`mouse\\s+over\\s+(?<what>.+)`),
];

export const readHover: IntentReader = (clause): Intent | null => {
  const what = firstMatch(HOVER, clause.text)?.what;
  const target = what === undefined ? null : readTarget(clause, what);
  return target === null ? null : { type: 'hover', target };
};

const DRAG = [
  pattern(
    `(?:press|click)\\s+and\\s+hold\\s+(?:(?:the\\s+)?(?:left\\s+)?(?:mouse\\s+)?button\\s+(?:down\\s+)?on\\s+)?(?<from>.+?)\\s*,?\\s+(?:(?:and|then)\\s+)*(?:drag|move|pull)\\s+(?:it\\s+|the\\s+(?:mouse|pointer|cursor)\\s+)?(?:to|onto|over|into)\\s+(?<to>.+?)(?:\\s*,?\\s+(?:(?:and|then)\\s+)*(?:release|let|drop)(?:\\s+(?:it|go|of|the|mouse|button|there))*)?`,
  ),
  pattern(
    `(?:drag(?:\\s+and\\s+drop)?|pull)\\s+(?<from>.+?)\\s+(?:and\\s+drop\\s+it\\s+)?(?:to|onto|on|into|over|on\\s+top\\s+of)\\s+(?<to>.+)`,
  ),
];

export const readDrag: IntentReader = (clause): Intent | null => {
  const found = firstMatch(DRAG, clause.text);
  if (found?.from === undefined || found.to === undefined) return null;
  const from = readTarget(clause, found.from);
  const to = readTarget(clause, found.to);
  // "Drag the slider to 70" says a value, not a place.
  if (from !== null && /^-?\d+(?:\.\d+)?\s*%?$/.test(found.to.trim()))
    return { type: 'select_option', option: found.to.trim(), from: { ...from, role: 'slider' } };
  return from === null || to === null ? null : { type: 'drag', from, to };
};
