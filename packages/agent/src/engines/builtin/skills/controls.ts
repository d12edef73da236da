import { centerOf, contains, type WindowInfo } from '@deskhand/protocol';
import { nearestWords } from '../explain.ts';
import { find, isBlind, whereLooked } from '../find.ts';
import { type Candidate, candidatesFor, ground, isBrowsersBox } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { joinWords, ocrLines } from '../ocr-phrases.ts';
import { fitsHint, isInteractive } from '../roles.ts';
import { failureOf, LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget, type Target, targetOf } from '../target.ts';
import { likeness } from '../wording.ts';
import { meansAll, useAll } from './all-controls.ts';
import { setChecked } from './choosing.ts';
import { clickCandidate } from './pointing.ts';

const BOX_PAUSE_MS = 600;
const PATIENCE_MS: readonly number[] = [0, 200, 500, 900, 1500];

/** What the yes and no of dialogs and banners are called, the plainest first. */
const ANSWERS = {
  accept: [
    ...[
      'OK',
      'Yes',
      'Accept',
      'Accept all',
      'Accept cookies',
      'Accept all cookies',
      'Allow',
      'Allow all',
      'Agree',
      'I agree',
    ],
    ...[
      'I accept',
      'Confirm',
      'Got it',
      'Understood',
      'Continue',
      'Proceed',
      'Delete',
      'Remove',
      'Apply',
      'Submit',
      'Done',
    ],
  ],
  dismiss: [
    ...[
      'Cancel',
      'No',
      'No thanks',
      'No, thanks',
      'Dismiss',
      'Close',
      'Reject',
      'Reject all',
      'Decline',
      'Decline all',
    ],
    ...['Deny', 'Not now', 'Later', 'Maybe later', 'Skip', '×', 'x', '✕', '✖', 'OK', 'Got it'],
  ],
} as const;

const plain = (text: string, role: Target['role'] = null): Target => targetOf(text, role, 'quoted');

export function* answerDialog(scene: Scene, { how }: Extract<Intent, { type: 'answer_dialog' }>): Move {
  for (const afterMs of PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look(`Looking for what would ${how} the dialog.`, LOOK, afterMs);
    const button = answerButton(scene, ANSWERS[how]);
    if (button === null) continue;
    if (isBrowsersBox(button, scene.observation))
      yield* scene.look(
        'A browser takes no click on a box of its own in its first half second; waiting.',
        LOOK,
        BOX_PAUSE_MS,
      );
    yield* clickCandidate(scene, button, plain(button.element.name, 'button'));
    return;
  }
  const painted = yield* paintedAnswer(scene, how);
  if (painted !== null) {
    yield* clickCandidate(scene, painted, plain(painted.element.name));
    return;
  }
  const question = how === 'accept' && isBlind(scene) ? questionInFront(scene) : null;
  if (question !== null) {
    yield* scene.act('The picture of the question shows no clear yes; pressing the key of its Yes button.', [
      { type: 'key_combo', keys: ['alt', 'y'] },
    ]);
    for (const afterMs of PATIENCE_MS) {
      if (afterMs > 0) yield* scene.look('Waiting for the question to close.', LOOK, afterMs);
      if (!scene.observation.windows.some(({ id }) => id === question.id)) return;
    }
  }
  if (how === 'dismiss' && (hasBox(scene) || (isBlind(scene) && questionInFront(scene) !== null))) {
    const failure = failureOf(
      yield* scene.act('The dialog has no button that closes it; pressing Escape.', [
        { type: 'key_press', keys: ['escape'] },
      ]),
    );
    if (failure === null) return;
  }
  throw new TaskFailure(
    `Found no button that would ${how} a dialog or banner in ${whereLooked(scene)}; looked for ${ANSWERS[how]
      .slice(0, 6)
      .map((word) => `“${word}”`)
      .join(', ')} and the like.`,
  );
}

/** The answer of a dialog that tells no elements, read from its picture; null where no such dialog is in front. */
function* paintedAnswer(scene: Scene, how: keyof typeof ANSWERS): Move<Candidate | null> {
  if (!isBlind(scene) || scene.activeWindow === null) return null;
  yield* scene.look(`The window tells no elements; reading its picture to ${how} it.`, LOOK_WITH_OCR);
  const window = scene.activeWindow;
  if (window === null || !isBlind(scene)) return null;
  // Only words that stand alone: in a sentence or a title the same word is no button.
  const lines = ocrLines(scene.elements)
    .map(joinWords)
    .filter(({ name }) => likeness(name, window.title) < 0.95);
  // A single letter may be a cross that was drawn, or nothing at all.
  for (const word of ANSWERS[how].filter((answer) => /\p{L}{2}/u.test(answer))) {
    const element = lines.find(({ name }) => likeness(word, name) >= 0.95);
    if (element !== undefined) return { element, visible: element.bounds, score: 0.9 };
  }
  return null;
}

/** A window that stands before a larger one of the same application; it may be a question. */
function questionInFront({ activeWindow, observation }: Scene): WindowInfo | null {
  const area = ({ bounds }: WindowInfo) => bounds.width * bounds.height;
  const stands = observation.windows.some(
    (other) =>
      activeWindow !== null &&
      other.id !== activeWindow.id &&
      other.application === activeWindow.application &&
      area(other) > area(activeWindow),
  );
  return stands ? activeWindow : null;
}

