import { z } from 'zod';
import { Point } from './geometry.ts';
import { FrameId } from './ids.ts';
import { describeTypedText } from './secret-reference.ts';

/**
 * Everything an engine may ask a machine to do. One list: engines, the link, policy, the journal
 * and the tool schemas given to models all derive from it.
 *
 * *Actions* (input) go to hands; *tools* are done by the daemon itself. Both are at most once,
 * need a live lease and the policy's yes, and answer with an {@link Outcome}.
 */

export const MAX_TYPED_CHARACTERS = 100_000;
export const MAX_OPERATIONS_PER_COMMAND = 32;

export const MouseButton = z.enum(['left', 'middle', 'right', 'back', 'forward']);
export type MouseButton = z.infer<typeof MouseButton>;

/** A key by its canonical name (`enter`, `ctrl`, `f5`, `page_down`) or one printable character. See key-names.ts. */
export const KeyName = z.string().min(1).max(32).meta({ title: 'Key name' });
export type KeyName = z.infer<typeof KeyName>;

/** A point in the frame the operation names. */
const point = Point.meta({ description: 'Pixels of the named frame; fractions allowed.' });
const modifiers = z.array(KeyName).max(4).default([]).meta({ description: 'Keys held during the action.' });

/** Let go of within the same action: nothing stays down between two. */
const heldMs = z
  .int()
  .min(0)
  .max(30_000)
  .optional()
  .meta({ description: 'Milliseconds to keep it down before letting go; left out for an ordinary press.' });

export const ClickAction = z
  .strictObject({
    type: z.literal('click'),
    point,
    button: MouseButton.default('left'),
    clicks: z.int().min(1).max(3).default(1),
    modifiers,
    heldMs,
  })
  .meta({ title: 'Click', description: 'Click at a point, one to three times.' });

export const MoveAction = z
  .strictObject({
    type: z.literal('move'),
    point,
    durationMs: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .meta({ description: 'Time for a smooth way there; 0 is a jump.' }),
  })
  .meta({ title: 'Move', description: 'Move the pointer to a point without pressing anything.' });

export const DragAction = z
  .strictObject({
    type: z.literal('drag'),
    from: point,
    to: point,
    button: MouseButton.default('left'),
    modifiers,
    durationMs: z.int().min(0).max(10_000).default(300),
  })
  .meta({ title: 'Drag', description: 'Press at one point, move to another, release.' });

export const ScrollDirection = z.enum(['up', 'down', 'left', 'right']);
export const ScrollAction = z
  .strictObject({
    type: z.literal('scroll'),
    point: point.optional().meta({ description: 'Where the pointer should be; default: where it is.' }),
    direction: ScrollDirection,
    amount: z.int().min(1).max(100).default(3).meta({ description: 'Wheel notches.' }),
    modifiers,
  })
  .meta({ title: 'Scroll', description: 'Turn the wheel.' });

export const TypeTextAction = z
  .strictObject({ type: z.literal('type_text'), text: z.string().min(1).max(MAX_TYPED_CHARACTERS) })
  .meta({ title: 'Type text', description: 'Type text into whatever has the focus, exactly or not at all.' });

export const KeyPressAction = z
  .strictObject({ type: z.literal('key_press'), keys: z.array(KeyName).min(1).max(100) })
  .meta({ title: 'Press keys', description: 'Press and release keys one after another.' });

export const KeyComboAction = z
  .strictObject({ type: z.literal('key_combo'), keys: z.array(KeyName).min(1).max(6), heldMs })
  .meta({ title: 'Press a chord', description: 'Hold all keys together, e.g. ["ctrl","s"].' });

export const WaitAction = z
  .strictObject({ type: z.literal('wait'), ms: z.int().min(0).max(60_000) })
  .meta({ title: 'Wait', description: 'Do nothing for a while, then look again.' });

export const Action = z.discriminatedUnion('type', [
  ClickAction,
  MoveAction,
  DragAction,
  ScrollAction,
  TypeTextAction,
  KeyPressAction,
  KeyComboAction,
  WaitAction,
]);
export type Action = z.infer<typeof Action>;

