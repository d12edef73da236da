/**
 * Runs inside a page's frame, in a world of its own (so nothing the page redefined reaches it), and
 * changes nothing. Returns what a person could see there now, in document order, as plain data.
 * Bounds are CSS pixels of the frame's viewport, cut to what is visible; the middle of each is on the thing.
 * What is scrolled away, hidden or clipped is left out. A password's text is never read. `opaque`: something on it
 * cannot be read from here. `scrolls`: some of it lies where only scrolling would show it.
 * @param {{maxElements: number, maxNodes: number, maxText: number, maxValue: number, maxOptions: number}} limits
 */
(limits) => {
  const items = [];
  let visited = 0;
  let truncated = false;
  let opaque = false;
  const root = document.scrollingElement;
  let scrolls =
    root !== null &&
    root.scrollHeight > root.clientHeight + 2 &&
    getComputedStyle(document.documentElement).overflowY !== 'hidden';
  const styles = new WeakMap();
  const styleOf = (element) => {
    let style = styles.get(element);
    if (style === undefined) {
      style = getComputedStyle(element);
      styles.set(element, style);
    }
    return style;
  };

  const ARIA_ROLES = {
    alert: 'alert',
    alertdialog: 'dialog',
    article: 'article',
    button: 'button',
    cell: 'table_cell',
    checkbox: 'check_box',
    columnheader: 'column_header',
    combobox: 'combo_box',
    dialog: 'dialog',
    grid: 'table',
    gridcell: 'table_cell',
    heading: 'heading',
    img: 'image',
    link: 'link',
    listbox: 'list',
    listitem: 'list_item',
    menu: 'menu',
    menubar: 'menu_bar',
    menuitem: 'menu_item',
    menuitemcheckbox: 'check_menu_item',
    menuitemradio: 'radio_menu_item',
    option: 'list_item',
    progressbar: 'progress_bar',
    radio: 'radio_button',
    row: 'table_row',
    rowheader: 'row_header',
    searchbox: 'text_field',
    slider: 'slider',
    spinbutton: 'spin_button',
    status: 'status_bar',
    switch: 'switch',
    tab: 'tab',
    textbox: 'text_field',
    tooltip: 'tool_tip',
    treeitem: 'tree_item',
  };
  const INPUT_ROLES = {
    button: 'button',
    checkbox: 'check_box',
    color: 'button',
    file: 'button',
    image: 'button',
    password: 'password_field',
    radio: 'radio_button',
    range: 'slider',
    reset: 'button',
    submit: 'button',
  };
  const TAG_ROLES = {
    BUTTON: 'button',
    CAPTION: 'label',
    DIALOG: 'dialog',
    FIGCAPTION: 'label',
    H1: 'heading',
    H2: 'heading',
    H3: 'heading',
    H4: 'heading',
    H5: 'heading',
    H6: 'heading',
    LABEL: 'label',
    LEGEND: 'label',
    LI: 'list_item',
    METER: 'progress_bar',
    OUTPUT: 'status_bar',
    PROGRESS: 'progress_bar',
    SUMMARY: 'button',
    TD: 'table_cell',
    TEXTAREA: 'text_field',
    TH: 'column_header',
  };
  const ACTS = new Set(
    (
      'button link check_box radio_button combo_box text_field password_field spin_button slider switch tab ' +
      'menu_item check_menu_item radio_menu_item tree_item'
    ).split(' '),
  );
  const TOGGLES = new Set(['check_box', 'radio_button', 'switch', 'check_menu_item', 'radio_menu_item']);
  const PICKED = new Set(['date', 'time', 'month', 'week', 'datetime-local', 'file', 'color']);
  const SKIP = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'HEAD', 'OPTION', 'OPTGROUP', 'DATALIST']);
  const CONTROLS = new Set(['INPUT', 'SELECT', 'TEXTAREA', 'BUTTON']);

  /** What holds others and may have a name. */
  const HOLDS = {
    aside: 'landmark',
    banner: 'landmark',
    complementary: 'landmark',
    contentinfo: 'landmark',
    fieldset: 'group',
    form: 'form',
    group: 'group',
    main: 'landmark',
    nav: 'landmark',
    navigation: 'landmark',
    radiogroup: 'group',
    region: 'landmark',
    search: 'landmark',
    section: 'landmark',
    tablist: 'tab_list',
    toolbar: 'tool_bar',
  };

  const collapse = (text) => text.replace(/\s+/g, ' ').trim();

  const roleOf = (element) => {
    const explicit = (element.getAttribute('role') ?? '').trim().split(/\s+/)[0];
    if (explicit && Object.hasOwn(ARIA_ROLES, explicit)) {
      if (explicit === 'option' && element.tagName !== 'OPTION') return 'list_item';
      return ARIA_ROLES[explicit];
    }
    const tag = element.tagName;
    if (tag === 'A' || tag === 'AREA') return element.hasAttribute('href') ? 'link' : null;
    if (tag === 'INPUT') {
      if (element.type === 'hidden') return null;
      if (element.type === 'number') return 'spin_button';
      return INPUT_ROLES[element.type] ?? 'text_field';
    }
    if (tag === 'SELECT') return element.multiple || element.size > 1 ? 'list' : 'combo_box';
    if (tag === 'IMG') return element.alt ? 'image' : null;
    if (element.namespaceURI === 'http://www.w3.org/2000/svg') return tag === 'svg' ? 'image' : null;
    if (element.isContentEditable && !element.parentElement?.isContentEditable) return 'text_field';
    return TAG_ROLES[tag] ?? null;
  };

  /** Text a person reads inside an element; controls and what is hidden are left out. */
  const textOf = (element, depth = 0) => {
    let text = '';
    if (depth > 40) return text;
    const children = element.shadowRoot
      ? element.shadowRoot.childNodes
      : element.tagName === 'SLOT' && element.assignedNodes().length > 0
        ? element.assignedNodes()
        : element.childNodes;
    for (const child of children) {
      if (text.length > limits.maxText) break;
      if (child.nodeType === 3) {
        text += child.data;
        continue;
      }
      if (child.nodeType !== 1 || SKIP.has(child.tagName)) continue;
      if (child.getAttribute('aria-hidden') === 'true') continue;
      if (CONTROLS.has(child.tagName) && child.tagName !== 'BUTTON') continue;
      const style = styleOf(child);
      if (style.display === 'none' || style.visibility === 'hidden') continue;
      if (child.tagName === 'BR') text += ' ';
      else if (child.tagName === 'IMG') text += ` ${child.alt ?? ''} `;
      else {
        const inner = child.getAttribute('aria-label') ?? textOf(child, depth + 1);
        text += style.display.startsWith('inline') || style.display === 'contents' ? inner : ` ${inner} `;
      }
    }
    return text;
  };

  const named = (element, attribute) => {
    const ids = (element.getAttribute(attribute) ?? '').split(/\s+/).filter(Boolean);
    const root = element.getRootNode();
    return collapse(
      ids
        .map((id) => root.getElementById?.(id))
        .filter(Boolean)
        .map((target) => target.getAttribute('aria-label') ?? textOf(target))
        .join(' '),
    );
  };

  const NAMED_BY_CONTENT = new Set(
    (
      'button link heading tab menu_item check_menu_item radio_menu_item list_item table_cell column_header ' +
      'row_header tree_item switch check_box radio_button label tool_tip alert status_bar'
    ).split(' '),
  );

  /** What it is called apart from what is written in it. */
  const calledOf = (element) => {
    const explicit = named(element, 'aria-labelledby') || collapse(element.getAttribute('aria-label') ?? '');
    if (explicit) return explicit;
    const labels = collapse([...(element.labels ?? [])].map((label) => textOf(label)).join(' '));
    return labels.replace(/\s*:$/, '');
  };

  const nameOf = (element, role) => {
    const called = calledOf(element);
    if (called) return called;
    const tag = element.tagName;
    if (tag === 'INPUT' && role === 'button') {
      if (element.type === 'file') return 'Choose file';
      const fallback = element.type === 'submit' ? 'Submit' : element.type === 'reset' ? 'Reset' : '';
      return collapse(element.value || element.alt || element.title || fallback);
    }
    if (tag === 'IMG' || tag === 'AREA') return collapse(element.alt || element.title || '');
    if (tag === 'svg') return collapse(element.querySelector('title')?.textContent ?? '');
    if (tag === 'DIALOG' || role === 'dialog') {
      const heading = element.querySelector('h1,h2,h3,h4,legend');
      return heading ? collapse(textOf(heading)) : '';
    }
    if (NAMED_BY_CONTENT.has(role)) {
      const text = collapse(textOf(element));
      if (text) return text;
      const picture = element.querySelector('svg title, img[alt]');
      if (picture) return collapse(picture.getAttribute('alt') ?? picture.textContent ?? '');
    }
    const hint =
      element.getAttribute('placeholder') ||
      element.getAttribute('aria-placeholder') ||
      element.getAttribute('title') ||
      element.getAttribute('aria-description') ||
      '';
    return collapse(hint);
  };

  const isProtected = (element, role) =>
    role === 'password_field' ||
    (element.tagName === 'INPUT' && styleOf(element).webkitTextSecurity !== 'none');

  const contentOf = (element, role) => {
    if (isProtected(element, role)) return null;
    const tag = element.tagName;
    if (tag === 'SELECT')
      return [...element.selectedOptions].map((option) => collapse(option.label)).join(', ');
    if (tag === 'TEXTAREA') return element.value;
    if (tag === 'INPUT') {
      if (element.type === 'file') return [...(element.files ?? [])].map((file) => file.name).join(', ');
      return role === 'text_field' || role === 'spin_button' || role === 'slider' || role === 'combo_box'
        ? element.value
        : null;
    }
    if (tag === 'PROGRESS' || tag === 'METER') return String(element.value);
    if (role === 'text_field' || role === 'combo_box') return collapse(textOf(element));
    const now = element.getAttribute('aria-valuetext') ?? element.getAttribute('aria-valuenow');
    return now;
  };

  const aria = (element, name) => element.getAttribute(`aria-${name}`);
  const focusedElement = (() => {
    let current = document.activeElement;
    while (current?.shadowRoot?.activeElement) current = current.shadowRoot.activeElement;
    return current === document.body ? null : current;
  })();

  const statesOf = (element, role, acts) => {
    const states = [];
    const disabled = element.matches(':disabled') || aria(element, 'disabled') === 'true';
    if (element === focusedElement && document.hasFocus()) states.push('focused');
    if (acts) states.push(disabled ? 'disabled' : 'enabled');
    if (TOGGLES.has(role)) {
      const checked = element.tagName === 'INPUT' ? element.checked : aria(element, 'checked') === 'true';
      if (checked) states.push('checked');
      if (element.indeterminate === true || aria(element, 'checked') === 'mixed')
        states.push('indeterminate');
    }
    if (aria(element, 'pressed') === 'true') states.push('pressed');
    if (aria(element, 'selected') === 'true') states.push('selected');
    if (aria(element, 'current') && aria(element, 'current') !== 'false') states.push('current');
    const edits = role === 'text_field' || role === 'password_field' || role === 'spin_button';
    if (edits) {
      const readOnly = element.readOnly === true || aria(element, 'readonly') === 'true';
      states.push(readOnly || disabled ? 'read_only' : 'editable');
      if (
        element.tagName === 'TEXTAREA' ||
        aria(element, 'multiline') === 'true' ||
        element.isContentEditable
      )
        states.push('multiline');
    }
    if (element.required === true || aria(element, 'required') === 'true') states.push('required');
    if (aria(element, 'invalid') === 'true') states.push('invalid');
    if (aria(element, 'busy') === 'true') states.push('busy');
    const details = element.tagName === 'SUMMARY' ? element.closest('details') : null;
    const expanded = details ? String(details.open) : aria(element, 'expanded');
    if (expanded === 'true') states.push('expanded');
    if (expanded === 'false') states.push('collapsed');
    if (aria(element, 'haspopup') && aria(element, 'haspopup') !== 'false') states.push('has_popup');
    if (isProtected(element, role)) states.push('protected');
    if (role === 'button' && element.form && element.type === 'submit') states.push('submits');
    // Fields with a picker of their own take values in another way than text.
    if (element.tagName === 'INPUT' && PICKED.has(element.type)) states.push(element.type);
    return states;
  };

  const cut = (a, b) => {
    const left = Math.max(a.left, b.left);
    const top = Math.max(a.top, b.top);
    const right = Math.min(a.right, b.right);
    const bottom = Math.min(a.bottom, b.bottom);
    return right - left > 0.5 && bottom - top > 0.5 ? { left, top, right, bottom } : null;
  };

  /** The biggest visible piece: the middle of a link broken over two lines may lie beside it. */
  const visiblePart = (rects, clip) => {
    let best = null;
    let bestArea = 0;
    for (const rect of rects) {
      const part = cut(rect, clip);
      if (!part) continue;
      const area = (part.right - part.left) * (part.bottom - part.top);
      if (area > bestArea) {
        best = part;
        bestArea = area;
      }
    }
    return best;
  };

  const related = (element, hit) => {
    if (hit === null) return false;
    if (hit === element || element.contains(hit) || hit.contains(element)) return true;
    if ([...(element.labels ?? [])].some((label) => label.contains(hit))) return true;
    return element.shadowRoot?.contains(hit) === true;
  };

  const isObscured = (element, part) => {
    const x = (part.left + part.right) / 2;
    const y = (part.top + part.bottom) / 2;
    const root = element.getRootNode();
    const hit = (root.elementFromPoint ? root : document).elementFromPoint(x, y);
    return !related(element, hit);
  };

  const emit = (element, role, name, part, extra = {}) => {
    if (items.length >= limits.maxElements) {
      truncated = true;
      return;
    }
    const acts = ACTS.has(role) || extra.acts === true;
    const states = statesOf(element, role, acts);
    if (extra.acts === true) states.push('clickable');
    if (acts && isObscured(element, part)) states.push('obscured');
    const value =
      extra.value ?? (acts || role === 'list' || role === 'progress_bar' ? contentOf(element, role) : null);
    const item = {
      role,
      name: name.slice(0, limits.maxText),
      states,
      x: part.left,
      y: part.top,
      width: part.right - part.left,
      height: part.bottom - part.top,
    };
    if (value !== null && value !== undefined) item.value = String(value).slice(0, limits.maxValue);
    if (element.tagName === 'SELECT') {
      item.options = [...element.options].slice(0, limits.maxOptions).map((option) => collapse(option.label));
    }
    const title = collapse(element.getAttribute('title') ?? '');
    if (title && title !== name) item.description = title.slice(0, limits.maxText);
    items.push(item);
  };

  const hasOwnText = (element) => {
    for (const child of element.childNodes) if (child.nodeType === 3 && /\S/.test(child.data)) return true;
    return false;
  };
  const isInline = (element) => {
    const display = styleOf(element).display;
    return display.startsWith('inline') || display === 'contents' || display === 'none';
  };
  /** Lines of text a person reads as one: no block inside. */
  const isOneBlock = (element) => {
    for (const child of element.children) {
      if (SKIP.has(child.tagName) || CONTROLS.has(child.tagName)) continue;
      if (!isInline(child)) return false;
    }
    return true;
  };
  const directText = (element) => {
    let text = '';
    for (const child of element.childNodes) if (child.nodeType === 3) text += ` ${child.data}`;
    return collapse(text);
  };
  const textRects = (element, whole) => {
    const range = document.createRange();
    if (whole) {
      range.selectNodeContents(element);
      const rect = range.getBoundingClientRect();
      return rect.width > 0 && rect.height > 0 ? [rect] : [element.getBoundingClientRect()];
    }
    const rects = [];
    for (const child of element.childNodes) {
      if (child.nodeType !== 3 || !/\S/.test(child.data)) continue;
      range.selectNode(child);
      rects.push(range.getBoundingClientRect());
    }
    return rects;
  };

  const childrenOf = (element) => {
    if (element.shadowRoot) return [...element.shadowRoot.children];
    if (element.tagName === 'SLOT') {
      const assigned = element.assignedElements();
      if (assigned.length > 0) return assigned;
    }
    return [...element.children];
  };

  const OPAQUE = new Set(['EMBED', 'OBJECT', 'AUDIO', 'VIDEO']);
  const knowsOpen = CSS.supports('selector(:open)');
  /** Whether it shows something that is not in the page as we read it: a plug-in, a film's buttons, an open list. */
  const isOpaque = (element) => {
    const tag = element.tagName;
    if (tag === 'SELECT' || (tag === 'INPUT' && PICKED.has(element.type)))
      return knowsOpen ? element.matches(':open') : element === focusedElement;
    if (tag === 'INPUT') return element.list !== null && element === focusedElement;
    const drawn = element.offsetWidth > 0 && element.offsetHeight > 0;
    if (OPAQUE.has(tag)) return drawn && (element.controls === undefined || element.controls);
    return drawn && tag.includes('-') && element.shadowRoot === null && element.childNodes.length === 0;
  };

  /** Fields scroll what is written in them, which is told whole. */
  const isScrolled = (element, style) => {
    if (CONTROLS.has(element.tagName)) return false;
    const rolls = (overflow) => overflow === 'auto' || overflow === 'scroll';
    return (
      (rolls(style.overflowY) && element.scrollHeight > element.clientHeight + 2) ||
      (rolls(style.overflowX) && element.scrollWidth > element.clientWidth + 2)
    );
  };

  const viewport = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };

  /**
   * @param context clip of flowing children, clip of absolutely placed ones, whether the text here is told
   *                already, the pointer's shape outside, whether we are inside something that acts.
   */
  const visit = (element, context) => {
    if (SKIP.has(element.tagName)) return;
    visited += 1;
    if (visited > limits.maxNodes) {
      truncated = true;
      return;
    }
    const style = styleOf(element);
    if (style.display === 'none' || element.getAttribute('inert') !== null) return;
    const role = roleOf(element);
    opaque ||= style.visibility === 'visible' && isOpaque(element);
    const invisible = Number(style.opacity) === 0;
    // A see-through check box over a drawn one still takes the click.
    if (invisible && !TOGGLES.has(role)) return;
    const rect = element.getBoundingClientRect();
    const placed = style.position;
    const base = placed === 'fixed' ? viewport : placed === 'absolute' ? context.absoluteClip : context.clip;
    const clipsChildren = style.overflowX !== 'visible' || style.overflowY !== 'visible';
    const isRoot = element === document.documentElement || element === document.body;
    const clip = clipsChildren && !isRoot && style.display !== 'inline' ? cut(base, rect) : base;
    const inner = { ...context, clip, pointer: style.cursor };
    if (placed !== 'static' || style.transform !== 'none') inner.absoluteClip = clip;
    scrolls ||=
      clipsChildren &&
      !isRoot &&
      style.visibility === 'visible' &&
      clip !== null &&
      isScrolled(element, style);

    if (style.visibility === 'visible') {
      const acts = role !== null && ACTS.has(role);
      if (acts) {
        let rects = [...element.getClientRects()];
        // Visually hidden controls are worked through their label.
        if ((rect.width < 4 || rect.height < 4 || invisible) && element.labels?.length > 0) {
          rects = [...element.labels[0].getClientRects()];
        }
        const part = visiblePart(rects, base);
        if (part) emit(element, role, nameOf(element, role), part);
        inner.told = true;
        inner.acting = true;
      } else if (
        !context.acting &&
        style.cursor === 'pointer' &&
        context.pointer !== 'pointer' &&
        role === null
      ) {
        const name = nameOf(element, 'button');
        const part = visiblePart(element.getClientRects(), base);
        const nested = element.querySelector('a[href],button,input,select,textarea,[role]');
        if (part && name && name.length <= 80 && !nested) {
          emit(element, 'button', name, part, { acts: true });
          inner.told = true;
          inner.acting = true;
        }
      }
      if (!inner.acting) {
        tellContainer(element, rect, base);
        tell(element, role, context, inner, base);
      }
    }
    if (inner.clip === null && !inner.absoluteClip) return;
    if (element.tagName === 'SELECT' || element.tagName === 'TEXTAREA') return;
    if (style.contentVisibility === 'hidden') return;
    const folded = element.tagName === 'DETAILS' && !element.open;
    for (const child of childrenOf(element)) {
      if (folded && child.tagName !== 'SUMMARY') continue;
      visit(child, { ...inner, clip: inner.clip ?? EMPTY });
    }
  };
  const EMPTY = { left: 0, top: 0, right: 0, bottom: 0 };

  const tellContainer = (element, rect, base) => {
    const word = (element.getAttribute('role') ?? element.tagName).toLowerCase();
    if (!Object.hasOwn(HOLDS, word)) return;
    const legend = element.tagName === 'FIELDSET' ? element.querySelector(':scope > legend') : null;
    const name = calledOf(element) || (legend ? collapse(textOf(legend)) : '');
    const part = name && name.length <= 200 ? visiblePart([rect], base) : null;
    if (part) emit(element, HOLDS[word], name, part);
  };

  /** Text and named things that do not act. */
  const tell = (element, role, context, inner, base) => {
    if (
      role === 'image' ||
      role === 'list' ||
      role === 'dialog' ||
      role === 'progress_bar' ||
      role === 'alert'
    ) {
      const name = nameOf(element, role);
      const part = visiblePart([element.getBoundingClientRect()], base);
      if (part && (name || role === 'progress_bar' || element.tagName === 'SELECT'))
        emit(element, role, name, part);
      if (role === 'alert' && name) inner.told = true;
      return;
    }
    if (context.told) return;
    const own = hasOwnText(element);
    const oneBlock = isOneBlock(element);
    const reads = own || (role !== null && oneBlock && element.childElementCount > 0);
    if (!reads) return;
    const whole = oneBlock;
    const text = whole ? collapse(textOf(element)) : directText(element);
    if (!text) return;
    const link = element.querySelector('a[href],button,[role=button],[role=link]');
    // "• Home" where Home is a link: the link says it all.
    if (link && !own && collapse(textOf(link)) === text) return;
    // The text of a label, not the field inside it.
    const control = own && element.querySelector('input,select,textarea') !== null;
    const part = visiblePart(textRects(element, whole && !control), base);
    // A display that is called something: its name, with what it shows, and that by itself.
    const name = role === 'status_bar' && part ? calledOf(element) : '';
    if (name && name !== text) emit(element, role, name, part, { value: text });
    if (part) emit(element, name && name !== text ? 'label' : (role ?? 'label'), text, part);
    if (whole) inner.told = true;
  };

  const start = document.body ?? document.documentElement;
  if (start) {
    visit(start, {
      clip: viewport,
      absoluteClip: viewport,
      told: false,
      acting: false,
      pointer: 'auto',
    });
  }
  // Dialogs and popovers of the top layer are not clipped by anything they are nested in.
  const visual = window.visualViewport;
  return {
    items,
    truncated,
    opaque,
    scrolls,
    visited,
    view: {
      width: innerWidth,
      height: innerHeight,
      pixelRatio: devicePixelRatio,
      scale: visual?.scale ?? 1,
      offsetX: visual?.offsetLeft ?? 0,
      offsetY: visual?.offsetTop ?? 0,
    },
  };
};
