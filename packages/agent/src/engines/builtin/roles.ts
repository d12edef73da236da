/** What people call kinds of things, and the roles accessibility, DOM and OCR report for them. */

export type RoleHint =
  | 'button'
  | 'link'
  | 'field'
  | 'password'
  | 'check_box'
  | 'radio'
  | 'select'
  | 'option'
  | 'menu'
  | 'menu_item'
  | 'tab'
  | 'list_item'
  | 'row'
  | 'cell'
  | 'image'
  | 'heading'
  | 'slider'
  | 'dialog'
  | 'window'
  | 'tree_item'
  | 'text'
  | 'table'
  | 'list';

/** Nouns of a task, longest first where one contains another. */
export const ROLE_NOUNS: Readonly<Record<RoleHint, string>> = {
  password: 'password (?:field|box|input|entry)',
  check_box: 'check ?-?box(?:es)?|tick ?-?box(?:es)?|toggle(?: switch)?|switch',
  radio: 'radio(?: ?-?button)?s?|radio option',
  select:
    'drop ?-?down(?: (?:list|menu|box|field))?|select(?:ion)?(?: (?:box|list|field|menu))?|combo ?-?box|picker|list ?-?box|chooser',
  menu_item: 'menu (?:item|entry|option)s?',
  list_item: 'list (?:item|entry)|items?|entry|results?|files?|folders?|e?-?mails?|cards?|products?',
  tree_item: 'tree (?:item|node)|node',
  field:
    '(?:(?:text|input|search|edit|entry|form|address|url|location|date|number|email|e-mail|text input)[ -]?)?(?:field|box|input|area|bar)|text ?-?area|textbox|entry field|input|editor|form field',
  button: 'push ?-?button|buttons?|btn|icon button',
  link: 'hyper ?-?links?|links?',
  tab: 'tabs?|tab page',
  menu: 'menus?',
  option: 'options?|choice',
  row: '(?:table )?rows?|line',
  cell: '(?:table )?cells?',
  image: 'images?|pictures?|photos?|icons?|logo|thumbnail',
  heading: 'column (?:header|heading|title)|headings?|headlines?|header|title',
  slider: 'sliders?|range(?: slider)?|seek bar',
  dialog: 'dialogs?(?: box| window)?|dialogue|(?:popup|pop-up)(?: window| box| dialog)?|modal|prompt|alert',
  window: 'windows?',
  table: 'tables?|grid',
  list: 'lists?',
  text: 'texts?|labels?|words?|messages?|phrase|sentence|paragraph|notice|string',
};

/** Roles of elements that satisfy a hint. */
const FAMILIES: Readonly<Record<RoleHint, readonly string[]>> = {
  button: [
    'button',
    'push_button',
    'toggle_button',
    'menu_button',
    'split_button',
    'push_button_menu',
    'submit',
  ],
  link: ['link'],
  field: [
    'text_field',
    'text',
    'entry',
    'text_area',
    'textbox',
    'text_box',
    'search_box',
    'searchbox',
    'search_field',
    'editable_text',
    'password_field',
    'password_text',
    'spin_button',
    'spin_box',
    'date_editor',
    'date_field',
    'number_field',
    'combo_box',
    'terminal',
    'document_text',
  ],
  password: ['password_field', 'password_text'],
  check_box: ['check_box', 'checkbox', 'check_menu_item', 'toggle_button', 'switch', 'toggle'],
  radio: ['radio_button', 'radio', 'radio_menu_item'],
  select: [
    'combo_box',
    'combobox',
    'list_box',
    'listbox',
    'select',
    'drop_down',
    'menu_button',
    'popup_button',
  ],
  option: ['option', 'list_item', 'menu_item', 'radio_button', 'radio', 'list_box_option'],
  menu: ['menu', 'menu_button', 'menu_item', 'popup_menu'],
  menu_item: ['menu_item', 'check_menu_item', 'radio_menu_item', 'menu'],
  tab: ['tab', 'page_tab'],
  list_item: [
    'list_item',
    'listitem',
    'option',
    'tree_item',
    'table_cell',
    'table_row',
    'article',
    'icon',
    'row',
    'link',
  ],
  row: ['table_row', 'row', 'list_item', 'tree_item'],
  cell: ['table_cell', 'cell', 'gridcell'],
  image: ['image', 'img', 'icon', 'graphic'],
  heading: ['heading', 'title', 'column_header', 'table_column_header'],
  slider: ['slider', 'spin_button'],
  dialog: ['dialog', 'alert', 'alert_dialog', 'file_chooser', 'window', 'frame'],
  window: ['window', 'frame', 'dialog'],
  tree_item: ['tree_item', 'treeitem', 'list_item', 'table_cell'],
  text: [
    'label',
    'text',
    'static_text',
    'paragraph',
    'heading',
    'word',
    'line',
    'status_bar',
    'alert',
    'section',
  ],
  table: ['table', 'grid', 'tree_table'],
  list: ['list', 'list_box', 'listbox'],
};

const INTERACTIVE = new Set(
  [
    FAMILIES.button,
    FAMILIES.link,
    FAMILIES.field,
    FAMILIES.check_box,
    FAMILIES.radio,
    FAMILIES.select,
    FAMILIES.option,
    FAMILIES.menu,
    FAMILIES.menu_item,
    FAMILIES.tab,
    FAMILIES.slider,
    FAMILIES.tree_item,
  ]
    .flat()
    .filter((role) => role !== 'text' && role !== 'document_text'),
);

/** Roles of things text can be typed into. `text` is one only when the element says it is editable. */
const EDITABLE = new Set(
  FAMILIES.field.filter((role) => !['text', 'combo_box', 'document_text'].includes(role)),
);

const CONTAINERS = new Set([
  'window',
  'frame',
  'document',
  'document_web',
  'document_frame',
  'panel',
  'section',
  'group',
  'form',
  'list',
  'table',
  'scroll_pane',
  'split_pane',
  'filler',
  'viewport',
  'menu_bar',
  'tool_bar',
  'application',
  'landmark',
  'dialog',
]);

export type RoleAndStates = Readonly<{ role: string; states: readonly string[] }>;

export function fitsHint(element: RoleAndStates, hint: RoleHint): boolean {
  if (hint === 'field') return isEditable(element) || element.role === 'combo_box';
  return FAMILIES[hint].includes(element.role);
}

export function isInteractive(element: RoleAndStates): boolean {
  return INTERACTIVE.has(element.role) || element.states.includes('editable');
}

export function isEditable(element: RoleAndStates): boolean {
  return EDITABLE.has(element.role) || element.states.includes('editable');
}

export function isContainer(element: RoleAndStates): boolean {
  return CONTAINERS.has(element.role);
}

/** Holds a secret: its value is never read and never typed by the engine. */
export function isProtected(element: RoleAndStates): boolean {
  return element.states.includes('protected') || FAMILIES.password.includes(element.role);
}
