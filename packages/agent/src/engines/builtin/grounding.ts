import {
  centerOf,
  contains,
  intersection,
  type Observation,
  type Point,
  type Rect,
  type ScreenElement,
} from '@deskhand/protocol';
import { labelLikeness } from './labels.ts';
import { ocrPhrases } from './ocr-phrases.ts';
import { fitsHint, isContainer, isEditable, isInteractive, type RoleHint } from './roles.ts';
import type { Relation, Target } from './target.ts';
import { fold, likeness } from './wording.ts';

/** What the step will do with the target; decides which of two equally named things is meant. */
export type Purpose = 'point' | 'type' | 'tick' | 'choose' | 'read';

/** One element that may be meant. */
export type Candidate = Readonly<{
  element: ScreenElement;
  /** Visible part, frame pixels. */
  visible: Rect | null;
  /** 0…1. */
  score: number;
}>;

export type Grounding = Readonly<
  | { type: 'found'; candidate: Candidate }
  | { type: 'ambiguous'; candidates: readonly Candidate[] }
  | { type: 'offscreen'; candidate: Candidate }
  | { type: 'missing'; nearest: readonly Candidate[] }
>;

/** Below this nothing is clicked. */
const GOOD_ENOUGH = 0.5;
/** Closer than this, two candidates are equally good and a person decides. */
const TIE = 0.04;
/** Something further down the page that is better by this much is what was meant, whatever else is in sight. */
const CLEARLY_BETTER = 0.2;
/** With a place given ("the second …") all of these count. */
const SAME_KIND = 0.2;

/** Finds what a phrase means among everything that has a name on the screen. Pure and deterministic. */
export function ground(target: Target, observation: Observation, purpose: Purpose): Grounding {
  const all = candidatesFor(target, observation, purpose);
  const good = pageFirst(
    target,
    observation,
    all.filter(({ score }) => score >= GOOD_ENOUGH),
  );
  const shown = good.filter(({ visible }) => visible !== null);
  if (shown.length === 0) {
    const hidden = good[0];
    if (hidden !== undefined) return { type: 'offscreen', candidate: hidden };
    return { type: 'missing', nearest: all.slice(0, 3) };
  }
  const top = shown[0] as Candidate;
  if (target.ordinal !== null) {
    const kind = readingOrder(good.filter(({ score }) => score >= top.score - SAME_KIND));
    const chosen = kind.at(target.ordinal > 0 ? target.ordinal - 1 : target.ordinal);
    if (chosen === undefined) return { type: 'missing', nearest: kind.slice(0, 3) };
    return chosen.visible === null
      ? { type: 'offscreen', candidate: chosen }
      : { type: 'found', candidate: chosen };
  }
  const away = good.find(({ element, visible }) => visible === null && !element.states.includes('hidden'));
  if (away !== undefined && away.score - top.score > CLEARLY_BETTER)
    return { type: 'offscreen', candidate: away };
  const ties = shown.filter(({ score }) => score >= top.score - TIE);
  return ties.length === 1
    ? { type: 'found', candidate: top }
    : { type: 'ambiguous', candidates: readingOrder(ties) };
}

/**
 * "The second button" of a browser that shows a page counts the page's; the browser's own tabs and buttons only
 * where the page has nothing of the kind, or where the name is exactly that of one of them and of nothing in the page.
 */
function pageFirst(
  target: Target,
  observation: Observation,
  good: readonly Candidate[],
): readonly Candidate[] {
  if (observation.page === null || (target.text !== null && target.ordinal === null)) return good;
  const active = observation.activeWindowId;
  const inPage = good.filter(
    ({ element: { source, windowId } }) =>
      source === 'dom' && (windowId === undefined || windowId === active),
  );
  if (inPage.length === 0) return good;
  const isExact = ({ element }: Candidate) => isCalled(element, target.text);
  const onlyAround = good.some(isExact) && !inPage.some(isExact);
  return onlyAround ? good : inPage;
}

