import type { OperationInput, Outcome, ScreenElement } from '@deskhand/protocol';
import { again } from '../expectations.ts';
import { describeRole, nearestWords } from '../explain.ts';
import { find } from '../find.ts';
import { candidatesFor, ground, pointOf } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { yesOrNo } from '../questions.ts';
import { isEditable, isInteractive } from '../roles.ts';
import { failureOf, LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { targetOf } from '../target.ts';
import { isTerminal } from '../windows.ts';
import { containsText, likeness } from '../wording.ts';
import { demandPath } from './file-dialog.ts';

const CTRL = (key: string): OperationInput => ({ type: 'key_combo', keys: ['ctrl', key] });
const SAVE_AS_CHORD: OperationInput = { type: 'key_combo', keys: ['ctrl', 'shift', 's'] };
const DIALOG_PATIENCE_MS: readonly number[] = [0, 250, 600, 1000];
const MAX_BUSY_MS = 18_000;
const FILE_PATIENCE_MS: readonly number[] = [0, 300, 1000, 2000];

/** What is known about a file; null when this desktop does not let us ask. */
type FileFacts = Readonly<{ exists: boolean; stamp: string }>;

/**
 * Save under a path: the application's own dialog is opened, the whole path typed into it, read back
 * before Enter, and the file itself looked at afterwards.
 */
export function* saveAs(scene: Scene, { path, overwrite }: Extract<Intent, { type: 'save_as' }>): Move {
  demandDocument(scene);
  const windowBefore = scene.observation.activeWindowId;
  const field = yield* openDialog(scene, windowBefore);
  const before = yield* enterPath(scene, field, path);
  if (before?.exists === true && !overwrite) yield* mayReplace(scene, path, windowBefore);
  yield* confirm(scene, path, windowBefore, before?.exists === true || overwrite);

  for (const afterMs of FILE_PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look(`Waiting for ${path} to be written.`, LOOK, afterMs);
    const [outcome] = yield* scene.act(`Looking whether ${path} was written.`, [{ type: 'stat_file', path }]);
    const after = factsFrom(outcome);
    if (after === null) return yield* trustTheWindow(scene, path, windowBefore);
    if (after.exists && (before === null || !before.exists || after.stamp !== before.stamp)) {
      scene.proofs.push(`${path} was written`);
      return;
    }
    // The same content saved again may leave size and time as they were.
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
  // In a page "save" is the page's own button; Ctrl+S would save the page itself.
  if (scene.observation.page !== null) return yield* savePage(scene);
  demandDocument(scene);
  const windowBefore = scene.observation.activeWindowId;
  const title = scene.activeWindow?.title ?? '';
  const late = dialogPatienceMs(scene).slice(DIALOG_PATIENCE_MS.length);
  yield* press(scene, 'Pressing Ctrl+S. Expecting the document to be saved under the name it has.', [
    CTRL('s'),
  ]);
  // A dialog that opens late would receive what the next step types.
  for (const afterMs of late) {
    if (dialogOpen(scene, windowBefore)) break;
    yield* scene.look('Waiting whether the application asks for a name.', LOOK, afterMs);
  }
  if (dialogOpen(scene, windowBefore))
    throw new TaskFailure(
      'The document has no name yet: say where to save it, for example “save it as /path/file.txt”.',
    );
  const now = scene.activeWindow?.title ?? '';
  if (/^[*•●]/.test(title) && /^[*•●]/.test(now))
    scene.doubts.push('the title still marks the document as changed');
}

/** A terminal has nothing to save, and Ctrl+S would stop its output. @throws TaskFailure when one is in front. */
function demandDocument({ activeWindow }: Scene): void {
  if (activeWindow === null || !isTerminal(activeWindow)) return;
  throw new TaskFailure(
    `“${activeWindow.title.slice(0, 80)}” is in front: a terminal, which has no document to save. Say which window is meant`,
  );
}

/** A page's own button for it, further down too. @throws TaskFailure when it has none. */
function* savePage(scene: Scene): Move {
  for (const afterMs of FILE_PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look('Looking for what saves the page.', LOOK, afterMs);
    const name = saveName(scene);
    if (name === null) continue;
    const button = yield* find(scene, targetOf(name, 'button', 'quoted'), 'point');
    yield* press(scene, `Clicking ${describeRole(button.element)}. Expecting the page to save.`, [
      { type: 'click', point: pointOf(button) },
    ]);
    return;
  }
  throw new TaskFailure('The page shows no button that saves it; say which one to click.');
}

/** “Save”, “Save changes”, “Apply”; else the only one that begins with “Save”, else the only one that sends the form. */
function saveName({ elements }: Scene): string | null {
  const buttons = elements.filter(
    (element) => element.source === 'dom' && isInteractive(element) && element.name.trim() !== '',
  );
  for (const text of ['Save', 'Save changes', 'Apply']) {
    const named = buttons.find(({ name }) => likeness(text, name) >= 0.95);
    if (named !== undefined) return named.name;
  }
  for (const candidates of [
    buttons.filter(({ name }) => /^save\b/i.test(name.trim())),
    buttons.filter(({ states }) => states.includes('submits')),
  ]) {
    const [only] = candidates;
    if (candidates.length === 1 && only !== undefined) return only.name;
  }
  return null;
}

/** Ctrl+Shift+S, then Ctrl+S where that opened nothing. @returns the name field, null when it cannot be seen. */
function* openDialog(scene: Scene, windowBefore: string | null): Move<ScreenElement | null> {
  const ways: ReadonlyArray<{ words: string; chord: OperationInput }> = [
    { words: 'Pressing Ctrl+Shift+S', chord: SAVE_AS_CHORD },
    { words: 'Ctrl+Shift+S opened nothing; pressing Ctrl+S', chord: CTRL('s') },
  ];
  const patienceMs = dialogPatienceMs(scene);
  if (/^(?:save|export)\b/i.test(scene.activeWindow?.title ?? '') && scene.observation.windows.length > 1) {
    const field = nameField(scene);
    if (field !== null) return field;
  }
  for (const { words, chord } of ways) {
    yield* press(scene, `${words}. Expecting a dialog that asks for a file name.`, [chord]);
    for (const afterMs of patienceMs) {
      if (afterMs > 0) yield* scene.look('Waiting for the save dialog.', LOOK, afterMs);
      if (!dialogOpen(scene, windowBefore)) continue;
      const field = nameField(scene);
      if (field !== null) return field;
    }
    if (dialogOpen(scene, windowBefore)) return null;
  }
  throw new TaskFailure(
    `No save dialog opened in “${scene.activeWindow?.title.slice(0, 80) ?? 'the active window'}”.`,
  );
}

/**
 * Milliseconds between looks for the dialog. An application works off what was typed before it hears the keys that
 * open its dialog: one millisecond more per character, so that no second chord is sent to one that is only busy.
 */
function dialogPatienceMs(scene: Scene): readonly number[] {
  const busyMs = Math.min(MAX_BUSY_MS, scene.typedJustBefore);
  return [...DIALOG_PATIENCE_MS, ...Array.from({ length: Math.ceil(busyMs / 1000) }, () => 1000)];
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
  for (const text of ['Name', 'File name', 'Filename']) {
    const found = ground(targetOf(text, 'field', 'spoken'), scene.observation, 'type');
    if (found.type === 'found' && isEditable(found.candidate.element)) return found.candidate.element;
  }
  const active = scene.observation.activeWindowId;
  const fields = scene.elements.filter((element) => isEditable(element) && element.windowId === active);
  return fields.length === 1 ? (fields[0] ?? null) : null;
}

/** Replaces the proposed name by the whole path and reads it back. */
function* enterPath(scene: Scene, field: ScreenElement | null, path: string): Move<FileFacts | null> {
  const aim: OperationInput[] =
    field === null || field.states.includes('focused')
      ? []
      : [{ type: 'click', point: pointOf({ element: field, visible: field.bounds, score: 1 }) }];
  const where = field === null ? 'the dialog' : describeRole(field);
  const operations: OperationInput[] = [...aim, CTRL('a'), { type: 'type_text', text: path }];
  // A desktop lets a run look at the files it names while saving, so the question comes after the name.
  const outcomes = yield* scene.act(
    `Typing the path into ${where} of the save dialog, then looking whether that file exists. Expecting the dialog to hold the path.`,
    [...operations, { type: 'stat_file', path }],
  );
  const failure = failureOf(outcomes.slice(0, operations.length));
  if (failure !== null || outcomes.length < operations.length)
    throw new TaskFailure(`Saving failed: ${failure?.message ?? failure?.code ?? 'the path was not typed'}.`);
  if (field !== null) yield* demandPath(scene, again(scene, field) ?? scene.focused ?? field, path);
  return factsFrom(outcomes[operations.length]);
}

/**
 * Enter, and whatever the dialog asks then, until it is gone. A completion list may swallow the first Enter:
 * while the dialog still stands there with the path in it, nothing was saved and Enter may be pressed again.
 */
function* confirm(scene: Scene, path: string, windowBefore: string | null, allowed: boolean): Move {
  for (const words of [
    'The dialog holds the whole path; pressing Enter',
    'The dialog is still open; pressing Enter again',
  ]) {
    yield* press(scene, `${words}. Expecting ${path} to be written and the dialog to close.`, [
      { type: 'key_press', keys: ['enter'] },
    ]);
    for (const afterMs of [0, 200, 500]) {
      if (afterMs > 0) yield* scene.look('Waiting for the save dialog to close.', LOOK, afterMs);
      const replace = replaceButton(scene);
      if (replace !== null) {
        if (!allowed) yield* mayReplace(scene, path, windowBefore);
        yield* press(scene, `The dialog asks whether to replace ${path}; that is wanted.`, [
          { type: 'click', point: pointOf(replace) },
        ]);
      }
      if (!dialogOpen(scene, windowBefore)) return;
    }
  }
}

function replaceButton(scene: Scene) {
  const asks = scene.elements.some(({ name }) => containsText(name, 'already exists'));
  if (!asks) return null;
  for (const text of ['Replace', 'Overwrite', 'Yes']) {
    const best = candidatesFor(targetOf(text, 'button', 'quoted'), scene.observation, 'point').find(
      ({ element, visible, score }) =>
        visible !== null && score >= 0.8 && isInteractive(element) && likeness(text, element.name) >= 0.9,
    );
    if (best !== undefined) return best;
  }
  return null;
}

function* mayReplace(scene: Scene, path: string, windowBefore: string | null): Move {
  const note = yield* scene.ask(
    `${path} exists already and the task does not say to replace it.`,
    `The file ${path} exists already. Replace it? Answer yes or no.`,
  );
  if (yesOrNo(note) === true) return;
  // The first Escape may only close a question or a completion list.
  for (let left = 0; left < 3 && dialogOpen(scene, windowBefore); left += 1)
    yield* press(scene, 'Leaving the dialog without saving.', [{ type: 'key_press', keys: ['escape'] }]);
  throw new TaskFailure(`${path} exists already and was not replaced.`);
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

/** What the desktop says about a file; null when it says nothing, a refusal by policy included. */
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
