import { kindOfApplication } from './compounds/compound.ts';
import { mapTargets } from './control-flow.ts';
import type { Instruction, Intent, TextSource } from './intent.ts';
import { isOutput, type Target } from './target.ts';

/**
 * The second reading of a plan: what a step means follows from those before it (“it”, “its Edit button”, “paste it”,
 * “run ls” in a terminal that was just opened).
 */
export function settledPlan(steps: readonly Instruction[]): Instruction[] {
  return withPronounsRead(withRowsKept(withValuesCarried(withApplicationsKept(steps))));
}

/** An application that is in front already is not brought there again; a command goes into the terminal that was opened. */
function withApplicationsKept(steps: readonly Instruction[]): Instruction[] {
  let front: string | null = null;
  let justOpened = false;
  /** The terminal was opened for the person to see: commands are typed into it. */
  let openTerminal = false;
  /** What an editor shows then was typed by the task itself. */
  let editorOpened = false;
  const kept: Instruction[] = [];
  for (const [index, step] of steps.entries()) {
    const { intent } = step;
    const next = steps[index + 1];
    if (intent.type === 'open_application' || intent.type === 'focus_window') {
      const name = intent.type === 'open_application' ? intent.name : intent.title;
      const command =
        front === 'terminal' && intent.type === 'open_application' ? commandOf(step, name) : null;
      if (command !== null) {
        kept.push(openTerminal ? typedCommand(command, name) : command);
        justOpened = false;
        continue;
      }
      const kind = kindOfApplication(name);
      // Navigation opens the browser, and a command that is only run "in the terminal" needs no window.
      if (kind === 'browser' && next?.intent.type === 'go_to') continue;
      if (next?.intent.type === 'open_file' && kind === kindOfApplication(next.intent.application)) continue;
      if (
        kind === 'terminal' &&
        intent.type === 'focus_window' &&
        front !== 'terminal' &&
        next !== undefined
      ) {
        if (next.intent.type === 'run_command') continue;
        const asked = next.intent.type === 'open_application' ? commandOf(next, next.intent.name) : null;
        if (asked !== null) {
          front = 'terminal';
          openTerminal = false;
          continue;
        }
      }
      if (kind === 'terminal') openTerminal = true;
      if (kind === front && (intent.type === 'focus_window' || justOpened)) continue;
      front = kind;
      justOpened = true;
      kept.push(
        intent.type === 'open_application' && kind === 'editor' && !editorOpened && typesHere(next)
          ? { ...step, intent: { ...intent, fresh: true } }
          : step,
      );
      editorOpened ||= kind === 'editor';
      continue;
    }
    if (intent.type === 'go_to') front = 'browser';
    if (intent.type === 'open_file') {
      front = kindOfApplication(intent.application);
      editorOpened ||= front === 'editor';
    }
    if (intent.type === 'close_window') front = null;
    kept.push(
      front === 'terminal' &&
        openTerminal &&
        intent.type === 'run_command' &&
        !asksForOutput(steps.slice(index + 1))
        ? typedCommand(step, intent.command)
        : step,
    );
    justOpened = false;
  }
  return kept;
}

/** What a window shows is not all a command printed: asked for, it is run where its output is had whole. */
function asksForOutput(later: readonly Instruction[]): boolean {
  const next = later.findIndex(({ intent }) => intent.type === 'run_command');
  return later.slice(0, next === -1 ? undefined : next).some(({ intent }) => {
    if (intent.type === 'remember') return isOutput(intent.what);
    return 'text' in intent && typeof intent.text === 'object' && intent.text.type === 'remembered'
      ? /output/.test(intent.text.name)
      : false;
  });
}

function typesHere(next: Instruction | undefined): boolean {
  return next?.intent.type === 'type_text' && next.intent.into === null;
}

/** "run ls -la" reads like an application; in a terminal it is a command. */
function commandOf(step: Instruction, name: string): Instruction | null {
  return /^(?:run|execute|start)\b/i.test(step.words) && kindOfApplication(name) === name.trim().toLowerCase()
    ? { ...step, intent: { type: 'run_command', command: name, ceilingMs: 30_000 } }
    : null;
}

