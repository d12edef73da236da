import { hasSecretReference } from '@deskhand/protocol';
import type { Counted, Intent } from '../engines/builtin/intent.ts';
import type { PlanStep } from '../engines/builtin/plan.ts';
import type { Target } from '../engines/builtin/target.ts';

/** One thing that must be true in the end if the task was done, derived from the task alone. */
export type Check = Readonly<
  (
    | {
        type: 'file';
        path: string;
        exists: boolean;
        contains: readonly string[];
        /** Texts the task had taken away again before it was saved. */
        lacks: readonly string[];
        /** Added as a line of its own, and nothing behind it: "unread" is not the line "read". */
        lastLine?: string | undefined;
        /** How many values read off the screen were typed into it: what they were, only the journal knows. */
        remembered?: number;
      }
    | { type: 'visible'; target: Target; visible: boolean }
    | { type: 'field'; target: Target; text: string; how: 'equals' | 'contains'; expected: boolean }
    | { type: 'ticked'; target: Target; checked: boolean }
    | { type: 'option'; target: Target; option: string }
    | { type: 'page'; part: 'title' | 'url'; how: 'equals' | 'contains'; text: string }
    | { type: 'window'; name: string }
    /** Text that was typed where the cursor was and saved nowhere: it must stand in the application. */
    | { type: 'typed'; texts: readonly string[] }
    | { type: 'command'; command: string }
    /** The number that was told, or typed into that field, is how many there are. */
    | { type: 'counted'; what: Counted; name: string; into: Target | null }
    /** A verb was done to one thing of a list by the control in its row: the row shows that. */
    | { type: 'done_to'; verb: string; control: Target; object: Target }
  ) & {
    /** A later step may have ended it: judged where it can still be read, else left out. */
    mayBeGone?: boolean;
  }
>;

/**
 * What the task promises about the end. A later step may undo an earlier promise (a page that was left, a
 * form that was sent away), so only promises that nothing after them can have ended are kept.
 */