/** All elements with any likeness, best first; things that lie over each other count once. */
export function candidatesFor(target: Target, observation: Observation, purpose: Purpose): Candidate[] {
  const frame = frameRect(observation);
  const place = target.near === null ? null : placeOf(target.near, observation);
  const pool = poolFor(target, observation);
  const page = pageArea(observation);
  const scored: Candidate[] = [];
  for (const element of pool) {
    const score = scoreOf(element, target, observation, purpose) * (isAroundPage(element, page) ? 0.9 : 1);
    if (score <= 0.2) continue;
    const nearness = place === null || isCalled(element, target.phrase) ? 1 : nearnessOf(element, place);
    if (nearness === 0) continue;
    scored.push({ element, visible: visiblePart(element, frame), score: score * nearness });
  }
  scored.sort(byQuality);
  return withoutDoubles(scored).sort((a, b) => b.score - a.score);
}

/** Where to click: the middle of what is visible. Frame pixels. */
export function pointOf(candidate: Candidate): Point {
  const { x, y } = centerOf(candidate.visible ?? candidate.element.bounds);
  return { x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10 };
}

function poolFor(target: Target, observation: Observation): readonly ScreenElement[] {
  const tree = withoutTwins(observation.elements.filter(({ source }) => source !== 'ocr'));
  const texts = [target.text, target.phrase].filter((text) => text !== null);
  const words = texts.length === 0 ? [] : texts.flatMap((text) => ocrPhrases(observation.elements, text));
  return [...tree, ...words];
}

/**
 * The browser tells of its page twice: the page itself, exact and current, and the accessibility tree, which may
 * lag behind a scroll. Where the page has something of the same name and kind, the tree's version is left out.
 */
function withoutTwins(elements: readonly ScreenElement[]): readonly ScreenElement[] {
  const key = ({ role, name }: ScreenElement) => `${role} ${fold(name)}`;
  const inPage = new Set(elements.filter(({ source }) => source === 'dom').map(key));
  if (inPage.size === 0) return elements;
  return elements.filter((element) => element.source === 'dom' || !inPage.has(key(element)));
}

function scoreOf(element: ScreenElement, target: Target, observation: Observation, purpose: Purpose): number {
  if (element.bounds.width <= 0 || element.bounds.height <= 0) return 0;
  const byName = nameScore(element, target, observation);
  if (byName === 0) return 0;
  return (
    byName *
    windowFactor(element, observation) *
    stateFactor(element) *
    purposeFactor(element, target, purpose)
  );
}

/** How well the name, and the kind where one was asked for, answer to the target. */
function nameScore(element: ScreenElement, target: Target, observation: Observation): number {
  if (target.text === null) {
    if (target.role === null || !fitsHint(element, target.role)) return 0;
    return target.role === 'field' && element.states.includes('focused') ? 0.95 : 0.85;
  }
  if (target.phrase !== target.text && isCalled(element, target.phrase)) return 1;
  const named = namesLikeness(element, target.text);
  const labelled = named < 0.95 ? labelLikeness(element, target.text, observation.elements) : 0;
  // A single word of what was asked for, read from the picture, is part of something else.
  const isFragment = element.source === 'ocr' && wordsIn(element.name) < wordsIn(target.text);
  return Math.max(named, labelled) * roleFactor(element, target.role) * (isFragment ? 0.6 : 1);
}

const wordsIn = (text: string) => text.trim().split(/\s+/).length;

/** "Remove from list" may be the whole name of a link rather than a thing in a list. */
function isCalled(element: ScreenElement, phrase: string | null): boolean {
  return phrase !== null && likeness(phrase, element.name) >= 0.97;
}

function namesLikeness(element: ScreenElement, text: string): number {
  const described = element.description === undefined ? 0 : 0.92 * likeness(text, element.description);
  // A button's face may be its value; a field's value is its content and names nothing.
  const value = element.value === undefined || isEditable(element) ? 0 : 0.9 * likeness(text, element.value);
  return Math.max(likeness(text, element.name), described, value);
}

function roleFactor(element: ScreenElement, hint: RoleHint | null): number {
  if (hint === null) return 1;
  if (fitsHint(element, hint)) return 1;
  if (element.source === 'ocr') return 0.85;
  return isInteractive(element) ? 0.72 : 0.6;
}

