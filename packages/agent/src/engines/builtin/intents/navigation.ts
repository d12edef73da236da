import type { Intent, IntentReader } from '../intent.ts';
import { DOTTED_ATOM, QUOTE, URL_ATOM } from '../text.ts';
import { firstMatch, pattern } from './patterns.ts';

const PLACE = `(?<place>${URL_ATOM}|${DOTTED_ATOM}|${QUOTE})`;
const IN_BROWSER = `(?:\\s+(?:in|with|using|on|from)\\s+(?:the\\s+|a\\s+|my\\s+)?(?:new\\s+|one\\s+|another\\s+|second\\s+|same\\s+)?(?:(?:web\\s+|internet\\s+)?browser|(?:google\\s+)?chrome|chromium|firefox|edge|brave|tab|(?:browser\\s+)?window|(?:new\\s+)?tab))?`;
/** "the page at", "our web shop on", "this address:". */
const THE_PAGE = `(?:(?:the|a|an|this|my|our|following)\\s+)*(?:(?:[\\p{L}-]+\\s+){0,2}(?:web\\s*page|web\\s*site|website|site|page|url|address|link|form|app|application|shop|store|portal|dashboard|list|table|board))?\\s*:?\\s*(?:at\\s+|of\\s+|on\\s+|under\\s+|called\\s+)?(?:the\\s+)?(?:url\\s+|address\\s+)?`;

const GO_TO = [
  pattern(
    `(?:go|navigate|head|browse|surf|jump|move|switch|point(?:\\s+(?:it|the\\s+browser|chrome|chromium))?|get)\\s+(?:over\\s+|back\\s+)?to\\s+${THE_PAGE}${PLACE}${IN_BROWSER}`,
  ),
  pattern(
    `(?:open|visit|load|browse|access|launch|navigate|show|see|pull\\s+up|bring\\s+up|open\\s+up|fetch)\\s+${THE_PAGE}${PLACE}${IN_BROWSER}`,
  ),
  pattern(
    `(?:open|launch|start|use)\\s+(?:the\\s+|a\\s+|my\\s+)?(?:(?:web\\s+|internet\\s+)?browser|(?:google\\s+)?chrome|chromium|firefox|edge|brave)\\s+(?:at|on|with|to|and\\s+go\\s+to)\\s+${THE_PAGE}${PLACE}`,
  ),
  pattern(
    `(?:in|with|using)\\s+(?:the\\s+|a\\s+|my\\s+)?(?:(?:web\\s+|internet\\s+)?browser|(?:google\\s+)?chrome|chromium|firefox|edge|brave),?\\s+(?:open|visit|load|go\\s+to|navigate\\s+to|browse\\s+to)\\s+${THE_PAGE}${PLACE}`,
  ),
  pattern(
    `(?:type|enter|put|paste)\\s+${THE_PAGE}(?<place>${URL_ATOM})\\s+(?:in|into|in\\s+to)\\s+(?:the\\s+)?(?:address|url|location)\\s*(?:bar|field|box)(?:\\s+(?:and\\s+)?(?:press|hit)\\s+(?:enter|return))?`,
  ),
  pattern(`(?<place>${URL_ATOM})`),
];

/** go to · navigate to · open · visit a URL. */
export const readGoTo: IntentReader = (clause): Intent | null => {
  const place = firstMatch(GO_TO, clause.text)?.place;
  if (place === undefined) return null;
  const address = clause.meaning(place);
  // A quoted name is an address only when it looks like one; "open “Notes”" is an application.
  if (
    clause.isQuote(place) &&
    !/^(?:\w+:\/\/|data:|www\.|localhost\b|[\w-]+(?:\.[\w-]+)+(?:[:/]|$))/i.test(address)
  )
    return null;
  if (/\s/.test(address) && !/^data:/i.test(address)) return null;
  // `open notes.txt`: a file's name, not a host's.
  if (!clause.isUrl(place) && FILE_NAME.test(address)) return null;
  return { type: 'go_to', url: withScheme(address) };
};

const FILE_NAME =
  /\.(?:txt|md|csv|tsv|json|pdf|docx?|xlsx?|pptx?|od[tsp]|png|jpe?g|gif|svg|html?|xml|ya?ml|log|py|js|ts|sh|zip|gz|tar|conf|ini|cfg)$/i;

/** Addresses as people write them → URL. Loopback and private hosts rarely speak TLS, public ones always do. */
export function withScheme(address: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address) || /^(?:about|data|mailto|view-source):/i.test(address))
    return address;
  const host = /^[^/:]+/.exec(address)?.[0] ?? '';
  const isLocal =
    host === 'localhost' ||
    /^\d+(?:\.\d+){3}$/.test(host) ||
    /\.(?:local|lan|internal|test|localhost)$/i.test(host);
  return `${isLocal ? 'http' : 'https'}://${address}`;
}
