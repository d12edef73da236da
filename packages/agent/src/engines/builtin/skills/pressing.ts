import type { OperationInput, WindowInfo } from '@deskhand/protocol';
import { foundWords } from '../explain.ts';
import { find, isBlind } from '../find.ts';
import { type Candidate, pointOf } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { isEditable } from '../roles.ts';
import { failureOf, LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget } from '../target.ts';
import { demandPath, fileDialogOf, openButton } from './file-dialog.ts';

const DIALOG_PATIENCE_MS: readonly number[] = [150, 300, 600, 1000];

/** Enter right behind a path presses Cancel in a browser's own file dialog, which has not looked the path up yet. */
const FILE_LOOKUP_MS = 400;

/** Where a browser's dialog, or one that tells no elements, shows its Open; null anywhere else. */
function* enterByButton(scene: Scene): Move<Candidate | null> {
  if (scene.typedJustBefore === 0 || fileDialogOf(scene) === null) return null;
  // Behind a browser's dialog its page may still be told: that is no word of the dialog's.
  if (!isBlind(scene) && scene.observation.page === null) return null;
  yield* scene.look(
    'Letting the dialog find the file, and reading its picture.',
    LOOK_WITH_OCR,
    FILE_LOOKUP_MS,
  );
  return openButton(scene);
}

/** What was just typed into a file dialog's field, before Enter confirms what the dialog made of it. */
function* readNameBack(scene: Scene): Move {
  const typed = scene.textJustBefore;
  if (typed === null || fileDialogOf(scene) === null) return;
  const field = scene.focused;
  if (field !== null && isEditable(field)) yield* demandPath(scene, field, typed);
}

/** A file dialog looks at the path before it goes; what is typed meanwhile would land in its name field. */
function* waitForFileDialog(scene: Scene, dialog: WindowInfo): Move {
  for (const afterMs of DIALOG_PATIENCE_MS) {
    if (scene.activeWindow?.id !== dialog.id) return;
    yield* scene.look(`Waiting for “${dialog.title}” to close.`, LOOK, afterMs);
  }
  if (scene.activeWindow?.id !== dialog.id) return;
  throw new TaskFailure(`“${dialog.title}” is still open after Enter; it may not have found that file.`);
}

/** What opens a file dialog: what the task types next belongs into it. Gone on without one, it may open late or never. */
export function* waitForNewWindow(scene: Scene, windowBefore: string | null): Move {
  for (const afterMs of DIALOG_PATIENCE_MS) {
    if (scene.observation.activeWindowId !== windowBefore) return;
    yield* scene.look('Waiting for the dialog that asks for a file.', LOOK, afterMs);
  }
}

export function* press(scene: Scene, intent: Extract<Intent, { type: 'press' }>): Move {
  const focus: OperationInput[] = [];
  let aimed = '';
  if (intent.on !== null) {
    const found = yield* find(scene, intent.on, 'point');
    focus.push({ type: 'click', point: pointOf(found) });
    aimed = ` on ${describeTarget(intent.on)} (${foundWords(found)})`;
  }
  const { heldMs } = intent;
  const once = intent.chords.map(
    (keys): OperationInput =>
      keys.length === 1 && heldMs === undefined
        ? { type: 'key_press', keys: [...keys] }
        : { type: 'key_combo', keys: [...keys], ...(heldMs === undefined ? {} : { heldMs }) },
  );
  const singles = heldMs === undefined && intent.chords.every((keys) => keys.length === 1);
  const all: OperationInput[] = singles
    ? [
        {
          type: 'key_press' as const,
          keys: Array.from({ length: intent.times }, () => intent.chords.flat())
            .flat()
            .slice(0, 100),
        },
      ]
    : Array.from({ length: intent.times }, () => once)
        .flat()
        .slice(0, 30);
  const words = intent.chords.map((keys) => keys.join('+')).join(', ');
  const times = `${intent.times === 1 ? '' : ` ${intent.times} times`}${heldMs === undefined ? '' : ` for ${heldMs} ms`}`;
  if (words === 'enter' && aimed === '') yield* readNameBack(scene);
  const button = words === 'enter' && times === '' && aimed === '' ? yield* enterByButton(scene) : null;
  if (button !== null) all.splice(0, all.length, { type: 'click', point: pointOf(button) });
  const windowBefore = scene.observation.activeWindowId;
  const dialog = fileDialogOf(scene);
  const outcomes = yield* scene.act(
    button === null
      ? `Pressing ${words}${times}${aimed}.`
      : `Enter may press this dialog's Cancel; clicking “${button.element.name}” instead (${foundWords(button)}).`,
    [...focus, ...all],
  );
  const failure = failureOf(outcomes);
  if (failure !== null)
    throw new TaskFailure(`Pressing ${words} failed: ${failure.message ?? failure.code ?? failure.status}.`);
  if (words === 'enter' && times === '' && dialog !== null) yield* waitForFileDialog(scene, dialog);
  if (words === 'ctrl+o') yield* waitForNewWindow(scene, windowBefore);
  if (outcomes.at(-1)?.status === 'no_effect') scene.doubts.push(`pressing ${words} changed nothing visible`);
}