export function checksOf(steps: readonly PlanStep[]): Check[] {
  const checks: Check[] = [];
  let typed: string[] = [];
  let gone: string[] = [];
  /** Names of remembered values that were typed where the cursor was. */
  let names = new Set<string>();
  /** Texts that were added as lines. */
  const appended = new Set<string>();
  const lastLine = () => {
    const last = typed.at(-1);
    return last !== undefined && appended.has(last) && names.size === 0 ? last : undefined;
  };
  /** Everything is selected: what is typed or deleted next takes it all away. */
  let selected: readonly string[] | null = null;
  const takenAway = () => gone.filter((text) => !typed.some((kept) => kept.includes(text)));
  /** Promises about the page in front; gone with the next page. */
  let onPage: Check[] = [];
  const mayBeGone = new Set<Check>();
  const leavePage = () => {
    onPage = [];
  };
  /** The file that was opened: what is saved without a name goes there. */
  let openFile: string | null = null;
  /** A chord may have opened a dialog, whose field takes what is typed next. */
  let inDialog = false;
  /** What was done last to one thing of a list; the next page may be another list. */
  let doneTo: Check | null = null;
  /** What was counted, by the names it can be typed under. */
  const counted = new Map<string, Counted>();
  for (const { intent } of steps) {
    if (!MAY_KEEP_SELECTION.has(intent.type)) selected = null;
    switch (intent.type) {
      case 'open_application':
        typed = [];
        names = new Set();
        gone = [];
        selected = null;
        openFile = null;
        inDialog = false;
        leavePage();
        onPage.push({ type: 'window', name: intent.name });
        break;
      case 'focus_window':
        inDialog = false;
        leavePage();
        onPage.push({ type: 'window', name: intent.title });
        break;
      case 'open_file':
        typed = [];
        names = new Set();
        gone = [];
        selected = null;
        openFile = intent.path;
        inDialog = false;
        leavePage();
        onPage.push({ type: 'window', name: intent.path.split(/[\\/]/).at(-1) ?? intent.path });
        break;
      case 'append_line':
        if (intent.text.type === 'literal') {
          typed.push(intent.text.text);
          appended.add(intent.text.text);
        }
        break;
      case 'replace_text':
        typed = typed.map((text) => text.replaceAll(intent.find, intent.replacement));
        if (!intent.replacement.includes(intent.find)) gone.push(intent.find);
        if (intent.replacement !== '') typed.push(intent.replacement);
        break;
      case 'add_entry':
        leavePage();
        onPage.push({ type: 'visible', target: textTarget(intent.text), visible: true });
        break;
      case 'go_to':
        leavePage();
        onPage.push({ type: 'page', part: 'url', how: 'equals', text: intent.url });
        break;
      case 'type_text':
        if (intent.into === null && selected !== null) gone.push(...selected);
        selected = null;
        if (!inDialog) {
          typed.push(...typedText(intent));
          if (intent.text.type === 'remembered' && intent.into === null) names.add(intent.text.name);
        }
        onPage.push(...fieldCheck(intent));
        if (intent.text.type === 'remembered' && intent.into !== null && !intent.submit) {
          const { name } = intent.text;
          const what = counted.get(name);
          if (what !== undefined) onPage.push({ type: 'counted', what, name, into: intent.into });
        }
        if (intent.submit) leavePage();
        break;
      case 'clear':
        if (intent.target === null) gone.push(...typed);
        selected = null;
        typed = [];
        names = new Set();
        leavePage();
        break;
      case 'press':
        for (const chord of intent.chords) {
          if (chord.join('+') === 'ctrl+a') selected = [...(selected ?? []), ...typed];
          else if (selected !== null && DELETES.has(chord.join('+'))) {
            gone.push(...selected);
            selected = null;
          } else if (!LEAVES_SELECTION.has(chord.join('+'))) selected = null;
        }
        // Keys may have changed what was typed; only these leave it as it is.
        if (!intent.chords.every((keys) => KEEPS_TEXT.has(keys.join('+')))) {
          typed = [];
          names = new Set();
        }
        inDialog = intent.chords.some((keys) => keys.length > 1 && !STAYS_IN_TEXT.has(keys.join('+')));
        leavePage();
        break;
      case 'save': {
        // The file saved before now holds something newer than the task's first text.
        const file = checks.findLast((check) => check.type === 'file');
        if (file?.type === 'file')
          checks[checks.indexOf(file)] = {
            ...file,
            contains: typed,
            lacks: takenAway(),
            lastLine: lastLine(),
            remembered: names.size,
          };
        else if (openFile !== null)
          checks.push({
            type: 'file',
            path: openFile,
            exists: true,
            contains: typed,
            lacks: takenAway(),
            lastLine: lastLine(),
            remembered: names.size,
          });
        // A form may be sent away by it; a page that stays is judged.
        else for (const check of onPage) if (isInForm(check)) mayBeGone.add(check);
        break;
      }
      case 'save_as':
        checks.push({
          type: 'file',
          path: intent.path,
          exists: true,
          contains: typed,
          lacks: takenAway(),
          lastLine: lastLine(),
          remembered: names.size,
        });
        typed = [];
        names = new Set();
        break;
      case 'check_file':
        checks.push({
          type: 'file',
          path: intent.path,
          exists: intent.expected || intent.contains !== null,
          contains: intent.contains !== null && intent.expected ? [intent.contains] : [],
          lacks: [],
        });
        break;
      case 'count':
        for (const name of ['number', 'count', 'result', intent.name]) counted.set(name, intent.what);
        if (intent.tell) onPage.push({ type: 'counted', what: intent.what, name: intent.name, into: null });
        break;
      case 'set_checked':
        onPage.push({ type: 'ticked', target: intent.target, checked: intent.checked });
        break;
      case 'select_option':
        if (intent.from !== null) onPage.push({ type: 'option', target: intent.from, option: intent.option });
        break;
      case 'check_visible':
        onPage.push({ type: 'visible', target: intent.target, visible: intent.visible });
        break;
      case 'check_value':
        onPage.push({
          type: 'field',
          target: intent.target,
          text: intent.text,
          how: intent.how,
          expected: intent.expected,
        });
        break;
      case 'check_state':
        if (intent.state === 'checked' || intent.state === 'selected')
          onPage.push({ type: 'ticked', target: intent.target, checked: intent.expected });
        break;
      case 'check_page':
        onPage.push({ type: 'page', part: intent.part, how: intent.how, text: intent.text });
        break;
      case 'wait_until':
        onPage.push({ type: 'visible', target: intent.target, visible: intent.visible });
        break;
      case 'run_command':
        checks.push({ type: 'command', command: intent.command });
        break;
      default:
        // A click, a key or a closed window may change the page: what was promised before may be over.
        if (MAY_LEAVE.has(intent.type)) leavePage();
    }
    if (!KEEPS_PAGE.has(intent.type)) doneTo = doneToRow(intent);
  }
  // Typed and never saved: an open window alone is no proof of it.
  const proofs = [...checks, ...onPage];
  if (typed.length > 0 && proofs.every(({ type }) => type === 'window'))
    proofs.push({ type: 'typed', texts: typed });
  // Where the task says nothing about the end, the row itself may.
  if (doneTo !== null && proofs.every(({ type }) => type === 'window')) proofs.push(doneTo);
  return proofs.map((check) => (mayBeGone.has(check) ? { ...check, mayBeGone: true } : check));
}

