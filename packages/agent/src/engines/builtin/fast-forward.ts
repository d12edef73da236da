import { type Operation, type Outcome, wasDone } from '@deskhand/protocol';
import type { HistoryEntry } from '../../ports.ts';
import type { Instruction, Intent } from './intent.ts';
import { mayBeRedone } from './redoing.ts';

/** Where a plan stands after a restart. */
export type Standing = Readonly<
  | { type: 'at'; index: number }
  /** The history fits more than one place, or stops inside a step that must not be begun again. */
  | { type: 'unclear'; earliest: number; latest: number }
  /** Its last operation broke midway and must not be done twice; `operation` says which kind. */
  | { type: 'broken'; earliest: number; latest: number; operation: Operation['type'] }
>;

/**
 * Which step of the plan comes next, judged by what the history says was done. Each step leaves a pattern of
 * operations, and each operation the mark of its step, except one that was under way when the server died.
 * Where the history can be read in two ways and the difference would do something twice or not at all, a
 * person decides.
 */
export function standingOf(steps: readonly Instruction[], earlier: readonly HistoryEntry[]): Standing {
  const standing = standingByWhatWasDone(steps, earlier);
  const last = earlier.at(-1);
  // Broken midway: part of it may have happened, so nobody but a person can tell whether to do it (again).
  if (last === undefined || last.outcome.status !== 'failed' || mayBeRedone(last.operation)) return standing;
  const mark = markOf(last.outcome) ?? (standing.type === 'at' ? standing.index : null);
  const { earliest, latest } =
    mark === null && standing.type !== 'at' ? standing : { earliest: mark ?? 0, latest: (mark ?? 0) + 1 };
  return { type: 'broken', earliest, latest, operation: last.operation.type };
}

function standingByWhatWasDone(steps: readonly Instruction[], earlier: readonly HistoryEntry[]): Standing {
  const done = earlier.filter(({ outcome }) => wasDone(outcome));
  const base = Math.max(0, ...done.map(({ outcome }) => markOf(outcome) ?? 0));
  const lastMarked = done.findLastIndex(({ outcome }) => markOf(outcome) !== null);
  const letters = (entries: readonly HistoryEntry[]) =>
    entries.map(({ operation, outcome }) => letterOf(operation, outcome)).join('');
  const marked = letters(done.slice(0, lastMarked + 1).filter(({ outcome }) => markOf(outcome) === base));
  const tail = letters(done.slice(lastMarked + 1));
  if (marked === '' && tail === '') return { type: 'at', index: base };

  const rest = steps.slice(base);
  const standing = standingWithin(rest, marked, tail);
  return standing.type === 'at'
    ? { type: 'at', index: base + standing.index }
    : { type: 'unclear', earliest: base + standing.earliest, latest: base + standing.latest };
}

/** The mark the run loop put on an operation: the number of its plan step, 0-based. */
function markOf(outcome: Outcome): number | null {
  const mark: unknown = (outcome as { mark?: unknown }).mark;
  const index = typeof mark === 'string' ? Number(mark) : Number.NaN;
  return Number.isInteger(index) && index >= 0 ? index : null;
}

/** @param marked letters known to belong to the first of `steps`. @param tail letters after them, of unknown steps. */
function standingWithin(steps: readonly Instruction[], marked: string, tail: string): Standing {
  const first = steps[0]?.intent;
  // One click on a drop-down opened it, or chose a radio button: choosing again is right for both.
  if (first?.type === 'select_option' && /^[Cc]$/.test(marked + tail)) return { type: 'at', index: 0 };
  const exact = placesFor(steps, marked, tail);
  if (exact.length > 0) return settled(steps, exact);
  // The history ends inside a step: find the longest beginning that is whole steps.
  for (let length = tail.length - 1; length >= 0; length -= 1) {
    const places = placesFor(steps, marked, tail.slice(0, length));
    if (places.length === 0) continue;
    const standing = settled(steps, places);
    const next = standing.type === 'at' ? steps[standing.index]?.intent : undefined;
    if (standing.type === 'at' && next !== undefined && mayBeginAgain(next, tail.slice(length)))
      return standing;
    return { type: 'unclear', earliest: Math.min(...places), latest: Math.max(...places) };
  }
  if (first !== undefined && mayBeginAgain(first, marked + tail)) return { type: 'at', index: 0 };
  return { type: 'unclear', earliest: 0, latest: Math.min(1, steps.length) };
}

/** Numbers of leading steps whose patterns, put together, are exactly these letters. */
function placesFor(steps: readonly Instruction[], marked: string, tail: string): number[] {
  const places: number[] = [];
  if (marked === '' && tail === '') places.push(0);
  const first = steps[0]?.intent;
  if (first === undefined) return places;
  for (let taken = 0; taken <= tail.length; taken += 1) {
    if (!new RegExp(`^(?:${patternOf(first)})$`).test(marked + tail.slice(0, taken))) continue;
    const others = tail.slice(taken);
    let patterns = '';
    for (let count = 1; count <= steps.length; count += 1) {
      if (new RegExp(`^${patterns}$`).test(others)) places.push(count);
      const intent = steps[count]?.intent;
      if (intent !== undefined) patterns += `(?:${patternOf(intent)})`;
    }
  }
  return [...new Set(places)];
}

