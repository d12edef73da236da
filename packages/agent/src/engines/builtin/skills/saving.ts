import type { OperationInput, Outcome, ScreenElement } from '@deskhand/protocol';
import { again, holdsText } from '../expectations.ts';
import { describeRole, nearestWords } from '../explain.ts';
import { candidatesFor, ground, pointOf } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { yesOrNo } from '../questions.ts';
import { isEditable, isInteractive } from '../roles.ts';
import { failureOf, LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import type { Target } from '../target.ts';
import { containsText, likeness } from '../wording.ts';

const CTRL = (key: string): OperationInput => ({ type: 'key_combo', keys: ['ctrl', key] });
const SAVE_AS_CHORD: OperationInput = { type: 'key_combo', keys: ['ctrl', 'shift', 's'] };
const DIALOG_PATIENCE_MS: readonly number[] = [0, 250, 600, 1000];
const FILE_PATIENCE_MS: readonly number[] = [0, 200, 500, 1000, 2000];

/** What is known about a file; null when this desktop does not let us ask. */
type FileFacts = Readonly<{ exists: boolean; stamp: string }>;

/**
 * Save under a path: the application's own dialog is opened, the whole path typed into it, read back
 * before Enter, and the file itself looked at afterwards.
 */
export function* saveAs(scene: Scene, { path, overwrite }: Extract<Intent, { type: 'save_as' }>): Move {
  const windowBefore = scene.observation.activeWindowId;
  const { before, field } = yield* openDialog(scene, path, windowBefore);
  if (before?.exists === true && !overwrite) yield* mayReplace(scene, path);
  yield* enterPath(scene, field, path);
  yield* press(scene, `The dialog holds the whole path; pressing Enter. Expecting ${path} to be written.`, [
    { type: 'key_press', keys: ['enter'] },
  ]);
  yield* answerReplaceQuestion(scene, path, before?.exists === true || overwrite);

  for (const afterMs of FILE_PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look(`Waiting for ${path} to be written.`, LOOK, afterMs);
    const after = yield* fileFacts(scene, path, `Looking whether ${path} was written.`);
    if (after === null) return yield* trustTheWindow(scene, path, windowBefore);
    if (after.exists && (before === null || !before.exists || after.stamp !== before.stamp)) {
      scene.proofs.push(`${path} was written`);
      return;
    }
    // The same content saved again leaves size and sometimes time as they were.
    if (after.exists && before?.exists === true && afterMs >= 1000 && !dialogOpen(scene, windowBefore)) {
      scene.doubts.push(`${path} existed before and shows no sign of having been written again`);
      return;
    }
  }
  throw new TaskFailure(
    `${path} was not written; the screen shows “${scene.activeWindow?.title ?? 'no window'}”.`,
  );
}

export function* save(scene: Scene): Move {
  const windowBefore = scene.observation.activeWindowId;
  const title = scene.activeWindow?.title ?? '';
  yield* press(scene, 'Pressing Ctrl+S. Expecting the document to be saved under the name it has.', [
    CTRL('s'),
  ]);
  if (dialogOpen(scene, windowBefore))
    throw new TaskFailure(
      'The document has no name yet: say where to save it, for example “save it as /path/file.txt”.',
    );
  const now = scene.activeWindow?.title ?? '';
  if (/^[*•●]/.test(title) && /^[*•●]/.test(now))
    scene.doubts.push('the title still marks the document as changed');
}

/** Looks at the file, then Ctrl+Shift+S in the same round trip; Ctrl+S where that opened nothing. */
function* openDialog(
  scene: Scene,
  path: string,
  windowBefore: string | null,
): Move<{ before: FileFacts | null; field: ScreenElement | null }> {
  const outcomes = yield* scene.act(
    `Looking whether ${path} exists, then pressing Ctrl+Shift+S. Expecting a dialog that asks for a file name.`,
    [{ type: 'stat_file', path }, SAVE_AS_CHORD],
  );
  const before = factsFrom(outcomes[0]);
  // Where files may not be looked at, the chord behind the question was not reached.
  if (outcomes.length < 2)
    yield* press(scene, 'This desktop does not let that file be looked at; pressing Ctrl+Shift+S.', [
      SAVE_AS_CHORD,
    ]);
  for (const chord of [SAVE_AS_CHORD, CTRL('s')]) {
    if (chord !== SAVE_AS_CHORD)
      yield* press(scene, 'Ctrl+Shift+S opened nothing; pressing Ctrl+S. Expecting a save dialog.', [chord]);
    for (const afterMs of DIALOG_PATIENCE_MS) {
      if (afterMs > 0) yield* scene.look('Waiting for the save dialog.', LOOK, afterMs);
      if (!dialogOpen(scene, windowBefore)) continue;
      const field = nameField(scene);
      if (field !== null) return { before, field };
    }
    if (dialogOpen(scene, windowBefore)) return { before, field: null };
  }
  throw new TaskFailure(
    `No save dialog opened in “${scene.activeWindow?.title.slice(0, 80) ?? 'the active window'}”.`,
  );
}

/** Another window, or a dialog inside this one, is asking for a name. */
function dialogOpen(scene: Scene, windowBefore: string | null): boolean {
  const active = scene.activeWindow;
  if (active !== null && active.id !== windowBefore) return true;
  return scene.elements.some(
    ({ role, name }) =>
      (role === 'dialog' || role === 'file_chooser') && /save|export|speichern|enregistrer/i.test(name),
  );
}

function nameField(scene: Scene): ScreenElement | null {
  const focused = scene.focused;
  if (focused !== null && isEditable(focused)) return focused;
  const target = (text: string): Target => ({
    text,
    phrase: null,
    quoted: false,
    role: 'field',
    ordinal: null,
    near: null,
  });
  for (const text of ['Name', 'File name', 'Filename']) {
    const found = ground(target(text), scene.observation, 'type');
    if (found.type === 'found' && isEditable(found.candidate.element)) return found.candidate.element;
  }
  const active = scene.observation.activeWindowId;
  const fields = scene.elements.filter((element) => isEditable(element) && element.windowId === active);
  return fields.length === 1 ? (fields[0] ?? null) : null;
}

/**
 * Replaces the proposed name by the whole path and reads it back: dialogs complete what is typed by
 * themselves ("/tmp/note" → "/tmp/notes.txt"), and Enter must not confirm a guess.
 */
function* enterPath(scene: Scene, field: ScreenElement | null, path: string): Move {
  const aim: OperationInput[] =
    field === null || field.states.includes('focused')
      ? []
      : [{ type: 'click', point: pointOf({ element: field, visible: field.bounds, score: 1 }) }];
  const where = field === null ? 'the dialog' : describeRole(field);
  yield* press(scene, `Typing the path into ${where} of the save dialog. Expecting it to hold the path.`, [
    ...aim,
    CTRL('a'),
    { type: 'type_text', text: path },
  ]);
  if (field === null) return;
  for (const afterMs of [0, 200, 500]) {
    if (afterMs > 0) yield* scene.look('Reading the path back.', LOOK, afterMs);
    const now = again(scene, field) ?? scene.focused;
    const value = now?.value;
    if (value === undefined || value === path) return;
    if (value.startsWith(path) && value.length > path.length) {
      yield* press(scene, 'The dialog completed the name by itself; deleting the added part.', [
        { type: 'key_press', keys: ['delete'] },
      ]);
      if ((again(scene, field)?.value ?? path) === path) return;
    }
  }
  const now = again(scene, field);
  if (now !== null && holdsText(now, path, 'contains') === 'unmet')
    throw new TaskFailure(
      `The name field of the save dialog does not hold the path (${now.value?.length ?? 0} characters instead of ${path.length}).`,
    );
}

/** "A file of that name already exists. Replace it?" */
function* answerReplaceQuestion(scene: Scene, path: string, allowed: boolean): Move {
  for (const afterMs of [0, 250]) {
    if (afterMs > 0) yield* scene.look('Looking for a question of the dialog.', LOOK, afterMs);
    const replace = replaceButton(scene);
    if (replace === null) continue;
    if (!allowed) yield* mayReplace(scene, path);
    yield* press(scene, `The dialog asks whether to replace ${path}; that is wanted.`, [
      { type: 'click', point: pointOf(replace) },
    ]);
    return;
  }
}

function replaceButton(scene: Scene) {
  const asks = scene.elements.some(({ name }) => containsText(name, 'already exists'));
  if (!asks) return null;
  const wanted = (text: string): Target => ({
    text,
    phrase: null,
    quoted: true,
    role: 'button',
    ordinal: null,
    near: null,
  });
  for (const text of ['Replace', 'Overwrite', 'Yes']) {
    const best = candidatesFor(wanted(text), scene.observation, 'point').find(
      ({ element, visible, score }) =>
        visible !== null && score >= 0.8 && isInteractive(element) && likeness(text, element.name) >= 0.9,
    );
    if (best !== undefined) return best;
  }
  return null;
}

function* mayReplace(scene: Scene, path: string): Move {
  const note = yield* scene.ask(
    `${path} exists already and the task does not say to replace it.`,
    `The file ${path} exists already. Replace it? Answer yes or no.`,
  );
  if (yesOrNo(note) !== true) throw new TaskFailure(`${path} exists already and was not replaced.`);
}

/** Where files may not be looked at: the window's title and the closed dialog have to do. */
function* trustTheWindow(scene: Scene, path: string, windowBefore: string | null): Move {
  const name = path.split(/[\\/]/).at(-1) ?? path;
  for (const afterMs of [0, 300, 800]) {
    if (afterMs > 0) yield* scene.look('Waiting for the dialog to close.', LOOK, afterMs);
    if (!dialogOpen(scene, windowBefore) && containsText(scene.activeWindow?.title ?? '', name)) {
      scene.proofs.push(`the window now bears the name ${name}`);
      return;
    }
  }
  if (dialogOpen(scene, windowBefore)) {
    yield* scene.look('The save dialog is still open; reading what it says.', LOOK_WITH_OCR);
    throw new TaskFailure(`The save dialog did not close; ${nearestWords([])}.`);
  }
  scene.doubts.push(`this desktop does not let files be looked at, so ${path} is unproven`);
}

/** Asks the desktop about a file; a refusal by policy is an answer too. */
function* fileFacts(scene: Scene, path: string, reasoning: string): Move<FileFacts | null> {
  const [outcome] = yield* scene.act(reasoning, [{ type: 'stat_file', path }]);
  return factsFrom(outcome);
}

export function factsFrom(outcome: Outcome | undefined): FileFacts | null {
  if (outcome === undefined || outcome.status === 'refused') return null;
  const result = outcome.result ?? {};
  if (outcome.status === 'failed') return outcome.code === 'NOT_FOUND' ? { exists: false, stamp: '' } : null;
  if (typeof result.exists !== 'boolean') return null;
  const { exists, type: _type, ...rest } = result;
  return { exists, stamp: JSON.stringify(rest) };
}

function* press(scene: Scene, reason: string, operations: readonly OperationInput[]): Move {
  const failure = failureOf(yield* scene.act(reason, operations));
  if (failure !== null)
    throw new TaskFailure(`Saving failed: ${failure.message ?? failure.code ?? failure.status}.`);
}
