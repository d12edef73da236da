import { options, page, type Site, startSite, text } from './site.ts';

export type FormFault =
  | 'keeps_first'
  | 'shifts_date'
  | 'swaps_radio'
  | 'forgets_box'
  | 'rounds_slider'
  | 'ignores_save'
  | 'loses_last';

/** Settings on one page and a registration in four steps. */
export interface Forms extends Site {
  readonly settings: Readonly<Record<string, string | boolean>>;
  readonly registrations: ReadonlyArray<Readonly<Record<string, string>>>;
}

const DEFAULTS = {
  name: 'Workstation',
  language: 'English',
  theme: 'System',
  newsletter: true,
  sounds: false,
  backup: false,
  volume: '40',
  start: '2026-01-01',
  time: '08:00',
  fontSize: '14',
};

export async function startForms(fault: FormFault | null): Promise<Forms> {
  const settings: Record<string, string | boolean> = { ...DEFAULTS };
  const registrations: Array<Record<string, string>> = [];
  let draft: Record<string, string> = {};
  let note = '';
  const box = (name: string, label: string, kind = 'checkbox') =>
    `<p><label class="inline"><input type="checkbox"${kind === 'switch' ? ' role="switch"' : ''} name="${name}"${settings[name] === true ? ' checked' : ''}> ${label}</label></p>`;
  const field = (label: string, html: string, id: string) => `<label for="${id}">${label}</label>${html}`;
  const step = (number: number, title: string, body: string, last = false) =>
    page(
      `Step ${number}: ${title}`,
      `<h1>Registration</h1><p>Step ${number} of 4</p><h2>${title}</h2><form method="post" action="/register/${number}">${body}<p>${number > 1 ? `<a href="/register/${number - 1}">Back</a> ` : ''}<button>${last ? 'Submit registration' : 'Continue'}</button></p></form>`,
    );
  const value = (name: string) => text(draft[name] ?? '');
  const site = await startSite({
    'GET /': () => ({ redirect: '/settings' }),
    'GET /settings': () => {
      const html = page(
        'Settings',
        `${note === '' ? '' : `<div class="note" role="status">${note}</div>`}<h1>Settings</h1><p>Stored now: ${Object.entries(
          settings,
        )
          .map(([name, stored]) => `${name}: ${text(String(stored))}`)
          .join(', ')}</p><form method="post" action="/settings">
${field('Device name', `<input type="text" id="name" name="name" value="${text(String(settings.name))}">`, 'name')}
${field('Language', `<select id="language" name="language">${options(['English', 'Deutsch', 'Français', 'Español', 'Polski'], String(settings.language))}</select>`, 'language')}
<fieldset><legend>Theme</legend>${['Light', 'Dark', 'System'].map((name) => `<label class="inline"><input type="radio" name="theme" value="${name}"${settings.theme === name ? ' checked' : ''}> ${name}</label>`).join('')}</fieldset>
${box('newsletter', 'Send me the newsletter')}${box('sounds', 'Play sounds')}${box('backup', 'Automatic backup', 'switch')}
${field('Volume', `<input type="range" id="volume" name="volume" min="0" max="100" step="5" value="${settings.volume}" oninput="document.getElementById('shown').textContent=this.value"> <span id="shown">${settings.volume}</span>`, 'volume')}
${field('Start date', `<input type="date" id="start" name="start" value="${settings.start}">`, 'start')}
${field('Daily report at', `<input type="time" id="time" name="time" value="${settings.time}">`, 'time')}
${field('Font size', `<input type="number" id="fontSize" name="fontSize" min="8" max="40" value="${settings.fontSize}">`, 'fontSize')}
<p><button>Save settings</button></p></form>`,
      );
      note = '';
      return { html };
    },
    'POST /settings': ({ form }) => {
      note = 'Settings saved.';
      if (fault === 'ignores_save') return { redirect: '/settings' };
      for (const name of ['name', 'language', 'theme', 'volume', 'start', 'time', 'fontSize'])
        settings[name] = form.get(name) ?? '';
      for (const name of ['newsletter', 'sounds', 'backup']) settings[name] = form.has(name);
      if (fault === 'shifts_date') settings.start = String(settings.start).replace(/\d\d$/, '01');
      if (fault === 'swaps_radio') settings.theme = settings.theme === 'Dark' ? 'Light' : 'Dark';
      if (fault === 'forgets_box') {
        settings.sounds = false;
        settings.backup = false;
        settings.newsletter = true;
      }
      if (fault === 'rounds_slider') settings.volume = '50';
      if (fault === 'keeps_first') {
        settings.name = DEFAULTS.name;
        settings.language = DEFAULTS.language;
        settings.fontSize = DEFAULTS.fontSize;
        settings.time = DEFAULTS.time;
      }
      return { redirect: '/settings' };
    },
    'GET /register': () => ({ redirect: '/register/1' }),
    'GET /register/1': () => ({
      html: step(
        1,
        'About you',
        `${draft.error === undefined ? '' : `<div class="error" role="alert">${text(draft.error)}</div>`}${field('First name', `<input type="text" id="first" name="first" value="${value('first')}">`, 'first')}${field('Last name', `<input type="text" id="last" name="last" value="${value('last')}">`, 'last')}${field('Date of birth', `<input type="date" id="born" name="born" value="${value('born')}">`, 'born')}`,
      ),
    }),
    'POST /register/1': ({ form }) => {
      draft = { ...draft, ...Object.fromEntries(form) };
      delete draft.error;
      if ((draft.last ?? '') === '') {
        draft.error = 'Please enter your last name.';
        return { redirect: '/register/1' };
      }
      return { redirect: '/register/2' };
    },
    'GET /register/2': () => ({
      html: step(
        2,
        'Contact',
        `${field('Email address', `<input type="email" id="email" name="email" value="${value('email')}">`, 'email')}${field('Country', `<select id="country" name="country">${options(['Please choose', 'Austria', 'Brazil', 'Canada', 'Denmark', 'Estonia', 'Finland', 'Ghana', 'Hungary', 'Iceland', 'Japan'], draft.country ?? 'Please choose')}</select>`, 'country')}`,
      ),
    }),
    'POST /register/2': ({ form }) => {
      draft = { ...draft, ...Object.fromEntries(form) };
      return { redirect: '/register/3' };
    },
    'GET /register/3': () => ({
      html: step(
        3,
        'Ticket',
        `<fieldset><legend>Ticket</legend>${['One day', 'Two days', 'Whole week'].map((name) => `<label class="inline"><input type="radio" name="ticket" value="${name}"> ${name}</label>`).join('')}</fieldset><fieldset><legend>Meals</legend>${['Breakfast', 'Lunch', 'Dinner'].map((name) => `<label class="inline"><input type="checkbox" name="${name.toLowerCase()}" value="yes"> ${name}</label>`).join('')}</fieldset>`,
      ),
    }),
    'POST /register/3': ({ form }) => {
      draft = { ...draft, ...Object.fromEntries(form) };
      return { redirect: '/register/4' };
    },
    'GET /register/4': () => ({
      html: step(
        4,
        'Summary',
        `<ul>${Object.entries(draft)
          .map(([name, stored]) => `<li>${text(name)}: ${text(stored)}</li>`)
          .join(
            '',
          )}</ul><label class="inline"><input type="checkbox" name="terms" value="yes" required> I accept the terms</label>`,
        true,
      ),
    }),
    'POST /register/4': () => {
      const { terms: _, ...kept } = draft;
      if (fault === 'loses_last') kept.last = '';
      if (fault === 'swaps_radio') kept.ticket = 'One day';
      registrations.push(kept);
      draft = {};
      return { redirect: '/registered' };
    },
    'GET /registered': () => {
      const last = registrations.at(-1) ?? {};
      return {
        html: page(
          'Registered',
          `<h1>You are registered</h1><p>Name: ${text(`${last.first ?? ''} ${last.last ?? ''}`)}</p><p>Ticket: ${text(last.ticket ?? '')}</p><p>Country: ${text(last.country ?? '')}</p>`,
        ),
      };
    },
  });
  return Object.assign(site, { settings, registrations });
}

export const DEFAULT_SETTINGS: Readonly<Record<string, string | boolean>> = DEFAULTS;
