import { centerOf, contains, type Observation, type Rect, type ScreenElement } from '@deskhand/protocol';
import { candidatesFor } from './grounding.ts';
import type { Counted } from './intent.ts';
import { fitsHint, isInteractive, isProtected } from './roles.ts';
import { rowsOf } from './rows.ts';
import { containsText, fold, foldLabel, likeness } from './wording.ts';

/** One thing that can be counted, with what is written in it. */
type Thing = Readonly<{ bounds: Rect; texts: readonly string[]; elements: readonly ScreenElement[] }>;

export type Count = Readonly<
  | {
      type: 'counted';
      count: number;
      /** Set when there may be more than the screen shows now: why. */
      more: string | null;
    }
  | { type: 'not_countable'; reason: string }
>;

/** Names of controls that bring more of the same. */
const PAGERS =
  /^(?:(?:go\s+to\s+)?(?:the\s+)?next(?:\s+page)?|next\s*[›»→>]+|[›»→>]+|older(?:\s+\S+)?|(?:load|show|see|view)\s+(?:more|all)(?:\s+\S+){0,2}|more\s+(?:results|items|rows|entries))$/i;
/** "Page 1 of 2", "1–5 of 8". */
const PART_OF = /\b(?:page\s+(\d+)\s+of\s+(\d+)|(\d+)\s*[-–—]\s*(\d+)\s+of\s+(\d+))\b/i;

/**
 * How many of something there are, by what accessibility or the page tells: never by what was read from pixels. Where
 * they do not say whether a thing is one of those, it is not counted by halves.
 */
export function countIn(observation: Observation, what: Counted): Count {
  const told = { ...observation, elements: observation.elements.filter(({ source }) => source !== 'ocr') };
  const things = thingsOf(told, what);
  if (typeof things === 'string') return { type: 'not_countable', reason: things };
  const { that } = what;
  // “Open” in a cell of its own is what tells; in a title it is a word like any other.
  const said =
    that?.type === 'word' && things.some((thing) => thing.texts.some((text) => isWhole(text, that.text)));
  const fitting = things.filter((thing) =>
    said ? thing.texts.some((text) => isWhole(text, that.text)) : that === null || fits(thing, that, told),
  );
  if (fitting.length === 0 && that?.type === 'word')
    return { type: 'not_countable', reason: `none of the ${things.length} there says “${that.text}”` };
  if (that?.type === 'column' && columnOf(told, that.label) === null)
    return { type: 'not_countable', reason: `there is no column called “${that.label}”` };
  return {
    type: 'counted',
    count: fitting.length,
    more: what.scope === 'sight' ? null : moreThan(told, what.scope),
  };
}

/** Why there may be more than is in sight; null when there is certainly not. */
function moreThan({ elements, page, sources }: Observation, scope: 'all' | 'page'): string | null {
  const pages = scope === 'all' ? morePages(elements) : null;
  if (pages !== null) return pages;
  if (page === null || !sources.includes('dom'))
    return 'the application does not tell whether there is more to scroll to';
  return page.allShown === true ? null : 'there is more to scroll to';
}

function morePages(elements: readonly ScreenElement[]): string | null {
  const pager = elements.find(
    (element) =>
      isInteractive(element) && !element.states.includes('disabled') && PAGERS.test(element.name.trim()),
  );
  if (pager !== undefined) return `there is “${pager.name.trim()}”`;
  for (const { name } of elements) {
    const [all, page, pages, , last, total] = PART_OF.exec(name.slice(0, 200)) ?? [];
    if (all !== undefined && (page === undefined ? last !== total : page !== pages))
      return `it says “${all}”`;
  }
  return null;
}

function thingsOf(observation: Observation, { role, words, inside }: Counted): readonly Thing[] | string {
  const place = inside === null ? null : placeOf(observation, inside);
  if (place === undefined) return `nothing called “${inside}” is on the screen`;
  const within = (bounds: Rect) => place === null || contains(place, centerOf(bounds));
  const rows = () =>
    tableRows(observation)
      .filter(({ bounds }) => within(bounds))
      .map(({ bounds }) => thingIn(bounds, observation));
  const ofKind = (fitting: (element: ScreenElement) => boolean) =>
    onePerPlace(observation.elements.filter((element) => fitting(element) && within(element.bounds))).map(
      (element): Thing => ({ bounds: element.bounds, texts: textsOf(element), elements: [element] }),
    );
  const items = () => ofKind(({ role, name }) => role === 'list_item' && name.trim() !== '');
  if (role === 'row') {
    const found = rows();
    return found.length > 0 || hasTable(observation) ? found : 'there is no table on the screen';
  }
  if (role === null || role === 'list_item') {
    const [inTable, inList] = [rows(), items()];
    if (role === 'list_item' && inList.length > 0) return inList;
    if (inTable.length > 0 && inList.length > 0)
      return `there are both rows of a table and items of a list; say which ones are “${words}”`;
    if (inTable.length === 0 && inList.length === 0)
      return `there are neither rows of a table nor items of a list that could be “${words}”`;
    return inTable.length > 0 ? inTable : inList;
  }
  return ofKind(
    (element) => fitsHint(element, role) && (role === 'field' || !isSilentHeading(element, role)),
  );
}