function typedCommand(step: Instruction, command: string): Instruction {
  const text: TextSource = { type: 'literal', text: command };
  return { ...step, intent: { type: 'type_text', text, into: null, submit: true, mode: 'append' } };
}

/** "Copy the code, open the editor, paste it": what was copied by its name is typed; "save it as …" makes a file of it. */
function withValuesCarried(steps: readonly Instruction[]): Instruction[] {
  let copied: string | null = null;
  let previous: Intent | null = null;
  return steps.flatMap((step): Instruction[] => {
    const { intent } = step;
    const before = previous;
    previous = intent;
    if (intent.type === 'remember' || intent.type === 'count') copied = intent.name;
    if (intent.type !== 'press' && intent.type !== 'save_as') return [step];
    const chord = intent.type === 'press' ? intent.chords.map((keys) => keys.join('+')).join(' ') : '';
    if (chord === 'ctrl+c' || chord === 'ctrl+x') copied = null;
    if (copied === null) return [step];
    const text: TextSource = { type: 'remembered', name: copied };
    const typed: Intent = { type: 'type_text', text, into: null, submit: false, mode: 'append' };
    if (chord === 'ctrl+v') return [{ ...step, intent: typed }];
    if (intent.type === 'save_as' && (before?.type === 'remember' || before?.type === 'count'))
      return [
        { ...step, intent: { type: 'open_application', name: 'text editor' } },
        { ...step, intent: typed },
        step,
      ];
    return [step];
  });
}

/** "Find the row of Alice and click Edit": what has no place of its own is meant in that row, until the page changes. */
function withRowsKept(steps: readonly Instruction[]): Instruction[] {
  let row: Target | null = null;
  return steps.map((step) => {
    const { intent } = step;
    if (intent.type === 'scroll' && intent.until?.role === 'row') {
      row = { ...intent.until, role: null };
      return { ...step, intent: { ...intent, until: row } };
    }
    if (row === null || !STAYS_IN_ROW.has(intent.type)) {
      row = null;
      return step;
    }
    const place = row;
    if (intent.type === 'click') row = null;
    return {
      ...step,
      intent: mapTargets(intent, (target) =>
        target.near === null && !isPronoun(target)
          ? { ...target, phrase: null, near: { relation: 'row', target: place } }
          : target,
      ),
    };
  });
}

const STAYS_IN_ROW: ReadonlySet<Intent['type']> = new Set([
  'click',
  'set_checked',
  'select_option',
  'check_visible',
  'remember',
  'type_text',
]);

/** "Wait until “Reject all” is visible and click it": what the instruction before was about. */
function withPronounsRead(steps: readonly Instruction[]): Instruction[] {
  let meant: Target | null = null;
  return steps.map((step) => {
    const { intent } = step;
    if (
      intent.type === 'click' &&
      meant !== null &&
      intent.target.near !== null &&
      isPronoun(intent.target.near.target)
    ) {
      const near = { ...intent.target.near, target: meant };
      return { ...step, intent: { ...intent, target: { ...intent.target, phrase: null, near } } };
    }
    if (intent.type === 'use_control') {
      if (meant === null || intent.object === null || !isPronoun(intent.object)) return step;
      return { ...step, intent: { ...intent, object: meant } };
    }
    if (intent.type === 'click' || intent.type === 'hover' || intent.type === 'set_checked') {
      if (meant !== null && isPronoun(intent.target))
        return { ...step, intent: { ...intent, target: meant } };
      meant = intent.target;
    } else meant = shownBy(intent);
    return step;
  });
}

/** What is on the screen once this instruction is done; null when it is about something else. */
function shownBy(intent: Intent): Target | null {
  if (intent.type === 'wait_until' || intent.type === 'check_visible')
    return intent.visible ? intent.target : null;
  if (intent.type === 'add_entry')
    return { text: intent.text, phrase: null, quoted: true, role: null, ordinal: null, near: null };
  return intent.type === 'scroll' ? intent.until : null;
}

function isPronoun({ text, quoted, role, ordinal, near }: Target): boolean {
  const bare = role === null && ordinal === null && near === null && !quoted;
  return bare && /^(?:it|that|this)$/i.test(text ?? '');
}
