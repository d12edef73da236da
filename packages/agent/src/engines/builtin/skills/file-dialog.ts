import { centerOf, contains, type ScreenElement, type WindowInfo } from '@deskhand/protocol';
import { type Candidate, candidatesFor } from '../grounding.ts';
import { type Move, type Scene, TaskFailure } from '../scene.ts';
import { type Target, targetOf } from '../target.ts';
import { likeness } from '../wording.ts';
import { mendText } from './mending.ts';

const FILE_DIALOG = /^(?:open|save|upload|choose|select|import|export)\b.{0,40}$/i;

/** "Upload - Chromium" is a page, "notes.txt - Editor" a document. */
const BEARS_PROGRAM = /\s[-–—|]\s/;

/** The file dialog in front; null when there is none. */
export function fileDialogOf({ activeWindow, observation }: Scene): WindowInfo | null {
  if (activeWindow === null || observation.windows.length < 2) return null;
  const { title } = activeWindow;
  return FILE_DIALOG.test(title) && !BEARS_PROGRAM.test(title) ? activeWindow : null;
}

/** Whether a dialog's name field holds the path that was typed, whole or, its folder shown elsewhere, the name alone. */
export function holdsPath(value: string, path: string): boolean {
  if (value === path || path.endsWith(`/${value}`)) return value !== '';
  return path.startsWith('~/') && value.startsWith('/') && value.endsWith(path.slice(1));
}

/**
 * Dialogs complete what is typed by themselves ("/tmp/note" → "/tmp/notes.txt"), and Enter must not confirm a guess.
 * @throws TaskFailure where the name can be read and can't be put right.
 */
export function* demandPath(scene: Scene, field: ScreenElement, path: string): Move {
  const value = yield* mendText(scene, field, path, (held) => holdsPath(held, path));
  if (value === null || holdsPath(value, path)) return;
  throw new TaskFailure(
    `The dialog’s name field holds “${value.slice(0, 200)}” instead of “${path.slice(0, 200)}”, also after typing it again; Enter was not pressed.`,
  );
}

const called = (text: string): Target => targetOf(text, 'button', 'spoken');

/** The dialog's own yes, in its lower part; read from the picture where no list tells it. */
export function openButton(scene: Scene): Candidate | null {
  const area = scene.activeWindow?.bounds;
  if (area === undefined) return null;
  for (const word of ['Open', 'Select', 'Choose', 'Upload', 'OK']) {
    const found = candidatesFor(called(word), scene.observation, 'point')
      .filter(
        ({ element, visible }) =>
          visible !== null &&
          likeness(word, element.name) >= 0.97 &&
          contains(area, centerOf(element.bounds)) &&
          element.bounds.y > area.y + area.height * 0.6,
      )
      .sort((a, b) => b.element.bounds.x - a.element.bounds.x);
    if (found[0] !== undefined) return found[0];
  }
  return null;
}