function boxesOf(scene: Scene) {
  return scene.elements.filter(
    ({ role, source }) => source !== 'ocr' && /^(?:dialog|alert|alert_dialog)$/.test(role),
  );
}

function hasBox(scene: Scene): boolean {
  return boxesOf(scene).length > 0;
}

/** Of the buttons that bear such a word the one inside a dialog, then the one whose word comes first in the list. */
function answerButton(scene: Scene, words: readonly string[]): Candidate | null {
  const boxes = boxesOf(scene);
  const found = words.flatMap((word, rank) =>
    candidatesFor(plain(word, 'button'), scene.observation, 'point')
      .filter(
        ({ element, visible }) =>
          visible !== null &&
          element.source !== 'ocr' &&
          isInteractive(element) &&
          !isOfTheWindow(element) &&
          likeness(word, element.name) >= 0.95,
      )
      .map((candidate) => ({
        candidate,
        rank:
          rank + (boxes.some(({ bounds }) => contains(bounds, centerOf(candidate.element.bounds))) ? 0 : 100),
      })),
  );
  // A page that asks by itself: “Yes, delete” and “No, keep”.
  if (found.length === 0 && boxes.length === 0) return wordyAnswer(scene, words);
  // Where a dialog stands, what lies outside of it is not its answer.
  const inside = found.filter(({ rank }) => rank < 100);
  const pool = inside.length > 0 || boxes.length === 0 ? (inside.length > 0 ? inside : found) : found;
  return [...pool].sort((a, b) => a.rank - b.rank)[0]?.candidate ?? null;
}

/** The one button of the page whose name begins with yes or no. */
function wordyAnswer({ observation }: Scene, words: readonly string[]): Candidate | null {
  const first = words.includes('Yes') ? /^(?:yes|confirm)\b/i : /^(?:no|cancel)\b/i;
  const buttons = observation.elements.filter(
    (element) =>
      element.source === 'dom' &&
      isInteractive(element) &&
      element.bounds.width > 0 &&
      first.test(element.name),
  );
  const [only] = buttons;
  return buttons.length === 1 && only !== undefined
    ? { element: only, visible: only.bounds, score: 0.8 }
    : null;
}

/** The cross of a tab or of the window itself. */
function isOfTheWindow(element: Candidate['element']): boolean {
  return element.source === 'accessibility' && element.name === 'Close' && element.bounds.y < 60;
}

/** Other words that buttons bear for the same thing. */
const SAME_VERB: Readonly<Record<string, readonly string[]>> = {
  delete: ['Delete', 'Remove', '×', '✕', '✖', '🗑', 'Trash'],
  remove: ['Remove', 'Delete', '×', '✕', '✖', '🗑', 'Trash'],
  edit: ['Edit', 'Change', 'Modify', '✎', '✏'],
  add: ['Add', 'Add to cart', 'Add to basket', 'Add to bag', '+'],
  put: ['Add', 'Add to cart', 'Add to basket', 'Add to bag'],
  buy: ['Buy', 'Buy now', 'Add to cart', 'Order', 'Order now'],
  purchase: ['Buy', 'Buy now', 'Purchase', 'Order'],
  order: ['Order', 'Order now', 'Buy', 'Place order'],
  checkout: ['Checkout', 'Check out', 'Go to checkout', 'Proceed to checkout'],
  'check out': ['Checkout', 'Check out', 'Go to checkout', 'Proceed to checkout'],
  complete: ['Complete', 'Mark as done', 'Mark complete', 'Done', 'Mark as complete', 'Finish'],
  finish: ['Finish', 'Done', 'Complete'],
  done: ['Done', 'Mark as done', 'Mark done', 'Complete', '✓', '✔'],
  completed: ['Complete', 'Done', 'Mark as done', '✓'],
  read: ['Mark as read', 'Read'],
  reply: ['Reply'],
  pay: ['Pay', 'Pay now', 'Checkout'],
  view: ['View', 'Details', 'Show', 'Open'],
  reject: ['Reject', 'Decline', 'Deny'],
  decline: ['Decline', 'Reject', 'Deny'],
  book: ['Book', 'Book now', 'Reserve'],
  reserve: ['Reserve', 'Book'],
};

/** Ticks mean these where a thing has a box and no button for it. */
const TICKED_BY = new Set(['done', 'complete', 'completed', 'finish', 'read', 'mark']);

