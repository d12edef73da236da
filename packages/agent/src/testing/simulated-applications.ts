import {
  SCREEN,
  ScriptedMachine,
  SimulatedDesktop,
  type SimulatedWindow,
  type Widget,
} from './scripted-machine.ts';

/** A text editor with the GTK habits that matter: Ctrl+Shift+S asks for a name, an existing file is asked about. */
export function installTextEditor(desktop: SimulatedDesktop): void {
  desktop.applications.set('text editor', (target) => {
    target.open({
      id: 'editor',
      title: 'Untitled 1 - Mousepad',
      application: 'mousepad',
      focusedId: 'text',
      widgets: [
        menu('menu-file', 'File', 0, (host) => openMenu(host)),
        menu('menu-edit', 'Edit', 60),
        {
          id: 'text',
          role: 'text_field',
          name: '',
          value: '',
          states: ['editable', 'multiline'],
          bounds: { x: 0, y: 40, width: 1280, height: 740 },
        },
      ],
      onKey: (host, chord) => {
        if (chord === 'ctrl+shift+s' || chord === 'ctrl+s') {
          openSaveDialog(host);
          return true;
        }
        return false;
      },
    });
  });
}

function menu(id: string, name: string, x: number, onClick?: Widget['onClick']): Widget {
  return {
    id,
    role: 'menu',
    name,
    bounds: { x, y: 0, width: 50, height: 24 },
    ...(onClick === undefined ? {} : { onClick }),
  };
}

function openMenu(desktop: SimulatedDesktop): void {
  const editor = desktop.active;
  editor?.widgets.push({
    id: 'item-save-as',
    role: 'menu_item',
    name: 'Save As…',
    bounds: { x: 0, y: 60, width: 200, height: 24 },
    onClick: (host) => {
      editor.widgets = editor.widgets.filter(({ id }) => id !== 'item-save-as');
      openSaveDialog(host);
    },
  });
}

function openSaveDialog(desktop: SimulatedDesktop): void {
  const name: Widget = {
    id: 'name',
    role: 'text_field',
    name: 'Name',
    value: 'Untitled',
    states: ['editable'],
    bounds: { x: 400, y: 200, width: 400, height: 30 },
  };
  const write = (host: SimulatedDesktop) => {
    const path = name.value ?? '';
    host.files.set(path, host.widget('text').value ?? '');
    host.close('save');
    const editor = host.windows.find(({ id }) => id === 'editor');
    if (editor !== undefined) editor.title = `${path} - Mousepad`;
  };
  const confirm = (host: SimulatedDesktop) => {
    if (!host.files.has(name.value ?? '')) return write(host);
    host.active?.widgets.push(
      {
        id: 'question',
        role: 'label',
        name: 'A file of that name already exists. Do you want to replace it?',
        bounds: { x: 400, y: 300, width: 400, height: 30 },
      },
      { id: 'cancel', role: 'button', name: 'Cancel', bounds: { x: 400, y: 340, width: 80, height: 30 } },
      {
        id: 'replace',
        role: 'button',
        name: 'Replace',
        bounds: { x: 500, y: 340, width: 80, height: 30 },
        onClick: write,
      },
    );
  };
  desktop.selectedAll = true;
  desktop.open({
    id: 'save',
    title: 'Save As',
    application: 'mousepad',
    focusedId: 'name',
    widgets: [
      { id: 'name-label', role: 'label', name: 'Name:', bounds: { x: 340, y: 200, width: 50, height: 30 } },
      name,
      {
        id: 'ok',
        role: 'button',
        name: 'Save',
        bounds: { x: 720, y: 420, width: 80, height: 30 },
        onClick: confirm,
      },
    ],
    onKey: (host, chord) => {
      if (chord === 'enter') {
        confirm(host);
        return true;
      }
      if (chord === 'escape') {
        host.close('save');
        return true;
      }
      return false;
    },
  });
}

/** A page with a tea order form: labelled field, drop-down, box, button, and an answer. */
export function installFormPage(desktop: SimulatedDesktop, url: string): void {
  desktop.applications.set('browser', (target) => target.open(browserWindow('about:blank', [])));
  desktop.pages.set(url, (target) => {
    const drink: Widget = {
      id: 'drink',
      role: 'combo_box',
      name: 'Drink',
      value: 'Coffee',
      bounds: { x: 200, y: 180, width: 200, height: 30 },
      onClick: (host) => {
        ['Coffee', 'Green tea', 'Black tea'].forEach((name, index) => {
          host.active?.widgets.push({
            id: `option-${index}`,
            role: 'option',
            name,
            bounds: { x: 200, y: 215 + index * 24, width: 200, height: 24 },
            onClick: (inner) => {
              drink.value = name;
              const window = inner.active;
              if (window !== undefined)
                window.widgets = window.widgets.filter(({ role }) => role !== 'option');
            },
          });
        });
      },
    };
    target.open(
      browserWindow(url, [
        { id: 'title', role: 'heading', name: 'Order', bounds: { x: 100, y: 60, width: 300, height: 40 } },
        { id: 'name-label', role: 'label', name: 'Name', bounds: { x: 100, y: 120, width: 80, height: 30 } },
        {
          id: 'name-field',
          role: 'text_field',
          name: 'Name',
          value: '',
          states: ['editable'],
          bounds: { x: 200, y: 120, width: 300, height: 30 },
        },
        {
          id: 'drink-label',
          role: 'label',
          name: 'Drink',
          bounds: { x: 100, y: 180, width: 80, height: 30 },
        },
        drink,
        {
          id: 'agree',
          role: 'check_box',
          name: 'I agree',
          states: [],
          bounds: { x: 200, y: 320, width: 20, height: 20 },
        },
        {
          id: 'send',
          role: 'button',
          name: 'Send',
          bounds: { x: 200, y: 380, width: 100, height: 34 },
          onClick: (host) => {
            const field = host.widget('name-field');
            const ticked = host.widget('agree').states?.includes('checked') === true;
            host.journal.push(`form sent: ${field.value} / ${drink.value} / ${ticked}`);
            host.active?.widgets.push({
              id: 'answer',
              role: 'paragraph',
              name: `Thank you, ${field.value}!`,
              bounds: { x: 200, y: 440, width: 300, height: 30 },
            });
          },
        },
      ]),
    );
  });
}

export function browserWindow(url: string, widgets: Widget[], title = 'Tea order'): SimulatedWindow {
  return {
    id: 'browser',
    title: `${title} - Chromium`,
    application: 'chromium',
    widgets,
    page: { url, title },
    focusedId: null,
  };
}

/** A form with one field and a button that sends it; the journal gets `sent`, the title says thanks. */
export function browserForm(screen: Readonly<{ width: number; height: number }> = SCREEN): {
  desktop: SimulatedDesktop;
  machine: ScriptedMachine;
} {
  const desktop = new SimulatedDesktop();
  desktop.open({
    id: 'w',
    title: 'Form',
    application: 'chromium',
    page: { url: 'http://a.test/', title: 'Form' },
    focusedId: null,
    widgets: [
      {
        id: 'name',
        role: 'text_field',
        name: 'Name',
        value: '',
        states: ['editable'],
        bounds: { x: 100, y: 100, width: 200, height: 30 },
      },
      {
        id: 'send',
        role: 'button',
        name: 'Send',
        bounds: { x: 100, y: 200, width: 100, height: 30 },
        onClick: (host) => {
          host.journal.push('sent');
          const window = host.active;
          if (window !== undefined) window.title = 'Thank you';
        },
      },
    ],
  });
  return { desktop, machine: new ScriptedMachine({ desktop, screen }) };
}