/** Several places are as good as one when everything between them can be done again without harm. */
function settled(steps: readonly Instruction[], places: readonly number[]): Standing {
  const earliest = Math.min(...places);
  const latest = Math.max(...places);
  // How far a repeat had come cannot be read off its operations.
  const before = steps[earliest - 1]?.intent;
  if (before !== undefined && isControl(before)) return { type: 'unclear', earliest: earliest - 1, latest };
  const harmless = steps.slice(earliest, latest).every(({ intent }) => isRepeatable(intent));
  return harmless ? { type: 'at', index: earliest } : { type: 'unclear', earliest, latest };
}

function isControl({ type }: Intent): boolean {
  return type === 'if' || type === 'repeat' || type === 'repeat_until' || type === 'for_each';
}

/** One letter per operation that leaves a mark; looking, waiting and scrolling leave none. */
function letterOf(operation: Operation, outcome: Outcome): string {
  switch (operation.type) {
    case 'click':
      return outcome.status === 'no_effect' ? 'c' : 'C';
    case 'type_text':
      return 'T';
    case 'key_press':
      return 'K';
    case 'key_combo':
      return 'H';
    case 'open_application':
      return 'O';
    case 'browser_navigate':
      return 'N';
    case 'run_command':
      return 'R';
    case 'focus_window':
      return 'F';
    case 'close_window':
      return 'W';
    case 'drag':
      return 'D';
    default:
      return '';
  }
}

const CLICK = '[Cc]';

function patternOf(intent: Intent): string {
  switch (intent.type) {
    case 'open_application':
      return 'OF?';
    case 'focus_window':
      return '(?:F|OF?)?';
    case 'open_file':
      return 'OF?HH?TK{1,3}';
    case 'upload_file':
      return `${CLICK}TK{1,3}`;
    case 'append_line':
      return `${CLICK}?HT`;
    case 'replace_text':
      return `${CLICK}?HT`;
    case 'add_entry':
      return `${CLICK}?H?TK?${CLICK}?`;
    case 'answer_dialog':
      return `C|c${CLICK}?|K`;
    case 'use_control':
      return `(?:C|c${CLICK}?)+`;
    case 'go_to':
      return 'N';
    case 'click':
      return `C|c${CLICK}?`;
    case 'type_text': {
      const enter = intent.submit ? 'K' : '';
      if (intent.into === null) return `T${enter}|TCT`;
      // What looked like a field may have been a drop-down.
      return `${CLICK}?H?T${enter}|${CLICK}${CLICK}`;
    }
    case 'clear':
      return `${CLICK}?HK`;
    case 'press': {
      // Enter in a file dialog may have been a click on its button.
      if (intent.on === null && intent.times === 1 && intent.chords.flat().join() === 'enter')
        return `(?:K|${CLICK})`;
      const singles = intent.chords.every((keys) => keys.length === 1);
      const once = intent.chords.map((keys) => (keys.length === 1 ? 'K' : 'H')).join('');
      return `${intent.on === null ? '' : CLICK}${singles ? 'K' : once.repeat(intent.times)}`;
    }
    case 'choose_menu':
      return `(?:C|c${CLICK}?){${intent.path.length}}`;
    case 'select_option':
      return intent.from === null ? `C|c${CLICK}?` : `(?:${CLICK}(?:${CLICK}|TK)?)?`;
    case 'set_checked':
      return `${CLICK}?`;
    case 'save_as':
      return `HH?${CLICK}?HTK{1,4}${CLICK}?K?`;
    case 'save':
      return 'H';
    case 'run_command':
      return 'R';
    case 'close_window':
      return 'W';
    case 'drag':
      return 'D';
    case 'if':
    case 'repeat':
    case 'repeat_until':
    case 'for_each':
      return '[A-Za-z]*';
    default:
      return '';
  }
}

/** Doing it again changes nothing more. */
function isRepeatable(intent: Intent): boolean {
  switch (intent.type) {
    case 'set_checked':
    case 'select_option':
    case 'scroll':
    case 'wait':
    case 'wait_until':
    case 'screenshot':
    case 'check_visible':
    case 'check_value':
    case 'check_state':
    case 'check_file':
    case 'check_page':
    case 'remember':
    case 'count':
    case 'hover':
    case 'focus_window':
    case 'clear':
      return true;
    case 'type_text':
      return intent.mode === 'replace' && !intent.submit;
    default:
      return false;
  }
}

/** A step that was cut off after `begun` may start over. */
function mayBeginAgain(intent: Intent, begun: string): boolean {
  if (isRepeatable(intent)) return true;
  switch (intent.type) {
    case 'type_text':
      return !begun.includes('T') || (intent.mode === 'replace' && !begun.includes('K'));
    case 'save_as':
      return !begun.includes('K');
    default:
      return false;
  }
}