export const OpenApplicationTool = z
  .strictObject({ type: z.literal('open_application'), name: z.string().min(1).max(200) })
  .meta({
    title: 'Open an application',
    description: 'Open or bring forward an application by its everyday name.',
  });

export const BrowserNavigateTool = z
  .strictObject({ type: z.literal('browser_navigate'), url: z.string().min(1).max(8192) })
  .meta({ title: 'Go to a URL', description: 'Open the browser if needed and load a page.' });

export const FocusWindowTool = z
  .strictObject({
    type: z.literal('focus_window'),
    windowId: z.string().max(64).optional(),
    title: z.string().max(500).optional(),
  })
  .meta({ title: 'Focus a window', description: 'Bring a window forward, by id or by part of its title.' });

export const CloseWindowTool = z
  .strictObject({
    type: z.literal('close_window'),
    windowId: z.string().max(64).optional(),
    title: z.string().max(500).optional(),
  })
  .meta({ title: 'Close a window', description: 'Ask a window to close; default: the active one.' });

export const RunCommandTool = z
  .strictObject({
    type: z.literal('run_command'),
    command: z.string().min(1).max(8192),
    cwd: z.string().max(512).optional(),
    timeoutMs: z.int().min(1000).max(120_000).default(30_000),
  })
  .meta({
    title: 'Run a command',
    description: 'Run one command line in the desktop’s shell and return its output.',
  });

export const ReadFileTool = z
  .strictObject({
    type: z.literal('read_file'),
    path: z.string().min(1).max(4096),
    maxBytes: z.int().min(1).max(1_048_576).default(65_536),
  })
  .meta({ title: 'Read a file', description: 'Read a text file inside an allowed root.' });

export const StatFileTool = z
  .strictObject({ type: z.literal('stat_file'), path: z.string().min(1).max(4096) })
  .meta({
    title: 'Look at a file',
    description: 'Whether a file exists, its size and time, without its content.',
  });

export const Tool = z.discriminatedUnion('type', [
  OpenApplicationTool,
  BrowserNavigateTool,
  FocusWindowTool,
  CloseWindowTool,
  RunCommandTool,
  ReadFileTool,
  StatFileTool,
]);
export type Tool = z.infer<typeof Tool>;

/** One validated, at-most-once effect. */
export const Operation = z.discriminatedUnion('type', [...Action.options, ...Tool.options]);
export type Operation = z.infer<typeof Operation>;
export type OperationType = Operation['type'];

/** Operations as an engine or a person may write them, before defaults are filled in. */
export type OperationInput = z.input<typeof Operation>;

export type OperationTraits = Readonly<{
  /** `input`: hands inject it. `tool`: the daemon does it. */
  kind: 'input' | 'tool';
  /** Changes something on the machine (and so needs policy). */
  writes: boolean;
  /** Contains points and therefore must name a frame. */
  needsFrame: boolean;
  /** How to wait afterwards; see settle in the daemon. */
  settle: 'none' | 'pointer' | 'keyboard' | 'scroll' | 'navigation';
}>;

/** A new operation that forgets its row does not compile. */
export const OPERATION_TRAITS = {
  click: { kind: 'input', writes: true, needsFrame: true, settle: 'pointer' },
  move: { kind: 'input', writes: true, needsFrame: true, settle: 'pointer' },
  drag: { kind: 'input', writes: true, needsFrame: true, settle: 'pointer' },
  scroll: { kind: 'input', writes: true, needsFrame: true, settle: 'scroll' },
  type_text: { kind: 'input', writes: true, needsFrame: false, settle: 'keyboard' },
  key_press: { kind: 'input', writes: true, needsFrame: false, settle: 'keyboard' },
  key_combo: { kind: 'input', writes: true, needsFrame: false, settle: 'keyboard' },
  wait: { kind: 'input', writes: false, needsFrame: false, settle: 'none' },
  open_application: { kind: 'tool', writes: true, needsFrame: false, settle: 'navigation' },
  browser_navigate: { kind: 'tool', writes: true, needsFrame: false, settle: 'navigation' },
  focus_window: { kind: 'tool', writes: true, needsFrame: false, settle: 'pointer' },
  close_window: { kind: 'tool', writes: true, needsFrame: false, settle: 'pointer' },
  run_command: { kind: 'tool', writes: true, needsFrame: false, settle: 'none' },
  read_file: { kind: 'tool', writes: false, needsFrame: false, settle: 'none' },
  stat_file: { kind: 'tool', writes: false, needsFrame: false, settle: 'none' },
} as const satisfies Record<OperationType, OperationTraits>;