export function* useControl(scene: Scene, intent: Extract<Intent, { type: 'use_control' }>): Move {
  for (const afterMs of PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look(`Looking for the control for “${intent.words}”.`, LOOK, afterMs);
    const whole = wholeName(scene, intent) ?? nameOfAll(scene, intent);
    if (whole !== null) {
      yield* clickCandidate(scene, whole, plain(whole.element.name));
      return;
    }
    if (ofAll(scene, intent)) return yield* useAll(scene, wordsFor(intent));
    const beside = controlOf(scene, intent);
    if (beside !== null) {
      yield* clickCandidate(scene, beside.candidate, beside.target);
      return;
    }
    if (TICKED_BY.has(intent.verb) && intent.object !== null) {
      const box: Target = {
        ...plain('', 'check_box'),
        text: null,
        near: { relation: 'row', target: intent.object },
      };
      if (ground(box, scene.observation, 'tick').type === 'found' || hasBoxNamed(scene, intent.object))
        return yield* setChecked(scene, {
          type: 'set_checked',
          target: hasBoxNamed(scene, intent.object) ? { ...intent.object, role: 'check_box' } : box,
          checked: true,
        });
    }
  }
  // The last word is the ordinary search: it scrolls, reads pixels and asks at a tie.
  const wanted = wordsFor(intent)[0] ?? intent.verb;
  const target: Target = {
    ...plain(wanted, 'button'),
    quoted: false,
    near: intent.object === null ? null : { relation: 'row', target: intent.object },
  };
  const nearest = candidatesFor({ ...target, near: null }, scene.observation, 'point').slice(0, 3);
  const candidate = yield* findOr(
    scene,
    target,
    () =>
      new TaskFailure(
        `Found no control “${wanted}”${intent.object === null ? '' : ` for ${describeTarget(intent.object)}`} in ${whereLooked(scene)}; ${nearestWords(nearest)}.`,
      ),
  );
  yield* clickCandidate(scene, candidate, target);
}

function* findOr(scene: Scene, target: Target, failure: () => TaskFailure): Move<Candidate> {
  try {
    return yield* find(scene, target, 'point');
  } catch (error) {
    throw error instanceof TaskFailure && error.code === 'TASK_FAILED' ? failure() : error;
  }
}

function hasBoxNamed(scene: Scene, object: Target): boolean {
  const found = ground({ ...object, role: 'check_box' }, scene.observation, 'tick');
  return (
    found.type === 'found' && fitsHint(found.candidate.element, 'check_box') && found.candidate.score >= 0.7
  );
}

function wordsFor({ verb, place }: Extract<Intent, { type: 'use_control' }>): readonly string[] {
  const first = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
  const known = SAME_VERB[verb] ?? [first];
  return place === null || !/^(?:add|put)$/.test(verb) ? known : [`Add to ${place}`, ...known];
}

/** "Add Blue mug to cart", "Delete Alice": one control whose whole name says it. */
function wholeName(scene: Scene, intent: Extract<Intent, { type: 'use_control' }>): Candidate | null {
  const object = intent.object?.text ?? null;
  // "× milk" would be called “milk” like the thing itself.
  const verbs = wordsFor(intent).filter((word) => /\p{L}{2}/u.test(word));
  const names = [intent.words, ...(object === null ? verbs : verbs.map((word) => `${word} ${object}`))];
  if (object !== null && intent.place !== null) names.push(`Add ${object} to ${intent.place}`);
  for (const name of names) {
    const found = candidatesFor(plain(name), scene.observation, 'point').filter(
      ({ element, visible, score }) =>
        visible !== null &&
        isInteractive(element) &&
        element.source !== 'ocr' &&
        score >= 0.8 &&
        likeness(name, element.name) >= 0.94,
    );
    if (found.length === 1) return found[0] ?? null;
  }
  return null;
}

/** "Approve all": one control that does it to all of them. */
function nameOfAll(scene: Scene, intent: Extract<Intent, { type: 'use_control' }>): Candidate | null {
  if (!meansAll(intent.words)) return null;
  return wholeName(scene, {
    ...intent,
    words: `${intent.verb} all`,
    object: null,
    verb: `${intent.verb} all`,
  });
}

/** Each has a control of its own for it. */
function ofAll(scene: Scene, intent: Extract<Intent, { type: 'use_control' }>): boolean {
  if (!meansAll(intent.words)) return false;
  return wordsFor(intent).some((word) =>
    candidatesFor(plain(word, 'button'), scene.observation, 'point').some(
      ({ element, visible }) =>
        visible !== null &&
        element.source !== 'ocr' &&
        isInteractive(element) &&
        likeness(word, element.name) >= 0.95,
    ),
  );
}

/** The button with the verb that belongs to the thing: in its row or list item, else beside it. */
function controlOf(
  scene: Scene,
  intent: Extract<Intent, { type: 'use_control' }>,
): { candidate: Candidate; target: Target } | null {
  const { object } = intent;
  if (object === null) return null;
  const isNth = object.text === null && object.ordinal !== null;
  for (const word of wordsFor(intent)) {
    const targets: Target[] = isNth
      ? [{ ...plain(word, 'button'), ordinal: object.ordinal }]
      : [
          { ...plain(word, 'button'), near: { relation: 'row', target: { ...object, role: null } } },
          { ...plain(word, 'button'), near: { relation: 'beside', target: { ...object, role: null } } },
        ];
    for (const target of targets) {
      const found = ground(target, scene.observation, 'point');
      if (found.type !== 'found') continue;
      const { element } = found.candidate;
      if (isInteractive(element) && likeness(word, element.name) >= 0.6)
        return { candidate: found.candidate, target };
    }
  }
  return null;
}
