import type { OperationInput, ScreenElement } from '@deskhand/protocol';
import { again, holdsText, typingField } from '../expectations.ts';
import { characters, describeRole } from '../explain.ts';
import { type Candidate, candidatesFor, ground, pointOf } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { fitsHint, isEditable, isProtected } from '../roles.ts';
import { failureOf, LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { type Target, targetOf } from '../target.ts';
import { containsText, likeness } from '../wording.ts';
import { openButton } from './file-dialog.ts';
import { openApplication } from './opening.ts';
import { clickCandidate, clickOn } from './pointing.ts';
import { press, waitForNewWindow } from './pressing.ts';
import { resolveText, typeText } from './typing.ts';

const CTRL = (key: string): OperationInput => ({ type: 'key_combo', keys: ['ctrl', key] });
const ENTER: OperationInput = { type: 'key_press', keys: ['enter'] };
/** Looks for what is to be replaced, milliseconds apart: a page may still be coming. */
const READ_AGAIN_MS: readonly number[] = [200, 500, 900];
/** A field that tells more than this may tell only its beginning. */
const MAX_READABLE = 9_900;

const literal = (text: string) => ({ type: 'literal', text }) as const;
const named = (text: string, role: Target['role']): Target => targetOf(text, role, 'spoken');

/** Through the application's own Open dialog; proven by the title that then bears the file's name. */
export function* openFile(scene: Scene, intent: Extract<Intent, { type: 'open_file' }>): Move {
  const { path, application } = intent;
  yield* openApplication(scene, { type: 'open_application', name: application });
  const editor = scene.observation.activeWindowId;
  yield* doAll(scene, 'Pressing Ctrl+O. Expecting a dialog that asks for a file.', [CTRL('o')]);
  for (const afterMs of [200, 400, 800, 1500]) {
    if (scene.observation.activeWindowId !== editor) break;
    yield* scene.look('Waiting for the open dialog.', LOOK, afterMs);
  }
  if (scene.observation.activeWindowId === editor)
    throw new TaskFailure(`“${application}” opened no dialog for a file after Ctrl+O.`);
  yield* chooseFile(scene, path);
  const name = path.split(/[\\/]/).at(-1) ?? path;
  for (const afterMs of [0, 300, 700, 1500]) {
    if (afterMs > 0) yield* scene.look(`Waiting for “${name}” to open.`, LOOK, afterMs);
    if (containsText(scene.activeWindow?.title ?? '', name)) {
      scene.proofs.push(`${name} is open`);
      return;
    }
  }
  throw new TaskFailure(
    `${path} did not open; the window in front is “${scene.activeWindow?.title.slice(0, 80) ?? 'none'}”.`,
  );
}

/** The path goes into the dialog in front, which is then gone. */
function* chooseFile(scene: Scene, path: string): Move {
  yield* doAll(scene, `Typing the path (${characters(path)}) into the open dialog.`, [
    { type: 'type_text', text: path },
  ]);
  yield* scene.look('Reading what the dialog makes of the path.', LOOK, 200);
  const dialog = scene.activeWindow;
  let button = openButton(scene);
  if (button === null) {
    yield* scene.look('The dialog is in no list of elements; reading the picture.', LOOK_WITH_OCR);
    button = openButton(scene);
  }
  if (button !== null && dialog !== null) {
    yield* clickCandidate(scene, button, named(button.element.name, 'button'));
    for (const afterMs of [150, 300, 600, 1000]) {
      if (scene.activeWindow?.id !== dialog.id) return;
      yield* scene.look(`Waiting for “${dialog.title}” to close.`, LOOK, afterMs);
    }
    if (scene.activeWindow?.id !== dialog.id) return;
  }
  yield* press(scene, { type: 'press', chords: [['enter']], times: 1, on: null });
}

/** Clicks the page's file field and names the file in the browser's dialog; the field then bears the file's name. */
export function* uploadFile(scene: Scene, intent: Extract<Intent, { type: 'upload_file' }>): Move {
  const { path, into } = intent;
  const fields = scene.elements.filter(({ states }) => states.includes('file'));
  const [only] = fields;
  const target: Target = into ?? {
    ...named(fields.length === 1 && only !== undefined && only.name !== '' ? only.name : 'file', 'button'),
  };
  const windowBefore = scene.observation.activeWindowId;
  const clicked = yield* clickOn(scene, target, 'point');
  yield* waitForNewWindow(scene, windowBefore);
  if (scene.observation.activeWindowId === windowBefore)
    throw new TaskFailure(`Clicking ${describeRole(clicked.element)} opened no dialog for a file.`);
  yield* chooseFile(scene, path);
  const name = path.split(/[\\/]/).at(-1) ?? path;
  for (const afterMs of [0, 300, 900]) {
    if (afterMs > 0) yield* scene.look('Reading which file the page has.', LOOK, afterMs);
    const now = again(scene, clicked.element);
    if (now?.value === undefined || containsText(now.value, name)) return;
  }
  throw new TaskFailure(`The page's file field does not show “${name}”.`);
}

export function* appendLine(scene: Scene, intent: Extract<Intent, { type: 'append_line' }>): Move {
  const text = resolveText(scene, intent);
  const field = textInFront(scene);
  const value = field?.value;
  const startsLine = value === '' || value?.endsWith('\n') === true;
  yield* doAll(scene, 'Going to the end of the text.', [CTRL('end')]);
  yield* typeText(scene, {
    type: 'type_text',
    text: literal(startsLine ? text : `\n${text}`),
    into: null,
    submit: false,
    mode: 'append',
  });
}

/** The text in front is read, and typed anew with every place replaced; a field called like the text is filled instead. */
export function* replaceText(scene: Scene, intent: Extract<Intent, { type: 'replace_text' }>): Move {
  const { find, replacement } = intent;
  let field = textInFront(scene);
  for (const afterMs of READ_AGAIN_MS) {
    if (field?.value?.includes(find) === true) break;
    const into = named(find, 'field');
    const grounding = ground(into, scene.observation, 'type');
    const isField = grounding.type === 'found' || grounding.type === 'offscreen';
    if (isField && replacement !== '')
      return yield* typeText(scene, {
        type: 'type_text',
        text: literal(replacement),
        into,
        submit: false,
        mode: 'replace',
      });
    yield* scene.look('Neither a text nor a field in front bears what is to be changed.', LOOK, afterMs);
    field = textInFront(scene);
  }
  const value = field?.value ?? '';
  if (field === null || !value.includes(find)) {
    throw new TaskFailure(
      field === null
        ? 'No text that can be read has the focus, so nothing in it can be replaced.'
        : `${describeRole(field)} (${characters(value)}) does not hold the text to replace (${characters(find)}).`,
    );
  }
  if (value.length > MAX_READABLE)
    throw new TaskFailure(`${describeRole(field)} is too long to be replaced in (${characters(value)}).`);
  const wanted = value.replaceAll(find, replacement);
  const times = value.split(find).length - 1;
  const operations: OperationInput[] = [
    ...(field.states.includes('focused')
      ? []
      : [{ type: 'click' as const, point: pointOf({ element: field, visible: field.bounds, score: 1 }) }]),
    CTRL('a'),
    wanted === '' ? { type: 'key_press', keys: ['delete'] } : { type: 'type_text', text: wanted },
  ];
  yield* doAll(
    scene,
    `Writing ${describeRole(field)} anew with ${times} ${times === 1 ? 'place' : 'places'} replaced.`,
    operations,
  );
  for (const afterMs of [0, 150, 400, 900]) {
    if (afterMs > 0) yield* scene.look('Reading the text back.', LOOK, afterMs);
    if (holdsText(again(scene, field), wanted, 'equals') !== 'unmet') return;
  }
  throw new TaskFailure(`After replacing, ${describeRole(field)} does not hold the expected text.`);
}

/** The one text a person would mean: what has the focus, else the largest of the window in front. */
function textInFront(scene: Scene): ScreenElement | null {
  const focused = typingField(scene);
  if (focused !== null && focused.value !== undefined && !isProtected(focused)) return focused;
  const active = scene.observation.activeWindowId;
  const areas = scene.elements
    .filter(
      (element) =>
        isEditable(element) &&
        !isProtected(element) &&
        element.value !== undefined &&
        (element.windowId === undefined || element.windowId === active),
    )
    .sort((a, b) => b.bounds.width * b.bounds.height - a.bounds.width * a.bounds.height);
  return areas[0] ?? null;
}

/** Types into the page's field for new things and sends it, by the button beside it or Enter. */
export function* addEntry(scene: Scene, intent: Extract<Intent, { type: 'add_entry' }>): Move {
  const { text, kind } = intent;
  const field = yield* entryField(scene, kind);
  yield* typeText(scene, {
    type: 'type_text',
    text: literal(text),
    into: fieldTarget(field),
    submit: false,
    mode: 'replace',
  });
  const button = addButton(scene, kind, again(scene, field) ?? field);
  if (button === null) yield* doAll(scene, 'There is no button to add it; pressing Enter.', [ENTER]);
  else yield* clickCandidate(scene, button, named(button.element.name, 'button'));
}

function* entryField(scene: Scene, kind: string): Move<ScreenElement> {
  for (const afterMs of [0, 300, 900]) {
    if (afterMs > 0) yield* scene.look(`Looking for a field for a new ${kind}.`, LOOK, afterMs);
    const page = scene.observation.page !== null;
    const fields = scene.elements.filter(
      (element) =>
        isEditable(element) &&
        !isProtected(element) &&
        (!page || element.source === 'dom') &&
        element.bounds.width > 0,
    );
    const called = fields.filter(({ name, description }) =>
      new RegExp(`\\b(?:new|add|${kind}s?|what)\\b`, 'i').test(`${name} ${description ?? ''}`),
    );
    const best = called[0] ?? (fields.length === 1 ? fields[0] : undefined);
    if (best !== undefined) return best;
  }
  throw new TaskFailure(`Found no field to add a new ${kind} with.`);
}

const fieldTarget = (field: ScreenElement): Target =>
  targetOf(field.name === '' ? null : field.name, 'field', 'quoted');

function addButton(scene: Scene, kind: string, field: ScreenElement): Candidate | null {
  const wanted = /comment|message|note/.test(kind)
    ? ['Add', 'Post', 'Send', 'Save']
    : ['Add', 'Create', 'Save', '+'];
  const near = (candidate: Candidate) =>
    Math.abs(candidate.element.bounds.y - field.bounds.y) +
    Math.abs(candidate.element.bounds.x - field.bounds.x);
  for (const word of wanted) {
    const buttons = candidatesFor(named(word, 'button'), scene.observation, 'point')
      .filter(
        ({ element, visible }) =>
          visible !== null &&
          element.source !== 'ocr' &&
          fitsHint(element, 'button') &&
          (likeness(word, element.name) >= 0.95 || likeness(`${word} ${kind}`, element.name) >= 0.9),
      )
      .sort((a, b) => near(a) - near(b));
    if (buttons[0] !== undefined) return buttons[0];
  }
  return null;
}

function* doAll(scene: Scene, reason: string, operations: readonly OperationInput[]): Move {
  const failure = failureOf(yield* scene.act(reason, operations));
  if (failure !== null)
    throw new TaskFailure(
      `${reason.split('.')[0]} failed: ${failure.message ?? failure.code ?? failure.status}.`,
    );
}
