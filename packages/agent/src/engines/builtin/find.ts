import { nearestWords, short } from './explain.ts';
import { type Candidate, type Grounding, ground, type Purpose } from './grounding.ts';
import { ambiguityQuestion, chosenBy } from './questions.ts';
import { fitsHint } from './roles.ts';
import { LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from './scene.ts';
import { describeTarget, type Target } from './target.ts';
import { pastUnexpectedBox } from './unexpected-box.ts';

/** Pauses between looks for something that is not there yet, milliseconds; then pixels are read. */
const PATIENCE_MS: readonly number[] = [200, 500, 900];
const MAX_QUESTIONS = 3;
const MAX_SCROLLS_TO_SHOW = 12;
const MAX_SCROLLS_THROUGH = 25;
/** Less than a screenful, so that nothing is skipped. Wheel notches. */
const SCROLL_NOTCHES = 4;
/**
 * Below this a name is only a part of what was asked for ("Settings" for "Save settings"): on a page that may be
 * longer than the screen, the rest of it is looked through before such a thing is taken.
 */
const SURE = 0.65;
/** A page with fewer elements than this may be one big picture. */
const FEW_ELEMENTS = 8;

/** Where a target is, waiting a little, reading pixels as the last resort, asking a person at a tie. */
export function* find(scene: Scene, target: Target, purpose: Purpose): Move<Candidate> {
  const grounding = yield* search(scene, target, purpose);
  switch (grounding.type) {
    case 'found':
      return grounding.candidate;
    case 'offscreen':
      return yield* scrollTo(scene, target, purpose, grounding.candidate);
    case 'ambiguous':
      return yield* decideTie(scene, target, purpose, grounding.candidates);
    case 'missing':
      throw new TaskFailure(
        `Could not find ${describeTarget(target)} in ${whereLooked(scene)}; ${nearestWords(grounding.nearest)}${sameKindWords(scene, target)}.`,
      );
  }
}

function* search(scene: Scene, target: Target, purpose: Purpose): Move<Grounding> {
  let grounding = ground(target, scene.observation, purpose);
  if (grounding.type === 'missing' && (yield* pastUnexpectedBox(scene, target)))
    grounding = ground(target, scene.observation, purpose);
  // Where the tree is blind (a terminal, a canvas), waiting for it helps nobody: read pixels at once.
  const patience = isBlind(scene) ? PATIENCE_MS.slice(0, 1) : PATIENCE_MS;
  const isReadablePage = scene.observation.page !== null && scene.elements.length >= FEW_ELEMENTS;
  for (const afterMs of patience) {
    if (isReadablePage ? isSure(grounding) : grounding.type !== 'missing') return grounding;
    yield* scene.look(`Looking again for ${describeTarget(target)}.`, LOOK, afterMs);
    if (yield* pastUnexpectedBox(scene, target)) return yield* search(scene, target, purpose);
    grounding = ground(target, scene.observation, purpose);
  }
  if (isReadablePage ? isSure(grounding) : grounding.type !== 'missing') return grounding;
  // A page that tells its content is more likely to be longer than the screen than to hide words in a picture.
  if (isReadablePage) {
    const scrolled = yield* scrollThrough(scene, target, purpose);
    if (scrolled !== null) return scrolled;
    if (grounding.type !== 'missing') return yield* backToTop(scene, target, purpose);
  }
  if (scene.observation.sources.includes('ocr')) return grounding;
  yield* scene.look(
    `${describeTarget(target)} is in no list of elements; reading the picture.`,
    LOOK_WITH_OCR,
  );
  return ground(target, scene.observation, purpose);
}

function isSure(grounding: Grounding): boolean {
  if (grounding.type === 'missing') return false;
  const best = grounding.type === 'ambiguous' ? grounding.candidates[0] : grounding.candidate;
  return (best?.score ?? 0) >= SURE;
}

/** Whether the window in front tells no elements of its own: a terminal, a canvas, some file manager's dialogs. */
export function isBlind(scene: Scene): boolean {
  const active = scene.observation.activeWindowId;
  return !scene.elements.some(
    ({ source, windowId }) =>
      source !== 'ocr' && (active === null || windowId === undefined || windowId === active),
  );
}

function* decideTie(
  scene: Scene,
  target: Target,
  purpose: Purpose,
  tied: readonly Candidate[],
): Move<Candidate> {
  let candidates = tied;
  for (let asked = 0; asked < MAX_QUESTIONS; asked += 1) {
    const note = yield* scene.ask(
      `${candidates.length} elements match ${describeTarget(target)} with score ${candidates[0]?.score.toFixed(2) ?? '?'}; a person decides.`,
      ambiguityQuestion(describeTarget(target), candidates),
    );
    const chosen = note === null ? null : chosenBy(note, candidates);
    // The screen may have moved while the question stood: the answer names one of the old list, aim at the new.
    const again = ground(target, scene.observation, purpose);
    if (chosen !== null)
      return again.type === 'ambiguous' ? (sameElement(chosen, again.candidates) ?? chosen) : chosen;
    if (again.type === 'found') return again.candidate;
    if (again.type === 'ambiguous') candidates = again.candidates;
  }
  throw new TaskFailure(
    `It stayed unclear which of ${candidates.length} matches for ${describeTarget(target)} is meant.`,
  );
}

function sameElement(chosen: Candidate, candidates: readonly Candidate[]): Candidate | null {
  return candidates.find(({ element }) => element.id === chosen.element.id) ?? null;
}

/**
 * What is further down a page is in no list. Scrolls through it once, from the top of what follows to the
 * end, before giving up; only in a page, where scrolling harms nothing.
 */
function* scrollThrough(scene: Scene, target: Target, purpose: Purpose): Move<Grounding | null> {
  for (let turn = 0; turn < MAX_SCROLLS_THROUGH && scene.observation.page !== null; turn += 1) {
    const before = scene.observation.frame?.sha256;
    yield* scene.act(`${describeTarget(target)} is not in sight; scrolling down the page to look for it.`, [
      { type: 'scroll', direction: 'down', amount: SCROLL_NOTCHES, ...middle(scene) },
    ]);
    if (scene.observation.frame?.sha256 === before) return null;
    const grounding = ground(target, scene.observation, purpose);
    if (grounding.type !== 'offscreen' && isSure(grounding)) return grounding;
  }
  return null;
}

/** Nothing better was further down: what was in sight before has to do. */
function* backToTop(scene: Scene, target: Target, purpose: Purpose): Move<Grounding> {
  for (let turn = 0; turn < MAX_SCROLLS_THROUGH; turn += 1) {
    const before = scene.observation.frame?.sha256;
    yield* scene.act(`Nothing further down answers better to ${describeTarget(target)}; going back up.`, [
      { type: 'scroll', direction: 'up', amount: 20, ...middle(scene) },
    ]);
    if (scene.observation.frame?.sha256 === before) break;
  }
  return ground(target, scene.observation, purpose);
}

/** Brings something that exists outside the picture into view by the wheel. */
function* scrollTo(scene: Scene, target: Target, purpose: Purpose, hidden: Candidate): Move<Candidate> {
  let candidate = hidden;
  for (let turn = 0; turn < MAX_SCROLLS_TO_SHOW; turn += 1) {
    const height = scene.observation.frame?.geometry.image.height ?? 800;
    const { y } = candidate.element.bounds;
    const direction = y < height / 2 ? 'up' : 'down';
    const away = direction === 'up' ? Math.abs(y) : Math.abs(y - height);
    yield* scene.act(
      `${describeTarget(target)} lies outside the picture; scrolling ${direction} towards it.`,
      [
        {
          type: 'scroll',
          direction,
          amount: Math.max(2, Math.min(20, Math.round(away / 100))),
          ...middle(scene),
        },
      ],
    );
    const grounding = ground(target, scene.observation, purpose);
    if (grounding.type === 'found') return grounding.candidate;
    if (grounding.type === 'ambiguous') return yield* decideTie(scene, target, purpose, grounding.candidates);
    if (grounding.type === 'offscreen') candidate = grounding.candidate;
  }
  throw new TaskFailure(`${describeTarget(target)} exists but could not be scrolled into view.`);
}

/** The middle of the picture, where a wheel reaches the page. */
export function middle(scene: Scene): { point?: { x: number; y: number } } {
  const image = scene.observation.frame?.geometry.image;
  return image === undefined
    ? {}
    : { point: { x: Math.round(image.width / 2), y: Math.round(image.height / 2) } };
}

export function whereLooked(scene: Scene): string {
  const { sources, elements } = scene.observation;
  const names = { accessibility: 'the accessibility tree', dom: 'the page', ocr: 'the text of the picture' };
  const looked = sources.map((source) => names[source]);
  const title = scene.activeWindow?.title;
  const where = title === undefined || title === '' ? '' : ` of “${title.slice(0, 80)}”`;
  return `${looked.length === 0 ? 'the screen' : looked.join(', ')}${where} (${elements.length} elements)`;
}

/** What there is of the kind that was asked for, so that the person can name the right one. */
function sameKindWords(scene: Scene, { role }: Target): string {
  if (role === null) return '';
  const names = scene.elements
    .filter((element) => fitsHint(element, role) && element.name.trim() !== '')
    .map(({ name }) => name);
  const listed = [...new Set(names)].slice(0, 6).map((name) => `“${short(name.replace(/\s+/g, ' '))}”`);
  return listed.length === 0 ? '' : `; there are these of that kind: ${listed.join(', ')}`;
}