/** Elements of the window a person looks at come first. */
function windowFactor(element: ScreenElement, observation: Observation): number {
  const active = observation.activeWindowId;
  if (active === null || element.windowId === undefined || element.windowId === active) return 1;
  return 0.85;
}

/** Where the browser in front shows its page, with the window it belongs to; null when there is none. */
function pageArea({ page, elements, activeWindowId }: Observation): ScreenElement | null {
  if (page === null) return null;
  const documents = elements.filter(
    ({ source, role, windowId }) =>
      source === 'accessibility' && role === 'document' && (windowId ?? activeWindowId) === activeWindowId,
  );
  return documents.reduce<ScreenElement | null>(
    (largest, element) =>
      largest === null || areaOf(element.bounds) > areaOf(largest.bounds) ? element : largest,
    null,
  );
}

/** A box of the browser's own (“127.0.0.1 says …”): while it stands, the page tells nothing. */
export function isBrowsersBox({ element }: Candidate, { page, elements }: Observation): boolean {
  if (page === null || element.source !== 'accessibility' || !fitsHint(element, 'button')) return false;
  const isSilent = !elements.some(({ source }) => source === 'dom');
  const center = centerOf(element.bounds);
  return (
    isSilent &&
    elements.some(({ role, bounds }) => /^(?:dialog|alert)/.test(role) && contains(bounds, center))
  );
}

/** The browser's own tabs and buttons: a link “Back” of the page is meant before the browser's “Back”. */
function isAroundPage(element: ScreenElement, page: ScreenElement | null): boolean {
  if (page === null || element.source !== 'accessibility' || element.windowId !== page.windowId) return false;
  return (
    !contains(page.bounds, centerOf(element.bounds)) && intersection(page.bounds, element.bounds) === null
  );
}

function stateFactor(element: ScreenElement): number {
  const disabled =
    element.states.includes('disabled') ||
    (element.source === 'accessibility' && isInteractive(element) && !element.states.includes('enabled'));
  return disabled ? 0.8 : 1;
}

function purposeFactor(element: ScreenElement, target: Target, purpose: Purpose): number {
  if (element.source === 'ocr') return 0.9;
  switch (purpose) {
    case 'type':
      return isEditable(element) ? 1 : element.role === 'combo_box' ? 0.9 : 0.5;
    case 'tick':
      return fitsHint(element, 'check_box') || fitsHint(element, 'radio') ? 1 : 0.8;
    case 'choose':
      return fitsHint(element, 'select') || fitsHint(element, 'radio') ? 1 : 0.75;
    case 'read':
      return isContainer(element) ? 0.8 : 1;
    case 'point':
      if (isInteractive(element)) return 1;
      if (target.role !== null && fitsHint(element, target.role)) return 1;
      return isContainer(element) ? 0.65 : 0.88;
  }
}

/** The screen space a "next to …", "in the row of …" leaves. */
type Place = Readonly<{ relation: Relation; bounds: readonly Rect[] }>;

const PART_OF_PAGE =
  /^(?:main |top |bottom |site |page )?(?:nav(?:igation)?(?: ?bar| menu)?|header|footer|sidebar|side bar|toolbar|menu ?bar)$/i;

function placeOf(near: NonNullable<Target['near']>, observation: Observation): Place | null {
  const anchors = candidatesFor(near.target, observation, 'read').filter(
    ({ score, visible }) => score >= GOOD_ENOUGH && visible !== null,
  );
  const best = anchors[0];
  // A kind that is in no list ("in the dialog") cannot narrow the search; a name that is missing leaves nothing.
  const isKind = near.target.text === null || (!near.target.quoted && PART_OF_PAGE.test(near.target.text));
  if (best === undefined) return isKind ? null : { relation: near.relation, bounds: [] };
  const kept = anchors.filter(({ score }) => score >= best.score - TIE);
  const rows = observation.elements.filter(
    (element) => fitsHint(element, 'row') && element.role.includes('row'),
  );
  const bounds = kept.map(({ element }) => {
    if (near.relation !== 'row') return element.bounds;
    const row = rows
      .filter((candidate) => contains(candidate.bounds, centerOf(element.bounds)))
      .sort((a, b) => a.bounds.height - b.bounds.height)[0];
    return row?.bounds ?? element.bounds;
  });
  return { relation: near.relation, bounds };
}