/** A column's heading is no headline. */
function isSilentHeading({ role }: ScreenElement, wanted: Counted['role']): boolean {
  return wanted === 'heading' && role === 'column_header';
}

/** Items of a list are rows to a person who clicks in one, not to one who counts them. */
function tableRows(observation: Observation): ReadonlyArray<{ bounds: Rect }> {
  const hasCells = observation.elements.some(({ role }) => /(?:^|_)cell$/.test(role));
  return hasCells
    ? rowsOf(observation)
    : observation.elements.filter(({ role }) => /^(?:table_)?row$/.test(role));
}

function hasTable({ elements }: Observation): boolean {
  return elements.some(({ role }) => role === 'table' || role === 'column_header');
}

/** The same thing told by the page and by accessibility counts once. */
function onePerPlace(elements: readonly ScreenElement[]): readonly ScreenElement[] {
  const inPage = elements.filter(({ source }) => source === 'dom');
  return inPage.length > 0 ? inPage : elements;
}

function placeOf(observation: Observation, name: string): Rect | undefined {
  const target = { text: name, phrase: null, quoted: true, role: null, ordinal: null, near: null } as const;
  const holder = candidatesFor(target, observation, 'read').find(
    ({ element, score }) =>
      score >= 0.8 && /^(?:list|table|group|form|landmark|panel|menu)$/.test(element.role),
  );
  return holder?.element.bounds;
}

function thingIn(bounds: Rect, { elements }: Observation): Thing {
  const inside = elements.filter((element) => contains(bounds, centerOf(element.bounds)));
  return { bounds, texts: inside.flatMap(textsOf), elements: inside };
}

function textsOf(element: ScreenElement): string[] {
  if (isProtected(element)) return [];
  return [element.name, element.value ?? ''].map((text) => text.trim()).filter((text) => text !== '');
}

function fits(thing: Thing, that: NonNullable<Counted['that']>, observation: Observation): boolean {
  switch (that.type) {
    case 'text':
      return thing.texts.some((text) => containsText(text, that.text)) !== that.not;
    case 'name':
      return thing.texts.some((text) => likeness(that.text, text) >= 0.9 || startsWithWord(text, that.text));
    case 'word':
      return thing.texts.some((text) => isSaidIn(text, that.text));
    case 'state':
      return thing.elements.some(({ role, states }) => {
        if (that.state === 'enabled') return states.includes(that.expected ? 'enabled' : 'disabled');
        const takes = /check|radio|switch|toggle|item|option|row/.test(role);
        const on = states.some((state) => /^(?:checked|pressed|selected)$/.test(state));
        return takes && on === that.expected;
      });
    case 'column': {
      const column = columnOf(observation, that.label);
      if (column === null) return false;
      const cell = thing.elements.find(
        ({ role, bounds }) =>
          /(?:^|_)cell$/.test(role) && centerOf(bounds).x >= column.x - 4 && bounds.x < column.right,
      );
      return cell !== undefined && (foldLabel(cell.name) === foldLabel(that.text)) !== that.not;
    }
  }
}

/** From its heading to the next one. */
function columnOf({ elements }: Observation, label: string): { x: number; right: number } | null {
  const headings = elements.filter(({ role }) => role === 'column_header');
  const heading = headings.find(({ name }) => foldLabel(name) === foldLabel(label));
  if (heading === undefined) return null;
  const next = headings
    .map(({ bounds }) => bounds.x)
    .filter((x) => x > heading.bounds.x + 4)
    .sort((a, b) => a - b)[0];
  return { x: heading.bounds.x, right: next ?? Number.POSITIVE_INFINITY };
}

function startsWithWord(text: string, word: string): boolean {
  return new RegExp(`^${escaped(fold(word))}\\b`, 'u').test(fold(text));
}

/** The word itself, and not its opposite: “inactive”, “not paid” and “no longer open” say no. */
function isSaidIn(text: string, word: string): boolean {
  const found = new RegExp(
    `(?<before>\\S+\\s+)?(?<![\\p{L}\\p{N}-])${escaped(fold(word))}(?![\\p{L}\\p{N}])`,
    'u',
  ).exec(fold(text));
  return found !== null && !/^(?:not|no|never|longer|isn't|un|non)\s*$/.test(found.groups?.before ?? '');
}

function isWhole(text: string, word: string): boolean {
  return foldLabel(text) === foldLabel(word);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
