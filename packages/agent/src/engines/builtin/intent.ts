import type { MouseButton } from '@deskhand/protocol';
import type { ClauseText } from './clause-text.ts';
import type { RoleHint } from './roles.ts';
import type { Target } from './target.ts';

/** Text as the task gives it: literal, or the name of something remembered earlier. */
export type TextSource = Readonly<{ type: 'literal'; text: string } | { type: 'remembered'; name: string }>;

export type Direction = 'up' | 'down' | 'left' | 'right';

/** What one instruction asks for; the grammar's result and the plan's material. */
export type Intent = Readonly<
  /** `fresh`: to type into; what it shows already is somebody's. */
  | { type: 'open_application'; name: string; fresh?: true }
  /** An existing file, in the application's own dialog. */
  | { type: 'open_file'; path: string; application: string }
  | { type: 'go_to'; url: string }
  | {
      type: 'click';
      target: Target;
      button: MouseButton;
      clicks: 1 | 2 | 3;
      modifiers: readonly string[];
      /** The button stays down this long; left out for an ordinary click. */
      heldMs?: number;
    }
  | { type: 'hover'; target: Target }
  | { type: 'drag'; from: Target; to: Target }
  | {
      type: 'type_text';
      text: TextSource;
      into: Target | null;
      /** Enter afterwards. */
      submit: boolean;
      /** `replace`: the field holds only this afterwards. `append`: typed where the cursor is. */
      mode: 'replace' | 'append';
    }
  | { type: 'clear'; target: Target | null }
  /** A file of this computer into a page's file field. */
  | { type: 'upload_file'; path: string; into: Target | null }
  /** A line of its own at the end of the text in front. */
  | { type: 'append_line'; text: TextSource }
  /** Every place of one text becomes another, in the text in front or in a field of that name. */
  | { type: 'replace_text'; find: string; replacement: string }
  /** Into the page's field for new things ("todo", "item", …). */
  | { type: 'add_entry'; text: string; kind: string }
  /** The yes or no of the dialog, banner or browser box that stands on the screen. */
  | { type: 'answer_dialog'; how: 'accept' | 'dismiss' }
  /** A verb of the application ("delete", "archive") on one of its things, by the control that bears it. */
  | { type: 'use_control'; verb: string; object: Target | null; place: string | null; words: string }
  | {
      type: 'press';
      chords: readonly (readonly string[])[];
      times: number;
      on: Target | null;
      heldMs?: number;
    }
  | { type: 'choose_menu'; path: readonly string[] }
  | { type: 'select_option'; option: string; from: Target | null }
  | { type: 'set_checked'; target: Target; checked: boolean }
  | {
      type: 'scroll';
      direction: Direction | null;
      /** Wheel notches; `end`: as far as it goes. */
      amount: number | 'end';
      until: Target | null;
      inside: Target | null;
    }
  | { type: 'wait'; ms: number }
  | { type: 'wait_until'; target: Target; visible: boolean; ceilingMs: number }
  | { type: 'run_command'; command: string; ceilingMs: number }
  | { type: 'save_as'; path: string; overwrite: boolean }
  | { type: 'save' }
  | { type: 'screenshot' }
  | { type: 'check_visible'; target: Target; visible: boolean }
  | { type: 'check_value'; target: Target; how: 'equals' | 'contains'; text: string; expected: boolean }
  | {
      type: 'check_state';
      target: Target;
      state: 'checked' | 'enabled' | 'selected' | 'focused';
      expected: boolean;
    }
  | { type: 'check_file'; path: string; contains: string | null; expected: boolean }
  | { type: 'check_page'; part: 'title' | 'url'; how: 'equals' | 'contains'; text: string }
  | {
      type: 'remember';
      what: Target;
      name: string;
      /** Told in the run's summary, which is where the person reads the answer. */
      tell: boolean;
    }
  | {
      type: 'count';
      what: Counted;
      name: string;
      /** Told in the run's summary. */
      tell: boolean;
    }
  /** `all`: one after the other, whatever is open. */
  | { type: 'close_window'; title: string | null; all?: true }
  | { type: 'focus_window'; title: string }
  | {
      type: 'if';
      condition: Condition;
      expected: boolean;
      body: readonly Instruction[];
      otherwise: readonly Instruction[];
    }
  | { type: 'repeat'; times: number; body: readonly Instruction[] }
  | { type: 'repeat_until'; condition: Condition; body: readonly Instruction[] }
  | { type: 'for_each'; role: RoleHint; body: readonly Instruction[] }
>;

/** What is counted: things of one kind, and which of them. */
export type Counted = Readonly<{
  /** As the task calls them. */
  words: string;
  /** Null: a noun of the application's own ("tickets"): the rows of its table or the items of its list. */
  role: RoleHint | null;
  that: Readonly<
    | { type: 'text'; text: string; not: boolean }
    | { type: 'name'; text: string }
    /** A word of the task ("unread"), to be said by the thing itself. */
    | { type: 'word'; text: string }
    | { type: 'state'; state: 'checked' | 'enabled'; expected: boolean }
    | { type: 'column'; label: string; text: string; not: boolean }
  > | null;
  /** Name of the list, table or form they are in. */
  inside: string | null;
  /** All there are, those of this page alone, or those in sight alone. */
  scope: 'all' | 'page' | 'sight';
}>;

/** One instruction of a plan with the words it came from, typed text told by its length. */
export type Instruction = Readonly<{ intent: Intent; words: string }>;

/** What can be asked about the screen. */
export type Condition = Extract<
  Intent,
  { type: 'check_visible' | 'check_value' | 'check_state' | 'check_page' | 'check_file' }
>;
export type IntentType = Intent['type'];

/** Reads one clause; null when it is none of this family's business. */
export type IntentReader = (clause: ClauseText) => Intent | null;
