import { createHash } from 'node:crypto';
import {
  type CommandId,
  contains,
  DisplayId,
  FrameId,
  type ObserveRequestInput,
  type Operation,
  type Outcome,
  type Point,
  type Rect,
  type ScreenElement,
  type WindowInfo,
  wasDone,
} from '@deskhand/protocol';
import type { ActResult, Machine, Sight } from '../ports.ts';

export const SCREEN = { width: 1280, height: 800 } as const;

/** One thing in a simulated window. Bounds are frame pixels (= desktop pixels here). */
export type Widget = {
  id: string;
  role: string;
  name: string;
  bounds: Rect;
  value?: string;
  description?: string;
  states?: string[];
  source?: 'accessibility' | 'dom' | 'ocr';
  /** Part of nothing the tree shows; only OCR finds it. */
  painted?: boolean;
  onClick?: (desktop: SimulatedDesktop, button: string) => void;
};

export type SimulatedWindow = {
  id: string;
  title: string;
  application: string;
  widgets: Widget[];
  /** The whole screen where nothing is said. */
  bounds?: Rect;
  /** Pixels the content is scrolled down; widgets move up by it. */
  scrolledPx?: number;
  contentHeightPx?: number;
  page?: { url: string; title: string; allShown?: boolean };
  onKey?: (desktop: SimulatedDesktop, chord: string) => boolean;
  focusedId?: string | null;
};

/** A tiny desktop: windows in stacking order (last = active), files, applications, pages. Deterministic. */
export class SimulatedDesktop {
  windows: SimulatedWindow[] = [];
  readonly files = new Map<string, string>();
  readonly applications = new Map<string, (desktop: SimulatedDesktop) => void>();
  readonly pages = new Map<string, (desktop: SimulatedDesktop) => void>();
  readonly commands = new Map<string, { output: string; exit_code: number }>();
  /** Everything that reached an application, in order: the independent judge of a test. */
  readonly journal: string[] = [];
  selectedAll = false;
  /** Lets nobody list its windows. */
  windowsUntold = false;

  get active(): SimulatedWindow | undefined {
    return this.windows.at(-1);
  }

  get focused(): Widget | undefined {
    const window = this.active;
    return window?.widgets.find(({ id }) => id === window.focusedId);
  }

  open(window: SimulatedWindow): void {
    this.windows = [...this.windows.filter(({ id }) => id !== window.id), window];
  }

  close(id: string): void {
    this.windows = this.windows.filter((window) => window.id !== id);
  }

  widget(id: string): Widget {
    const found = this.windows.flatMap(({ widgets }) => widgets).find((widget) => widget.id === id);
    if (found === undefined) throw new Error(`no widget ${id}`);
    return found;
  }

  /** What the screen looks like, as text: equal states give equal pictures. */
  picture(): string {
    return JSON.stringify(
      this.windows.map(({ id, title, widgets, scrolledPx, focusedId }) => [
        id,
        title,
        scrolledPx,
        focusedId,
        widgets,
      ]),
    );
  }
}

export type ScriptedMachineOptions = Readonly<{
  desktop: SimulatedDesktop;
  /** Answers an operation instead of the desktop; undefined = let the desktop do it. */
  intercept?: (operation: Operation, nth: number) => Outcome | undefined;
  /** Size of the screen and of its pictures, pixels. */
  screen?: Readonly<{ width: number; height: number }>;
}>;

/** A machine over a {@link SimulatedDesktop}, with the outcomes a real daemon gives. */
export class ScriptedMachine implements Machine {
  readonly desktop: SimulatedDesktop;
  readonly #intercept: ScriptedMachineOptions['intercept'];
  readonly #screen: Readonly<{ width: number; height: number }>;
  /** Every act command, for assertions. */
  readonly commands: Array<{
    commandId: CommandId;
    frameId: string | null;
    operations: readonly Operation[];
  }> = [];
  readonly observed: ObserveRequestInput[] = [];
  #frames = 0;
  #operations = 0;
  #lastPicture = '';

  constructor(options: ScriptedMachineOptions) {
    this.desktop = options.desktop;
    this.#intercept = options.intercept;
    this.#screen = options.screen ?? SCREEN;
  }

