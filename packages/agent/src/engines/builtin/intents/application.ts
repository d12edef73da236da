import type { Intent, IntentReader } from '../intent.ts';
import { DOTTED_ATOM, PATH_ATOM, QUOTE, URL_ATOM } from '../text.ts';
import { firstMatch, pattern, stripArticle } from './patterns.ts';

const SOMETHING_ELSE =
  /\b(?:menu|link|tab|button|dialog|dropdown|drop-down|message|email|file|folder|row|result|item|option|page|url|website|site)$/i;

const OPEN = [
  pattern(
    `(?:open|launch|start|run|fire|boot|bring)(?:\\s+up)?\\s+(?:up\\s+)?(?:the\\s+|a\\s+|an\\s+|my\\s+)?(?:new\\s+)?(?:app(?:lication)?|program)?\\s*(?:called\\s+|named\\s+)?(?<name>.+?)(?:\\s+(?:app(?:lication)?|program))?(?:\\s+up)?`,
  ),
  pattern(
    `(?:go|switch|head)\\s+(?:in)?to\\s+(?<name>(?:the\\s+)?(?:text editor|terminal|file manager|calculator|browser|web browser|editor))`,
  ),
  pattern(
    `(?:use|start using|get)\\s+(?<name>(?:the\\s+|a\\s+)?(?:text editor|terminal|file manager|calculator|web browser|browser|editor|mousepad|chrome|chromium|firefox))`,
  ),
];

/** open · launch · start an application by its everyday name. */
export const readOpenApplication: IntentReader = (clause): Intent | null => {
  const found = firstMatch(OPEN, clause.text);
  const name = found?.name;
  if (name === undefined) return null;
  const bare = stripArticle(name);
  if (
    bare === '' ||
    clause.isUrl(bare) ||
    clause.isPath(bare) ||
    new RegExp(`^${DOTTED_ATOM}$`, 'u').test(bare)
  )
    return null;
  if (SOMETHING_ELSE.test(bare) || new RegExp(`${URL_ATOM}|${PATH_ATOM}`, 'u').test(bare)) return null;
  const words = bare.split(/\s+/).length;
  if (words > 5 && !new RegExp(QUOTE, 'u').test(bare)) return null;
  if (/^(?:it|that|this|up)$/i.test(bare)) return null;
  // “mousepad et tape “bonjour””: the quote belongs to something nobody reads.
  if (new RegExp(`\\S\\s+\\S.*${QUOTE}`, 'su').test(bare)) return null;
  return { type: 'open_application', name: clause.meaning(bare) };
};

const CLOSE_ALL = [
  pattern(
    `(?:close|quit|exit|shut(?:\\s+down)?)\\s+(?:all|every|each)(?:\\s+of)?\\s+(?:the\\s+|my\\s+)?(?:open\\s+)?(?:windows?|applications?|apps?|programs?)`,
  ),
  pattern(`(?:close|quit)\\s+everything`),
];
const CLOSE = [
  pattern(
    `(?:close|quit|exit|shut(?:\\s+down)?|leave|end)\\s+(?:out\\s+of\\s+|down\\s+)?(?:the\\s+)?(?:current\\s+|active\\s+|this\\s+)?(?:window|application|app|program|it|this|tab)`,
  ),
  pattern(
    `(?:close|quit|exit|shut(?:\\s+down)?)\\s+(?:out\\s+of\\s+|down\\s+)?(?:the\\s+)?(?:window\\s+(?:called|named|titled)\\s+)?(?<title>.+?)(?:['’]s)?(?:\\s+(?:window|application|app|program))?`,
  ),
];

export const readCloseWindow: IntentReader = (clause): Intent | null => {
  if (firstMatch(CLOSE_ALL, clause.text) !== null) return { type: 'close_window', title: null, all: true };
  const found = firstMatch(CLOSE, clause.text);
  if (found === null) return null;
  if (found.title === undefined) return { type: 'close_window', title: null };
  const title = stripArticle(found.title);
  // "Close the File menu", "close the dialog": something inside a window, not a window.
  if (/\b(?:menu|button|dialog|popup|pop-up|banner|notice|message|tab|panel|sidebar)$/i.test(title))
    return null;
  return { type: 'close_window', title: clause.meaning(title) };
};

const FOCUS = [
  pattern(
    `(?:focus(?:\\s+on)?|activate|raise|switch(?:\\s+back)?(?:\\s+over)?\\s+to|go\\s+back\\s+to|return\\s+to|change\\s+to|show|bring\\s+(?:up|forward|to\\s+(?:the\\s+)?front)|select)\\s+(?:the\\s+)?(?:window\\s+(?:called|named|titled|of)?\\s*(?<title>.+)|(?<title2>.+?)(?:['’]s)?\\s+(?:window|application|app|program))`,
  ),
  pattern(
    `(?:switch(?:\\s+back)?(?:\\s+over)?\\s+to|go\\s+back\\s+to|return\\s+to)\\s+(?:the\\s+)?(?<title>.+)`,
  ),
  pattern(
    `bring\\s+(?:the\\s+)?(?<title>.+?)(?:\\s+window)?\\s+(?:to\\s+the\\s+(?:front|foreground)|forward|up)`,
  ),
];

export const readFocusWindow: IntentReader = (clause): Intent | null => {
  const found = firstMatch(FOCUS, clause.text);
  const title = found?.title ?? found?.title2;
  if (title === undefined) return null;
  const bare = stripArticle(title);
  if (bare === '' || clause.isUrl(bare) || /\b(?:tab|field|box|button|page|link|radio|input)$/i.test(bare))
    return null;
  return { type: 'focus_window', title: clause.meaning(bare) };
};
