import type { Intent, IntentReader } from '../intent.ts';
import { readTarget } from '../target.ts';
import { DOTTED_ATOM, PATH_ATOM, QUOTE } from '../text.ts';
import { firstMatch, pattern } from './patterns.ts';

const PLACE = `(?<path>${PATH_ATOM}|${QUOTE}|${DOTTED_ATOM})`;
const THING =
  '(?:(?:it|this|that|the\\s+(?:file|document|text|note|page|work|result|content|contents|changes?)|(?:the\\s+)?(?:file|document))\\s+)?';
const OVERWRITE =
  '(?<overwrite>,?\\s*(?:and\\s+)?(?:overwrit(?:e|ing)|replac(?:e|ing))(?:\\s+(?:it|any|the|an)?\\s*(?:existing|old)?\\s*(?:files?|one|version)?)?(?:\\s+(?:if|when)\\s+.+)?)?';

const SAVE_AS = [
  pattern(
    `(?:save|store|write|export|keep)\\s+${THING}(?:as|to|under|in|into|at|with\\s+the\\s+name)\\s+(?:the\\s+)?(?:file\\s+|path\\s+|name\\s+)?(?:called\\s+|named\\s+)?${PLACE}${OVERWRITE}`,
  ),
  pattern(
    `(?:save|store|write|export)\\s+${THING}as\\s+(?:a\\s+)?file\\s+(?:called|named|at)\\s+${PLACE}${OVERWRITE}`,
  ),
  pattern(`save\\s+${THING}(?:under\\s+the\\s+name|using\\s+the\\s+name)\\s+${PLACE}${OVERWRITE}`),
];
const SAVE = [
  pattern(
    `save(?:\\s+(?:it|this|the\\s+(?:file|document|changes|work|note)|your\\s+work|my\\s+changes|changes))?(?:\\s+again)?`,
  ),
];

const UPLOAD = [
  pattern(
    `(?:upload|attach|add|choose|select|pick|use)\\s+(?:the\\s+|my\\s+|this\\s+)?(?:file\\s+|document\\s+|picture\\s+|image\\s+|photo\\s+)?(?<path>${PATH_ATOM})(?:\\s+(?:to|into|in|as|for|using|with|on|from)\\s+(?<into>.+))?`,
  ),
  pattern(
    `(?:upload|attach)\\s+(?:the\\s+|my\\s+|this\\s+)?(?:file\\s+|document\\s+|picture\\s+|image\\s+|photo\\s+)?(?<path>${QUOTE})(?:\\s+(?:to|into|in|as|for|using|with|on|from)\\s+(?<into>.+))?`,
  ),
];

/** upload /tmp/cv.txt, also into a named file field. */
export const readUpload: IntentReader = (clause): Intent | null => {
  const found = firstMatch(UPLOAD, clause.text);
  if (found?.path === undefined) return null;
  const named =
    found.into === undefined || /\b(?:page|form|site|message|e-?mail|post|comment)$/i.test(found.into)
      ? null
      : readTarget(clause, found.into);
  const into = named === null ? null : { ...named, role: 'button' as const };
  return { type: 'upload_file', path: clause.meaning(found.path), into };
};

/** save it as /tmp/x.txt. */
export const readSave: IntentReader = (clause): Intent | null => {
  const found = firstMatch(SAVE_AS, clause.text);
  if (found?.path !== undefined)
    return { type: 'save_as', path: clause.meaning(found.path), overwrite: found.overwrite !== undefined };
  return firstMatch(SAVE, clause.text) === null ? null : { type: 'save' };
};