  observe(request: ObserveRequestInput, options: { signal: AbortSignal }): Promise<Sight> {
    options.signal.throwIfAborted();
    this.observed.push(request);
    return Promise.resolve(this.#sight(request));
  }

  act(
    command: {
      commandId: CommandId;
      frameId: string | null;
      operations: readonly Operation[];
      observe: ObserveRequestInput;
      stopAtNoEffect?: boolean;
    },
    options: { signal: AbortSignal },
  ): Promise<ActResult> {
    options.signal.throwIfAborted();
    this.commands.push(command);
    const outcomes: Outcome[] = [];
    for (const operation of command.operations) {
      this.#operations += 1;
      const outcome = this.#intercept?.(operation, this.#operations) ?? this.#perform(operation);
      outcomes.push(outcome);
      if (!wasDone(outcome) || (command.stopAtNoEffect === true && outcome.status === 'no_effect')) break;
    }
    return Promise.resolve({ outcomes, sight: this.#sight(command.observe) });
  }

  #perform(operation: Operation): Outcome {
    const before = this.desktop.picture();
    const result = performOn(this.desktop, operation);
    if ('status' in result) return result as Outcome;
    const changed = this.desktop.picture() !== before;
    return {
      status: changed ? 'confirmed' : operation.type === 'wait' ? 'unverified' : 'no_effect',
      durationMs: 1,
      ...(result.result === undefined ? {} : { result: result.result }),
    };
  }

  #sight(request: ObserveRequestInput): Sight {
    const picture = this.desktop.picture();
    const bytes = new TextEncoder().encode(`${picture}${JSON.stringify(request.frame?.region ?? '')}`);
    const changed = picture !== this.#lastPicture;
    this.#lastPicture = picture;
    this.#frames += 1;
    const wantsElements = request.elements === true;
    const wantsOcr = request.ocr === true;
    return {
      image: bytes,
      observation: {
        frame: {
          geometry: {
            frameId: FrameId.parse(`frm_${this.#frames}`),
            displayId: DisplayId.parse('display'),
            layoutId: 'layout',
            region: request.frame?.region ?? { x: 0, y: 0, ...this.#screen },
            image: this.#screen,
            scale: 1,
          },
          mimeType: 'image/jpeg',
          byteLength: bytes.byteLength,
          sha256: createHash('sha256').update(bytes).digest('hex'),
          capturedAt: '2026-01-01T00:00:00.000Z',
          exclusion: 'none_needed',
          degraded: false,
        },
        changedFraction: changed ? 0.1 : 0,
        windows: (this.desktop.windowsUntold ? [] : this.desktop.windows).map(
          (window, index, all): WindowInfo => ({
            id: window.id,
            title: window.title,
            application: window.application,
            bounds: window.bounds ?? { x: 0, y: 0, ...SCREEN },
            active: index === all.length - 1,
            minimized: false,
          }),
        ),
        activeWindowId: this.desktop.windowsUntold ? null : (this.desktop.active?.id ?? null),
        ...(this.desktop.windowsUntold ? { windowsUntold: true as const } : {}),
        pointer: null,
        elements: wantsElements || wantsOcr ? this.#elements(wantsElements, wantsOcr) : [],
        sources: [
          ...(wantsElements ? (['accessibility'] as const) : []),
          ...(wantsElements && this.desktop.active?.page !== undefined ? (['dom'] as const) : []),
          ...(wantsOcr ? (['ocr'] as const) : []),
        ],
        page:
          this.desktop.active?.page === undefined ? null : { ...this.desktop.active.page, loading: false },
        settle: { settledMs: 1, reason: 'quiet' },
        timings: {},
      },
    };
  }

  #elements(tree: boolean, ocr: boolean): ScreenElement[] {
    const window = this.desktop.active;
    if (window === undefined) return [];
    const elements: ScreenElement[] = [];
    for (const widget of window.widgets) {
      const bounds = placed(window, widget);
      const isFocused = window.focusedId === widget.id;
      if (tree && widget.painted !== true)
        elements.push({
          id: widget.id,
          source: widget.source ?? (window.page === undefined ? 'accessibility' : 'dom'),
          role: widget.role,
          name: widget.name,
          ...(widget.value === undefined
            ? {}
            : { value: widget.role === 'password_field' ? '' : widget.value }),
          ...(widget.description === undefined ? {} : { description: widget.description }),
          states: ['enabled', ...(widget.states ?? []), ...(isFocused ? ['focused'] : [])],
          bounds,
          windowId: window.id,
        });
      if (ocr && bounds.y >= 0 && bounds.y < SCREEN.height) elements.push(...words(widget, bounds));
    }
    return elements;
  }
}

/** What reading pixels gives: one element per word, left to right. */
function words(widget: Widget, bounds: Rect): ScreenElement[] {
  const parts = widget.name.split(/\s+/).filter((word) => word !== '');
  const width = bounds.width / Math.max(1, parts.length);
  return parts.map((name, index) => ({
    id: `ocr:${widget.id}:${index}`,
    source: 'ocr' as const,
    role: 'word',
    name,
    states: [],
    bounds: { x: bounds.x + index * width, y: bounds.y, width: width * 0.9, height: bounds.height },
  }));
}

function placed(window: SimulatedWindow, widget: Widget): Rect {
  return { ...widget.bounds, y: widget.bounds.y - (window.scrolledPx ?? 0) };
}

const refused = (code: string, message: string): Outcome => ({
  status: 'refused',
  code,
  message,
  durationMs: 0,
});
const failed = (code: string, message: string): Outcome => ({
  status: 'failed',
  code,
  message,
  durationMs: 0,
});

function performOn(
  desktop: SimulatedDesktop,
  operation: Operation,
): Outcome | { result?: Record<string, unknown> } {
  switch (operation.type) {
    case 'click':
      return clickAt(desktop, operation.point, operation.button);
    case 'move':
    case 'drag':
    case 'wait':
      return {};
    case 'scroll': {
      const window = desktop.active;
      if (window === undefined) return {};
      const room = Math.max(0, (window.contentHeightPx ?? SCREEN.height) - SCREEN.height);
      const by =
        (operation.direction === 'down' ? 1 : operation.direction === 'up' ? -1 : 0) * operation.amount * 60;
      window.scrolledPx = Math.min(room, Math.max(0, (window.scrolledPx ?? 0) + by));
      return {};
    }
    case 'type_text':
      typeInto(desktop, operation.text);
      return {};
    case 'key_press':
      for (const key of operation.keys) pressChord(desktop, key);
      return {};
    case 'key_combo':
      pressChord(desktop, operation.keys.join('+'));
      return {};
    case 'open_application': {
      const open = desktop.applications.get(operation.name.toLowerCase());
      if (open === undefined) return failed('APPLICATION_NOT_FOUND', `No application “${operation.name}”.`);
      open(desktop);
      return { result: { window_id: desktop.active?.id ?? null } };
    }
    case 'browser_navigate': {
      const load = desktop.pages.get(operation.url);
      if (load === undefined) return failed('UPSTREAM_ERROR', 'The page could not be loaded.');
      load(desktop);
      return { result: { ...desktop.active?.page } };
    }
    case 'focus_window':
    case 'close_window': {
      const window = desktop.windows.find(
        ({ id, title }) =>
          id === operation.windowId || (operation.title !== undefined && title.includes(operation.title)),
      );
      const target =
        window ??
        (operation.windowId === undefined && operation.title === undefined ? desktop.active : undefined);
      if (target === undefined) return failed('WINDOW_NOT_FOUND', 'No window matches.');
      if (operation.type === 'close_window') desktop.close(target.id);
      else desktop.open(target);
      return {};
    }
    case 'run_command': {
      const result = desktop.commands.get(operation.command);
      if (result === undefined) return { result: { output: 'not found', exit_code: 127 } };
      return { result };
    }
    case 'stat_file': {
      const content = desktop.files.get(operation.path);
      return {
        result: content === undefined ? { exists: false } : { exists: true, size_bytes: content.length },
      };
    }
    case 'read_file': {
      const content = desktop.files.get(operation.path);
      return content === undefined ? failed('NOT_FOUND', 'No such file.') : { result: { text: content } };
    }
    default:
      return refused('UNKNOWN_COMMAND', 'not simulated');
  }
}

function clickAt(
  desktop: SimulatedDesktop,
  point: Point,
  button: string,
): { result?: Record<string, unknown> } {
  const window = desktop.active;
  if (window === undefined) return {};
  const hit = window.widgets.findLast((widget) => contains(placed(window, widget), point));
  desktop.selectedAll = false;
  if (hit === undefined) return {};
  desktop.journal.push(`${button} click ${hit.id}`);
  if (EDITABLE_ROLES.has(hit.role)) window.focusedId = hit.id;
  if (hit.role === 'check_box' || hit.role === 'radio_button') toggle(hit);
  hit.onClick?.(desktop, button);
  return {};
}

const EDITABLE_ROLES = new Set(['text_field', 'password_field', 'terminal']);

function toggle(widget: Widget): void {
  const states = widget.states ?? [];
  widget.states = states.includes('checked')
    ? states.filter((state) => state !== 'checked')
    : [...states, 'checked'];
}

function typeInto(desktop: SimulatedDesktop, text: string): void {
  const field = desktop.focused;
  if (field === undefined || !EDITABLE_ROLES.has(field.role)) {
    desktop.journal.push('text went nowhere');
    return;
  }
  field.value = desktop.selectedAll ? text : `${field.value ?? ''}${text}`;
  desktop.selectedAll = false;
  desktop.journal.push(`typed into ${field.id}`);
}

function pressChord(desktop: SimulatedDesktop, chord: string): void {
  desktop.journal.push(`pressed ${chord}`);
  if (desktop.active?.onKey?.(desktop, chord) === true) return;
  const field = desktop.focused;
  if (chord === 'ctrl+a') desktop.selectedAll = true;
  else if ((chord === 'delete' || chord === 'backspace') && desktop.selectedAll && field !== undefined) {
    field.value = '';
    desktop.selectedAll = false;
  } else if (chord === 'backspace' && field !== undefined)
    field.value = [...(field.value ?? '')].slice(0, -1).join('');
}
