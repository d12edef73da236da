import type { Intent } from '../intent.ts';
import { firstMatch, pattern } from '../intents/patterns.ts';
import { AN_APPLICATION, APPLICATION, type CompoundReader, FOCUS } from './compound.ts';

const OWN_LINE =
  '(?:,?\\s*(?:-|–|—)?\\s*(?:each|every\\s+(?:item|one))\\s+(?:on|in)\\s+(?:its|a|an)\\s+(?:own|new|separate)\\s+line|,?\\s*(?:-|–|—)?\\s*one\\s+(?:per|on\\s+each)\\s+line)';
const LIST = [
  pattern(
    `(?:write|type|make|create)\\s+(?:me\\s+|us\\s+)?(?:an?|the|my|this)\\s+(?:[\\p{L}-]+\\s+){0,3}list\\s+(?:(?:in|into|using|with)\\s+${AN_APPLICATION}\\s*)?(?:-|–|—|:|of|with|containing)\\s*:?\\s*(?<items>.+?)${OWN_LINE}(?:\\s*(?:-|–|—))?`,
  ),
];

/** "Write a shopping list in the text editor: milk, eggs and bread, each on its own line". */
export const readWrittenList: CompoundReader = (clause) => {
  const found = firstMatch(LIST, clause.text);
  if (found?.items === undefined) return null;
  const items = found.items
    .split(/\s*,\s*(?:and\s+)?|\s+and\s+/)
    .map((item) => clause.meaning(item.trim()))
    .filter((item) => item !== '');
  if (items.length < 2) return null;
  const typing: Intent = {
    type: 'type_text',
    text: { type: 'literal', text: items.join('\n') },
    into: null,
    submit: false,
    mode: 'append',
  };
  return found.application === undefined ? [typing] : [FOCUS(found.application), typing];
};

const SEVERAL = [
  pattern(
    `(?:open|launch|start)\\s+(?:up\\s+)?(?<all>(?:(?:the|a|an|my)\\s+)?${APPLICATION}(?:\\s*,\\s*(?:(?:the|a|an|my)\\s+)?${APPLICATION})*\\s*,?\\s+and\\s+(?:also\\s+)?(?:(?:the|a|an|my)\\s+)?${APPLICATION})`,
  ),
];

/** "Open the text editor and the terminal". */
export const readOpenSeveral: CompoundReader = (clause) => {
  const all = firstMatch(SEVERAL, clause.text)?.all;
  if (all === undefined) return null;
  return all.split(/\s*,\s*(?:and\s+)?(?:also\s+)?|\s+and\s+(?:also\s+)?/).map((name) => ({
    type: 'open_application',
    name: name.replace(/^(?:the|a|an|my)\s+/i, ''),
  }));
};
