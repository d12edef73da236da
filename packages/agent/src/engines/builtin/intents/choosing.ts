import type { Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { QUOTE } from '../text.ts';
import { firstMatch, pattern, stripArticle } from './patterns.ts';

const CHOOSE = '(?:choose|select|pick|click(?:\\s+on)?|use|open|set|take|go\\s+to|hit|activate)';

const MENU = [
  pattern(`${CHOOSE}\\s+(?<items>.+?)\\s+(?:from|in|under|on|of)\\s+(?:the\\s+)?(?<menu>.+?)\\s+menu`),
  pattern(`(?:from|in|under|on)\\s+(?:the\\s+)?(?<menu>.+?)\\s+menu,?\\s+${CHOOSE}\\s+(?<items>.+)`),
  pattern(
    `(?:open|click|pull\\s+down)\\s+(?:on\\s+)?(?:the\\s+)?(?<menu>.+?)\\s+menu\\s+(?:and|,)\\s+(?:then\\s+)?(?:choose|select|pick|click)\\s+(?:on\\s+)?(?<items>.+)`,
  ),
  pattern(
    `(?:[\\p{L} ]{2,40}\\s+(?:via|using|through|with|by\\s+(?:choosing|selecting|using))\\s+)?(?:${CHOOSE}\\s+)?(?:the\\s+)?(?:menu\\s+)?(?<path>[^>→|]{1,80}(?:\\s*(?:>|→|->|\\|)\\s*[^>→|]{1,80}){1,5})`,
  ),
];

const OPEN_MENU = /^(?:the|this|that|context|pop-?up|right[- ]click|shortcut|opened|open)$/i;

/** choose Save As from the File menu · File > Save As. */
export const readMenu: IntentReader = (clause): Intent | null => {
  const found = firstMatch(MENU, clause.text);
  if (found === null) return null;
  const parts =
    found.path === undefined
      ? [found.menu ?? '', ...splitPath(found.items ?? '')]
      : splitPath(found.path.replace(/^the\s+/i, ''));
  const path = parts.map((part) =>
    clause.meaning(stripArticle(part).replace(/\s+(?:menu\s+)?(?:item|entry|option|menu|submenu)$/i, '')),
  );
  // `type echo hi > /tmp/a` is no menu.
  if (
    parts.some((part) => clause.isPath(part)) ||
    /^(?:type|write|enter|run|execute|echo|input)\b/i.test(clause.text)
  )
    return null;
  // "Choose Delete from the menu": the one that is open.
  const [menu, ...items] = path;
  const [item] = items;
  if (items.length === 1 && item !== undefined && OPEN_MENU.test(menu ?? ''))
    return {
      type: 'click',
      target: { text: item, phrase: item, quoted: false, role: 'menu_item', ordinal: null, near: null },
      button: 'left',
      clicks: 1,
      modifiers: [],
    };
  if (path.length < 2 || path.some((part) => part === '')) return null;
  // "the drop-down menu" is a select, not a menu bar.
  if (/^(?:drop-?\s?down|select|context|combo)/i.test(path[0] ?? '')) return null;
  return { type: 'choose_menu', path };
};

function splitPath(text: string): string[] {
  return text
    .split(/\s*(?:>|→|->|\||\bthen\b)\s*/i)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const OPTION = [
  pattern(
    `(?:choose|select|pick|set|use)\\s+(?:the\\s+)?(?:option\\s+|value\\s+|entry\\s+|item\\s+)?(?<option>${QUOTE}|.+?)\\s+(?:from|in|for|under|as|on|of|out\\s+of)\\s+(?<from>.+)`,
  ),
  pattern(
    `(?:set|change|switch|turn|put)\\s+(?!back\\b|over\\b)(?<from>.+?)\\s+(?:drop-?\\s?down|select(?:ion)?|combo\\s?box|list|menu|picker|box)?\\s*to\\s+(?<option>.+)`,
  ),
  pattern(`(?:in|from|for|under|on)\\s+(?<from>.+?),?\\s+(?:choose|select|pick)\\s+(?<option>.+)`),
  pattern(`(?:choose|select|pick)\\s+(?:the\\s+)?(?:option|value|entry|choice)\\s+(?<option>.+)`),
  pattern(`(?:choose|select|pick)\\s+(?<option>.+?)(?:\\s+(?:option|choice|value))?`),
];

/** "select the Delete button", "choose the second row": things to click rather than options. */
const OTHER_THING =
  /\b(?:buttons?|links?|tabs?|icons?|radio(?: button)?|check ?box|rows?|cells?|files?|folders?|items?|results?|messages?|emails?|images?|pictures?|text|window|menu|date|heading)$/i;

const KIND_BEFORE_NAME = new RegExp(
  `^(?:radio\\s*(?:button)?|option|check\\s*box|item|entry|value|choice|answer)\\s+(?:labell?ed\\s+|called\\s+|named\\s+|for\\s+)?(?=${QUOTE}|\\p{Lu}|\\d)`,
  'u',
);

/** select "Large" from Size · set Size to Large. */
export const readOption: IntentReader = (clause): Intent | null => {
  const found = firstMatch(OPTION, clause.text);
  if (found?.option === undefined) return null;
  const option = clause.meaning(
    stripArticle(found.option)
      .replace(KIND_BEFORE_NAME, '')
      .replace(/\s+(?:option|choice|value)$/i, ''),
  );
  if (option === '' || (!clause.isQuote(found.option.trim()) && OTHER_THING.test(found.option))) return null;
  if (found.from === undefined) return { type: 'select_option', option, from: null };
  const from = readTarget(clause, found.from);
  if (from === null) return null;
  // Kept open between a drop-down, a list and radio buttons: whatever bears the label on the screen decides.
  const role = from.role === 'field' || from.role === 'menu' || from.role === 'list' ? 'select' : from.role;
  return { type: 'select_option', option, from: { ...from, role: role ?? 'select' } };
};

const CHECK = [
  pattern(
    `(?:check|tick|mark|enable|activate|toggle\\s+on|turn\\s+on|switch\\s+on|put\\s+a\\s+(?:check|tick)(?:\\s?mark)?\\s+(?:in|on|at|into))\\s+(?:off\\s+)?(?<what>.+)`,
  ),
  pattern(`(?:turn|switch)\\s+(?<what>.+?)\\s+on`),
  pattern(
    `(?:accept|agree\\s+(?:to|with))\\s+(?<what>(?:the\\s+)?(?:terms|conditions|policy|privacy|license|licence).*)`,
  ),
];
const UNCHECK = [
  pattern(
    `(?:un-?check|un-?tick|un-?mark|de-?select|disable|deactivate|toggle\\s+off|turn\\s+off|switch\\s+off|clear\\s+the\\s+(?:check|tick)\\s?mark\\s+(?:of|from|in))\\s+(?<what>.+)`,
  ),
  pattern(`(?:turn|switch)\\s+(?<what>.+?)\\s+off`),
  pattern(`remove\\s+the\\s+(?:check|tick)(?:\\s?mark)?\\s+(?:from|of|in)\\s+(?<what>.+)`),
];
/** "check that …", "check whether …", "check the result" are questions, not ticks. */
const QUESTION =
  /^check\s+(?:that|whether|if|for|the\s+(?:result|answer|page|screen|file|title|url|address|text|value))\b/i;
const IS_STATEMENT = /\b(?:is|are|was|has|contains?|shows?|says?|reads?|exists?|appears?|equals?)\b/i;

/** tick · check · untick a box. */
export const readChecked: IntentReader = (clause): Intent | null => {
  const off = firstMatch(UNCHECK, clause.text);
  const on = off === null && !QUESTION.test(clause.text) ? firstMatch(CHECK, clause.text) : null;
  const what = (off ?? on)?.what;
  if (what === undefined || IS_STATEMENT.test(what)) return null;
  // "Mark it as done" is the application's own verb; its box is found by what it is about.
  if (/^mark\b.+\s(?:as|with)\s/i.test(clause.text) || /^check\s*out$/i.test(clause.text)) return null;
  const target = readTarget(clause, what);
  if (target === null || target.role === 'window' || target.near?.target.role === 'menu') return null;
  // In "tick the box" the box is the kind, and "the I agree box" names a box to tick, not to type into.
  const role =
    target.role === null || target.role === 'field' || target.role === 'option' ? 'check_box' : target.role;
  const isBareBox = target.quoted === false && /^(?:box|boxes)$/i.test(target.text ?? '');
  return {
    type: 'set_checked',
    target: { ...target, role, ...(isBareBox ? { text: null } : {}) },
    checked: off === null,
  };
};
