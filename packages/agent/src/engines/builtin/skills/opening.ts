import type { OperationInput, WindowInfo } from '@deskhand/protocol';
import { typingField } from '../expectations.ts';
import type { Intent } from '../intent.ts';
import { yesOrNo } from '../questions.ts';
import { failureOf, LOOK, type Move, type Scene, TaskFailure } from '../scene.ts';
import { windowNamed } from '../windows.ts';
import { containsText } from '../wording.ts';

export function* openApplication(
  scene: Scene,
  { name, fresh }: Extract<Intent, { type: 'open_application' }>,
): Move {
  yield* bringUp(scene, name);
  if (fresh === true) yield* beginDocument(scene, name);
}

/** An editor that was open already, or opens what it showed last, may show somebody's text. @throws TaskFailure */
function* beginDocument(scene: Scene, name: string): Move {
  const shows = () => (typingField(scene)?.value ?? '') !== '';
  if (!shows()) return;
  const failure = failureOf(
    yield* scene.act(`“${name}” shows a text already. Pressing Ctrl+N. Expecting an empty document.`, [
      { type: 'key_combo', keys: ['ctrl', 'n'] },
    ]),
  );
  for (const afterMs of [0, 300, 800, 1500]) {
    if (afterMs > 0) yield* scene.look('Waiting for the empty document.', LOOK, afterMs);
    if (!shows()) return;
  }
  throw new TaskFailure(
    `“${name}” shows a text that is not this task's, and no new document opened${failure === null ? '' : ` (${failure.message ?? failure.status})`}; nothing was typed`,
  );
}

function* bringUp(scene: Scene, name: string): Move {
  const before = new Set(scene.observation.windows.map(({ id }) => id));
  const outcomes = yield* scene.act(`Opening “${name}”. Expecting its window to come to the front.`, [
    { type: 'open_application', name },
  ]);
  const failure = failureOf(outcomes);
  if (failure !== null)
    throw new TaskFailure(`Could not open “${name}”: ${failure.message ?? failure.code ?? failure.status}.`);
  const windowId = outcomes[0]?.result?.window_id;
  for (const afterMs of [0, 300, 700, 1500]) {
    if (afterMs > 0) yield* scene.look(`Waiting for the window of “${name}”.`, LOOK, afterMs);
    const active = scene.activeWindow;
    if (active === null) continue;
    if (typeof windowId !== 'string' || active.id === windowId || !before.has(active.id)) return;
    if (containsText(active.application, name) || containsText(active.title, name)) return;
  }
  if (typeof windowId === 'string' && scene.observation.windows.some(({ id }) => id === windowId)) {
    const unfocused = failureOf(
      yield* scene.act(`“${name}” is open but not in front; bringing it forward.`, [
        { type: 'focus_window', windowId },
      ]),
    );
    if (unfocused === null) return;
    throw new TaskFailure(
      `“${name}” could not be brought to the front: ${unfocused.message ?? unfocused.code ?? unfocused.status}.`,
    );
  }
  if (scene.isBare && outcomes[0]?.status !== 'confirmed')
    throw new TaskFailure(`“${name}” was started but no window of it appeared.`);
  scene.doubts.push(`opening “${name}” brought no new window to the front`);
}

export function* goTo(scene: Scene, { url }: Extract<Intent, { type: 'go_to' }>): Move {
  const outcomes = yield* scene.act(`Going to ${url} in the browser. Expecting the page to load.`, [
    { type: 'browser_navigate', url },
  ]);
  const failure = failureOf(outcomes);
  if (failure !== null)
    throw new TaskFailure(`Could not go to ${url}: ${failure.message ?? failure.code ?? failure.status}.`);
  for (const afterMs of [0, 300, 800, 1500]) {
    if (afterMs > 0) yield* scene.look('Waiting for the page.', LOOK, afterMs);
    const { page } = scene.observation;
    if (page === null || page.loading) continue;
    if (/^chrome-error:/i.test(page.url)) throw new TaskFailure(`${url} could not be loaded.`);
    return;
  }
}

export function* closeWindow(scene: Scene, { title, all }: Extract<Intent, { type: 'close_window' }>): Move {
  if (all === true) return yield* closeEach(scene);
  const window = title === null ? scene.activeWindow : windowNamed(scene.observation.windows, title);
  if (title !== null && window === null)
    throw new TaskFailure(`There is no window “${title}”; ${openWindows(scene)}.`);
  yield* closeOne(scene, window);
}

/** One that a person keeps open is asked about once. */
function* closeEach(scene: Scene): Move {
  const tried = new Set<string>();
  for (;;) {
    const next = scene.observation.windows.find(({ id }) => !tried.has(id));
    if (next === undefined) return;
    tried.add(next.id);
    yield* closeOne(scene, next);
  }
}

function* closeOne(scene: Scene, window: WindowInfo | null): Move {
  const operation: OperationInput =
    window === null ? { type: 'close_window' } : { type: 'close_window', windowId: window.id };
  const what = window === null ? 'the active window' : `“${window.title.slice(0, 80)}”`;
  const failure = failureOf(yield* scene.act(`Closing ${what}. Expecting it to be gone.`, [operation]));
  if (failure !== null)
    throw new TaskFailure(`Could not close ${what}: ${failure.message ?? failure.status}.`);
  if (window === null) return;
  for (const afterMs of [0, 200, 500, 1000]) {
    if (afterMs > 0) yield* scene.look(`Waiting for ${what} to close.`, LOOK, afterMs);
    if (!scene.observation.windows.some(({ id }) => id === window.id)) return;
  }
  const note = yield* scene.ask(
    `${what} did not close; it may be asking about unsaved work.`,
    `${what} is still open, perhaps with a question about unsaved changes. Please answer it on the desktop, then resume.`,
  );
  if (yesOrNo(note) === false) return;
  if (scene.observation.windows.some(({ id }) => id === window.id))
    throw new TaskFailure(`${what} did not close.`);
}

export function* focusWindow(scene: Scene, { title }: Extract<Intent, { type: 'focus_window' }>): Move {
  const window = windowNamed(scene.observation.windows, title);
  // Nothing by that name is open: "switch to the terminal" then means to start one.
  if (window === null) return yield* openApplication(scene, { type: 'open_application', name: title });
  if (window.id === scene.observation.activeWindowId) return;
  const operation: OperationInput = { type: 'focus_window', windowId: window.id };
  const failure = failureOf(
    yield* scene.act(`Bringing the window “${title}” forward. Expecting it to be active.`, [operation]),
  );
  if (failure !== null) throw new TaskFailure(`There is no window “${title}”; ${openWindows(scene)}.`);
}

function openWindows(scene: Scene): string {
  const titles = scene.observation.windows.map(({ title }) => `“${title.slice(0, 60)}”`);
  return titles.length === 0 ? 'no window is open' : `open are ${titles.slice(0, 8).join(', ')}`;
}
