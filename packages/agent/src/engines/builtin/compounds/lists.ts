import type { ClauseText } from '../clause-text.ts';
import type { Intent } from '../intent.ts';
import { firstMatch, NUMBER, numberOf, pattern } from '../intents/patterns.ts';
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
  const items = itemsOf(clause, found.items);
  return items.length < 2 ? null : typed(items, found.application);
};

function itemsOf(clause: ClauseText, list: string): readonly string[] {
  return list
    .split(/\s*,\s*(?:and\s+)?|\s+and\s+/)
    .map((item) => clause.meaning(item.trim()))
    .filter((item) => item !== '');
}

/** Each on a line of its own. */
function typed(items: readonly string[], application: string | undefined): readonly Intent[] {
  const text = { type: 'literal', text: items.join('\n') } as const;
  const typing: Intent = { type: 'type_text', text, into: null, submit: false, mode: 'append' };
  return application === undefined ? [typing] : [FOCUS(application), typing];
}

const LINES = [
  pattern(
    `(?:write|type|enter|add|put)\\s+(?:down\\s+|in\\s+)?(?:these\\s+|the\\s+following\\s+)?(?<count>${NUMBER})\\s+(?:separate\\s+|different\\s+)?lines\\s*(?::|-|–|—)\\s*(?<items>.+?)(?:\\s+(?:in|into|using|with)\\s+${AN_APPLICATION})?`,
  ),
];

/** "Type three lines: one, two and three": as many as were announced, else the words are a text. */
export const readWrittenLines: CompoundReader = (clause) => {
  const found = firstMatch(LINES, clause.text);
  if (found?.items === undefined || found.count === undefined) return null;
  const items = itemsOf(clause, found.items);
  if (items.length < 2 || items.length !== numberOf(found.count)) return null;
  return typed(items, found.application);
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
