/**
 * Text that a model or a web page wrote is hostile: it may hide, reorder or flood. What leaves here is
 * plain, visible, bounded, and shows in the order it is stored. Rendering still goes through text nodes only.
 */

/**
 * Characters that take no room: marks that reorder text (a sentence then reads differently from what it says),
 * joiners, tags and fillers that hide words or split the ones a person searches for. The emoji and text
 * presentation selectors stay: without them symbols change their look.
 */
const invisible = /[[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]--[\ufe0e\ufe0f]]/gv;
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu;
const anySpace = /[\s\u2028\u2029]+/gu;
const lineBreaks = /\r\n?|[\u2028\u2029\u0085]/gu;
const loneSurrogates = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** Stacked marks climb over the lines above; three are enough for every living script. */
const markPile = /(\p{M}{3})\p{M}+/gu;

/**
 * One line of text.
 * @param maxCharacters code points; longer text ends in "…", which counts.
 */
export function inertLine(text: string, maxCharacters: number): string {
  return clamp(strip(beforeWork(text, maxCharacters)).replace(anySpace, ' ').trim(), maxCharacters);
}

/** As {@link inertLine}, but keeps line breaks, at most two in a row. */
export function inertText(text: string, maxCharacters: number): string {
  const lines = strip(beforeWork(text, maxCharacters).replace(lineBreaks, '\n'))
    .replace(/[^\S\n]+/gu, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n');
  return clamp(lines.trim(), maxCharacters);
}

/** Cuts before the expensive part: no message may cost more than a few times what is shown of it. */
function beforeWork(text: string, maxCharacters: number): string {
  return text.slice(0, maxCharacters * 8 + 64);
}

function strip(text: string): string {
  return text
    .replace(loneSurrogates, '\ufffd')
    .replace(invisible, '')
    .replace(controls, '')
    .replace(markPile, '$1');
}

function clamp(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const characters = [...text];
  if (characters.length <= maxCharacters) return text;
  return `${characters
    .slice(0, maxCharacters - 1)
    .join('')
    .trimEnd()}…`;
}