/** 0 = outside the place, up to 1 = in the middle of it. */
function nearnessOf(element: ScreenElement, place: Place): number {
  let best = 0;
  const center = centerOf(element.bounds);
  for (const bounds of place.bounds) {
    const anchor = centerOf(bounds);
    const sameRow = Math.abs(center.y - anchor.y) <= Math.max(bounds.height, element.bounds.height) * 0.6;
    const away = Math.hypot(center.x - anchor.x, center.y - anchor.y);
    const isAnchor = away < 2 && Math.abs(bounds.width - element.bounds.width) < 2;
    switch (place.relation) {
      case 'in':
        if (contains(bounds, center) && !isAnchor) best = Math.max(best, 1);
        break;
      case 'row':
        if (sameRow) best = Math.max(best, 1);
        break;
      case 'beside':
        if (!isAnchor && away < 600) best = Math.max(best, sameRow ? 1 - away / 4000 : 0.85 - away / 1000);
        break;
      case 'below':
        if (center.y > bounds.y + bounds.height) best = Math.max(best, 1 - away / 2000);
        break;
      case 'above':
        if (center.y < bounds.y) best = Math.max(best, 1 - away / 2000);
        break;
    }
  }
  return best;
}

function frameRect(observation: Observation): Rect | null {
  const image = observation.frame?.geometry.image;
  return image === undefined ? null : { x: 0, y: 0, width: image.width, height: image.height };
}

/** The part inside the picture; null when less than a clickable sliver is. */
function visiblePart(element: ScreenElement, frame: Rect | null): Rect | null {
  if (element.states.includes('offscreen') || element.states.includes('hidden')) return null;
  if (frame === null) return element.bounds;
  const part = intersection(element.bounds, frame);
  return part === null || part.width < 2 || part.height < 2 ? null : part;
}

function byQuality(a: Candidate, b: Candidate): number {
  if (a.score !== b.score) return b.score - a.score;
  const rank = (candidate: Candidate) => ['dom', 'accessibility', 'ocr'].indexOf(candidate.element.source);
  return rank(a) - rank(b) || areaOf(a.element.bounds) - areaOf(b.element.bounds);
}

/**
 * The same thing seen twice (by two sources, or a link inside its list item) is one candidate: of two whose
 * middles lie in each other's reach, the better one stays.
 */
function withoutDoubles(sorted: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of sorted) if (!kept.some((other) => sameSpot(other, candidate))) kept.push(candidate);
  return kept;
}

function sameSpot(a: Candidate, b: Candidate): boolean {
  const shared = intersection(a.element.bounds, b.element.bounds);
  if (shared === null) return false;
  const smaller = Math.min(areaOf(a.element.bounds), areaOf(b.element.bounds));
  if (areaOf(shared) < 0.7 * smaller) return false;
  // Two things of the same source that merely nest and have different names are two things.
  const nested = areaOf(shared) < 0.7 * Math.max(areaOf(a.element.bounds), areaOf(b.element.bounds));
  if (!nested || a.element.source !== b.element.source) return true;
  return likeness(a.element.name, b.element.name) >= 0.6 || likeness(b.element.name, a.element.name) >= 0.6;
}

/** Top to bottom, left to right; things on one line count as one row. */
export function readingOrder(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => {
    const [first, second] = [centerOf(a.element.bounds), centerOf(b.element.bounds)];
    const line = Math.max(6, 0.5 * Math.min(a.element.bounds.height, b.element.bounds.height));
    return Math.abs(first.y - second.y) <= line ? first.x - second.x : first.y - second.y;
  });
}

function areaOf(rect: Rect): number {
  return rect.width * rect.height;
}