/** "Click the Star button in the row of X", "star X": what must be seen in that row afterwards. */
function doneToRow(intent: Intent): Check | null {
  if (intent.type === 'use_control')
    return intent.object === null || intent.object.text === null
      ? null
      : {
          type: 'done_to',
          verb: intent.verb,
          control: { ...textTarget(intent.verb), role: 'button' },
          object: intent.object,
        };
  if (intent.type !== 'click' || intent.clicks !== 1 || intent.button !== 'left') return null;
  const { near, text, phrase } = intent.target;
  const verb = text ?? phrase;
  if (near?.relation !== 'row' || verb === null) return null;
  return {
    type: 'done_to',
    verb: verb.toLowerCase(),
    control: { ...intent.target, near: null },
    object: near.target,
  };
}

const KEEPS_PAGE: ReadonlySet<Intent['type']> = new Set([
  'screenshot',
  'wait',
  'check_file',
  'remember',
  'count',
]);

function isInForm({ type }: Check): boolean {
  return type === 'field' || type === 'ticked' || type === 'option';
}

const MAY_KEEP_SELECTION: ReadonlySet<Intent['type']> = new Set([
  'press',
  'type_text',
  'clear',
  'save',
  'wait',
  'screenshot',
]);

const DELETES: ReadonlySet<string> = new Set(['delete', 'backspace', 'ctrl+x']);
const LEAVES_SELECTION: ReadonlySet<string> = new Set(['ctrl+c', 'ctrl+s']);

/** Keys that add or move but take nothing away. */
const KEEPS_TEXT: ReadonlySet<string> = new Set([
  'ctrl+end',
  'ctrl+home',
  'enter',
  'up',
  'down',
  'left',
  'right',
  'home',
  'end',
  'page_up',
  'page_down',
]);

/** Chords that open no dialog. */
const STAYS_IN_TEXT: ReadonlySet<string> = new Set([
  ...KEEPS_TEXT,
  ...['ctrl+a', 'ctrl+c', 'ctrl+v', 'ctrl+x', 'ctrl+z', 'ctrl+y', 'shift+tab', 'shift+enter'],
]);

const MAY_LEAVE: ReadonlySet<Intent['type']> = new Set([
  'click',
  'choose_menu',
  'close_window',
  'drag',
  'answer_dialog',
  'use_control',
  'upload_file',
  'if',
  'repeat',
  'repeat_until',
  'for_each',
]);

function textTarget(text: string): Target {
  return { text, phrase: null, quoted: true, role: null, ordinal: null, near: null };
}

function typedText(intent: Extract<Intent, { type: 'type_text' }>): string[] {
  if (typesSecret(intent)) return [];
  return intent.text.type === 'literal' && intent.into === null ? [intent.text.text] : [];
}

/** Its value is told to nobody, so that nothing on the screen can be compared with it. */
function typesSecret({ text }: Extract<Intent, { type: 'type_text' }>): boolean {
  return text.type === 'literal' && hasSecretReference(text.text);
}

function fieldCheck(intent: Extract<Intent, { type: 'type_text' }>): Check[] {
  if (typesSecret(intent)) return [];
  if (intent.text.type !== 'literal' || intent.into === null || intent.submit) return [];
  const how = intent.mode === 'replace' ? 'equals' : 'contains';
  return [{ type: 'field', target: intent.into, text: intent.text.text, how, expected: true }];
}
