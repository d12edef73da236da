/**
 * Canonical key names and what else people and models call them (v1-api.md 7.8). Backends map canonical
 * names to their own codes; a name that is neither here nor a single printable character is refused.
 */
export const NAMED_KEYS = [
  'enter',
  'tab',
  'space',
  'backspace',
  'delete',
  'escape',
  'insert',
  'home',
  'end',
  'page_up',
  'page_down',
  'up',
  'down',
  'left',
  'right',
  'shift',
  'ctrl',
  'alt',
  'altgr',
  'super',
  'caps_lock',
  'num_lock',
  'scroll_lock',
  'print_screen',
  'pause',
  'menu',
  'f1',
  'f2',
  'f3',
  'f4',
  'f5',
  'f6',
  'f7',
  'f8',
  'f9',
  'f10',
  'f11',
  'f12',
  'f13',
  'f14',
  'f15',
  'f16',
  'f17',
  'f18',
  'f19',
  'f20',
  'f21',
  'f22',
  'f23',
  'f24',
] as const;
export type NamedKey = (typeof NAMED_KEYS)[number];

const named = new Set<string>(NAMED_KEYS);

const ALIASES: ReadonlyMap<string, NamedKey> = new Map(
  Object.entries({
    return: 'enter',
    kp_enter: 'enter',
    linefeed: 'enter',
    esc: 'escape',
    del: 'delete',
    ins: 'insert',
    bksp: 'backspace',
    back_space: 'backspace',
    spacebar: 'space',
    control: 'ctrl',
    ctl: 'ctrl',
    control_l: 'ctrl',
    control_r: 'ctrl',
    ctrl_l: 'ctrl',
    ctrl_r: 'ctrl',
    lctrl: 'ctrl',
    rctrl: 'ctrl',
    shift_l: 'shift',
    shift_r: 'shift',
    option: 'alt',
    opt: 'alt',
    alt_l: 'alt',
    alt_r: 'altgr',
    iso_level3_shift: 'altgr',
    alt_gr: 'altgr',
    cmd: 'super',
    command: 'super',
    meta: 'super',
    win: 'super',
    windows: 'super',
    super_l: 'super',
    super_r: 'super',
    meta_l: 'super',
    pageup: 'page_up',
    pgup: 'page_up',
    prior: 'page_up',
    pagedown: 'page_down',
    pgdn: 'page_down',
    pgdown: 'page_down',
    next: 'page_down',
    arrow_up: 'up',
    arrowup: 'up',
    arrow_down: 'down',
    arrowdown: 'down',
    arrow_left: 'left',
    arrowleft: 'left',
    arrow_right: 'right',
    arrowright: 'right',
    capslock: 'caps_lock',
    numlock: 'num_lock',
    scrolllock: 'scroll_lock',
    printscreen: 'print_screen',
    print: 'print_screen',
    prtsc: 'print_screen',
    break: 'pause',
    apps: 'menu',
    contextmenu: 'menu',
    context_menu: 'menu',
  } satisfies Record<string, NamedKey>),
);

const PUNCTUATION: ReadonlyMap<string, string> = new Map(
  Object.entries({
    plus: '+',
    minus: '-',
    comma: ',',
    period: '.',
    dot: '.',
    slash: '/',
    backslash: '\\',
    semicolon: ';',
    apostrophe: "'",
    quote: "'",
    grave: '`',
    backtick: '`',
    equal: '=',
    equals: '=',
    bracketleft: '[',
    bracketright: ']',
  }),
);

export const MODIFIER_KEYS: ReadonlySet<string> = new Set(['shift', 'ctrl', 'alt', 'altgr', 'super']);

/** @returns the canonical name (named key, or one printable character), or `undefined` for an unknown key. */
export function canonicalKey(name: string): string | undefined {
  if ([...name].length === 1) {
    if (name === ' ') return 'space';
    if (name === '\n' || name === '\r') return 'enter';
    if (name === '\t') return 'tab';
    return /\p{C}/u.test(name) ? undefined : name;
  }
  const lowered = name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  if (named.has(lowered)) return lowered;
  if ([...lowered].length === 1) return lowered;
  return ALIASES.get(lowered) ?? PUNCTUATION.get(lowered);
}

/**
 * Splits chords such as "ctrl+shift+s" or "ctrl++" into canonical keys.
 * @returns undefined when a part is not a key.
 */
export function parseChord(text: string): string[] | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const parts = trimmed === '+' ? ['+'] : trimmed.replace(/\+\+$/, '+plus').split(/\s*\+\s*/);
  const keys = parts.map(canonicalKey);
  return keys.every((key) => key !== undefined) ? (keys as string[]) : undefined;
}
