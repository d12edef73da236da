/**
 * AT-SPI's numbers in our words. Source: AtspiRole and AtspiStateType of atspi-constants.h; the numbers
 * are part of the D-Bus interface and only ever grow.
 */
const ROLES: Readonly<Record<number, string>> = {
  2: 'alert',
  7: 'check_box',
  8: 'check_menu_item',
  10: 'column_header',
  11: 'combo_box',
  13: 'icon',
  16: 'dialog',
  19: 'dialog',
  23: 'window',
  26: 'icon',
  27: 'image',
  29: 'label',
  31: 'list',
  32: 'list_item',
  33: 'menu',
  34: 'menu_bar',
  35: 'menu_item',
  37: 'tab',
  38: 'tab_list',
  39: 'panel',
  40: 'password_field',
  41: 'menu',
  42: 'progress_bar',
  43: 'button',
  44: 'radio_button',
  45: 'radio_menu_item',
  47: 'row_header',
  48: 'scroll_bar',
  51: 'slider',
  52: 'spin_button',
  54: 'status_bar',
  55: 'table',
  56: 'table_cell',
  57: 'column_header',
  58: 'row_header',
  59: 'menu_item',
  60: 'terminal',
  61: 'text',
  62: 'toggle_button',
  63: 'tool_bar',
  64: 'tool_tip',
  65: 'tree',
  66: 'tree',
  69: 'window',
  71: 'header',
  72: 'footer',
  73: 'paragraph',
  76: 'text_field',
  79: 'text_field',
  81: 'label',
  82: 'document',
  83: 'heading',
  85: 'section',
  87: 'form',
  88: 'link',
  90: 'table_row',
  91: 'tree_item',
  92: 'document',
  93: 'document',
  94: 'document',
  95: 'document',
  96: 'document',
  97: 'comment',
  98: 'list',
  99: 'group',
  101: 'notification',
  102: 'alert',
  104: 'title_bar',
  105: 'block_quote',
  109: 'article',
  110: 'landmark',
  116: 'label',
  129: 'button',
  130: 'switch',
};

/** Lower-case role; `panel` for containers that mean nothing to a person. */
export function roleName(role: number): string {
  return ROLES[role] ?? 'panel';
}

const STATE_BITS = {
  active: 1,
  busy: 3,
  checked: 4,
  editable: 7,
  enabled: 8,
  expandable: 9,
  expanded: 10,
  focusable: 11,
  focused: 12,
  modal: 16,
  multiLine: 17,
  pressed: 20,
  selected: 23,
  sensitive: 24,
  showing: 25,
  visible: 30,
  managesDescendants: 31,
  indeterminate: 32,
  required: 33,
  invalidEntry: 36,
  checkable: 41,
  hasPopup: 42,
  readOnly: 43,
} as const;
export type AtspiState = keyof typeof STATE_BITS;

/** @param words the two 32-bit words of GetState, low word first. */
export function hasState(words: readonly number[], state: AtspiState): boolean {
  const bit = STATE_BITS[state];
  return (((words[bit >> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}

/** States a person or an engine can make use of. */
export function stateNames(words: readonly number[], role: string): string[] {
  const has = (state: AtspiState) => hasState(words, state);
  const names: string[] = [];
  if (has('focused')) names.push('focused');
  if (has('enabled') || has('sensitive')) names.push('enabled');
  if (has('checked')) names.push('checked');
  if (has('pressed')) names.push('pressed');
  if (has('selected')) names.push('selected');
  if (has('indeterminate')) names.push('indeterminate');
  if (has('editable') && !has('readOnly')) names.push('editable');
  if (has('readOnly')) names.push('read_only');
  if (has('multiLine') && has('editable')) names.push('multiline');
  if (has('expanded')) names.push('expanded');
  else if (has('expandable')) names.push('collapsed');
  if (has('required')) names.push('required');
  if (has('invalidEntry')) names.push('invalid');
  if (has('busy')) names.push('busy');
  if (has('hasPopup')) names.push('has_popup');
  if (has('modal')) names.push('modal');
  if (has('focusable')) names.push('focusable');
  if (role === 'password_field') names.push('protected');
  return names;
}

/** Roles a person can act on. */
const INTERACTIVE = new Set([
  ...['button', 'toggle_button', 'switch', 'link', 'check_box', 'radio_button', 'combo_box', 'text_field'],
  ...['password_field', 'spin_button', 'slider', 'menu', 'menu_item', 'check_menu_item', 'radio_menu_item'],
  ...['tab', 'list_item', 'tree_item', 'table_cell', 'column_header', 'row_header', 'icon', 'terminal'],
]);

export function isInteractive(role: string): boolean {
  return INTERACTIVE.has(role);
}

/** Containers that are worth a line of their own when they have a name. */
const NAMED_CONTAINERS = new Set([
  ...['dialog', 'alert', 'document', 'group', 'form', 'landmark', 'list', 'tree', 'table', 'section'],
  ...['tab_list', 'tool_bar', 'menu_bar', 'notification', 'status_bar', 'article', 'table_row'],
]);

export function isNamedContainer(role: string): boolean {
  return NAMED_CONTAINERS.has(role);
}

/** Never told, whatever their name: toolkits call these after their own code, and windows have a list of their own. */
export function isSilent(role: string): boolean {
  return role === 'panel' || role === 'window';
}
