import { assertNever } from '@deskhand/base';
import type { Intent } from './intent.ts';
import { CutShort, LOOK, type Move, type Scene } from './scene.ts';
import { checkFile, checkPage, checkState, checkValue, checkVisible } from './skills/checking.ts';
import { chooseMenu, selectOption, setChecked } from './skills/choosing.ts';
import { runCommand } from './skills/commands.ts';
import { doForEach, doIf, doRepeat, doRepeatUntil } from './skills/control.ts';
import { answerDialog, useControl } from './skills/controls.ts';
import { count } from './skills/counting.ts';
import { addEntry, appendLine, openFile, replaceText, uploadFile } from './skills/editing.ts';
import { closeWindow, focusWindow, goTo, openApplication } from './skills/opening.ts';
import { click, drag, hover } from './skills/pointing.ts';
import { press } from './skills/pressing.ts';
import { remember } from './skills/remembering.ts';
import { save, saveAs } from './skills/saving.ts';
import { clearField, typeText } from './skills/typing.ts';
import { scroll, wait, waitUntil } from './skills/waiting.ts';

/** How often a person is asked what became of an action their takeover cut short. */
const MAX_QUESTIONS = 3;

/**
 * Does an intent. What a takeover cut short is left to the person: they say whether it is done as it stands or
 * begun again. Asked for the smallest step, so that a repeat does not begin from its first turn.
 */
export function* perform(scene: Scene, intent: Intent): Move {
  for (;;) {
    try {
      yield* begin(scene, intent);
      return;
    } catch (error) {
      if (!(error instanceof CutShort)) throw error;
      if ((yield* askAboutCutShort(scene, error)) === 'done') return;
    }
  }
}

function* askAboutCutShort(scene: Scene, cut: CutShort): Move<'done' | 'again'> {
  const what = cut.left[0]?.type === 'type_text' ? 'Typing' : `The action ${cut.left[0]?.type ?? ''}`;
  const part =
    cut.left[0]?.type === 'type_text' ? 'part of the text may be there' : 'part of it may have happened';
  for (let asked = 0; asked < MAX_QUESTIONS; asked += 1) {
    const note = yield* scene.ask(
      `${cut.message} It is not repeated unasked.`,
      `${what} was interrupted after a person took over; ${part}. Please put it right, then answer “done” when this step is complete as it stands, or “again” when what was there is removed and the step is to be done from its beginning.`,
    );
    if (/^\s*(?:again|repeat|redo|retry|from (?:the|its) (?:start|beginning))\b/i.test(note ?? ''))
      return 'again';
    if (/^\s*(?:it(?:['’]s| is)\s+)?(?:done|complete|finished|ready|next|skip)\b/i.test(note ?? '')) {
      scene.doubts.push('a step that a takeover cut short was completed by a person');
      return 'done';
    }
  }
  throw cut;
}

/** Which skill does which intent. */
function begin(scene: Scene, intent: Intent): Move {
  switch (intent.type) {
    case 'open_application':
      return openApplication(scene, intent);
    case 'go_to':
      return goTo(scene, intent);
    case 'open_file':
      return openFile(scene, intent);
    case 'append_line':
      return appendLine(scene, intent);
    case 'replace_text':
      return replaceText(scene, intent);
    case 'upload_file':
      return uploadFile(scene, intent);
    case 'add_entry':
      return addEntry(scene, intent);
    case 'answer_dialog':
      return answerDialog(scene, intent);
    case 'use_control':
      return useControl(scene, intent);
    case 'click':
      return click(scene, intent);
    case 'hover':
      return hover(scene, intent);
    case 'drag':
      return drag(scene, intent);
    case 'type_text':
      return typeText(scene, intent);
    case 'clear':
      return clearField(scene, intent);
    case 'press':
      return press(scene, intent);
    case 'choose_menu':
      return chooseMenu(scene, intent);
    case 'select_option':
      return selectOption(scene, intent, typeText);
    case 'set_checked':
      return setChecked(scene, intent);
    case 'scroll':
      return scroll(scene, intent);
    case 'wait':
      return wait(scene, intent);
    case 'wait_until':
      return waitUntil(scene, intent);
    case 'run_command':
      return runCommand(scene, intent);
    case 'save_as':
      return saveAs(scene, intent);
    case 'save':
      return save(scene);
    case 'screenshot':
      return takeScreenshot(scene);
    case 'check_visible':
      return checkVisible(scene, intent);
    case 'check_value':
      return checkValue(scene, intent);
    case 'check_state':
      return checkState(scene, intent);
    case 'check_file':
      return checkFile(scene, intent);
    case 'check_page':
      return checkPage(scene, intent);
    case 'count':
      return count(scene, intent);
    case 'remember':
      return remember(scene, intent);
    case 'close_window':
      return closeWindow(scene, intent);
    case 'if':
      return doIf(scene, intent, perform);
    case 'repeat':
      return doRepeat(scene, intent, perform);
    case 'repeat_until':
      return doRepeatUntil(scene, intent, perform);
    case 'for_each':
      return doForEach(scene, intent, perform);
    case 'focus_window':
      return focusWindow(scene, intent);
    default:
      return assertNever(intent, 'intent');
  }
}

/** The loop keeps every frame that is looked at; a screenshot is one more look. */
function* takeScreenshot(scene: Scene): Move {
  yield* scene.look('Taking a screenshot; the frame is kept with this step.', LOOK);
  if (scene.observation.frame !== null) scene.proofs.push('a screenshot was taken');
}