export function isInputAction(operation: Operation): operation is Action {
  return OPERATION_TRAITS[operation.type].kind === 'input';
}

/**
 * What happened to one operation. An unknown result is never a success:
 *   confirmed   something observable changed as expected
 *   unverified  it was done; nothing observable proves or disproves it
 *   no_effect   it was done and demonstrably changed nothing
 *   refused     not done: policy, lease, latch, geometry, unknown key …
 *   failed      broke midway; part of it may have happened
 */
export const OutcomeStatus = z.enum(['confirmed', 'unverified', 'no_effect', 'refused', 'failed']);
export type OutcomeStatus = z.infer<typeof OutcomeStatus>;

export const Outcome = z
  .looseObject({
    status: OutcomeStatus,
    code: z
      .string()
      .max(64)
      .optional()
      .meta({ description: 'From the error table, for refused and failed.' }),
    message: z.string().max(2000).optional(),
    evidence: z
      .looseObject({
        changedFraction: z.number().min(0).max(1).optional().meta({
          description: 'Share of the picture that changed, without what had been moving by itself.',
        }),
        changedNearTarget: z.boolean().optional(),
        focusChanged: z.boolean().optional(),
        windowChanged: z.boolean().optional(),
        valueChanged: z.boolean().optional().meta({
          description: 'Whether the target or the focused field says something else of itself now.',
        }),
        targetEnabled: z.boolean().optional(),
        pointerHeldByOther: z.boolean().optional().meta({
          description: 'Another program held the pointer (an open menu, a drag): it got the input.',
        }),
      })
      .optional(),
    /** Tool output: URL and title, command output, file facts. Never typed text. */
    result: z.record(z.string(), z.unknown()).optional(),
    durationMs: z.number().min(0),
  })
  .meta({ title: 'Outcome' });
export type Outcome = z.infer<typeof Outcome>;

/** Points an operation names, in order; as operations, in the pixels of their frame. */
export function pointsOf(operation: Operation): readonly Point[] {
  switch (operation.type) {
    case 'click':
    case 'move':
      return [operation.point];
    case 'drag':
      return [operation.from, operation.to];
    case 'scroll':
      return operation.point === undefined ? [] : [operation.point];
    default:
      return [];
  }
}

/** Done at all (so a repeat would do it twice). */
export function wasDone(outcome: Outcome): boolean {
  return outcome.status === 'confirmed' || outcome.status === 'unverified' || outcome.status === 'no_effect';
}

/**
 * Operations as events, logs and the panel may show them: typed text becomes its length, also when it is typed key by
 * key, and a URL loses the user name and password in it (SPEC SEC1).
 */
export function describeWithoutSecrets(operation: Operation): Record<string, unknown> {
  switch (operation.type) {
    case 'type_text': {
      const characters = [...operation.text].length;
      return { text: describeTypedText(operation.text), characters };
    }
    case 'key_press': {
      const isCharacter = (key: string) => [...key].length === 1;
      const spellsText = operation.keys.filter(isCharacter).length > 1;
      return {
        keys: operation.keys.map((key) => (spellsText && isCharacter(key) ? '[character]' : key)),
      };
    }
    case 'browser_navigate':
      return {
        url: operation.url.replace(/^([a-z][a-z0-9+.-]*:)?([\\/]{2,})[^\\/?#]*@/i, '$1$2[credentials]@'),
      };
    case 'run_command':
      return { command: operation.command, timeout_ms: operation.timeoutMs };
    default: {
      const { type: _type, ...parameters } = operation;
      return parameters;
    }
  }
}

/** Names a frame beside an operation list; see the link's `act`. */
export const FrameReference = FrameId;
