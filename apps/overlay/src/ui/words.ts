import type english from '../locales/en.json';

export type MessageKey = keyof typeof english;
type Values = Readonly<Record<string, string | number | null | undefined>>;
type Tools = typeof tools;
/** What the build makes of `src/locales`; see `compile-words.ts`. */
export type Catalog = Readonly<Record<MessageKey, string | ((values: Values, tools: Tools) => string)>>;

/** One file each, beside this bundle; only the reader's is loaded. */
const TAGS = 'en de es fr ar ja';

/** Even without any catalog the button says what it does. */
let catalog: Partial<Catalog> = { stop: 'STOP' };
/** For numbers and times: the reader's own region where it speaks the panel's language. */
export let lang = 'en';

const pick = (forms: Readonly<Record<string, string>>, key: unknown): string =>
  (Object.hasOwn(forms, String(key)) ? forms[String(key)] : forms.other) as string;
const tools = {
  a: (values: Values, name: string) => values[name] ?? '',
  n: (count: number) => new Intl.NumberFormat(lang).format(count),
  s: pick,
  p: (forms: Readonly<Record<string, string>>, count: number) =>
    forms[`=${count}`] ?? pick(forms, new Intl.PluralRules(lang).select(count)),
};

/** Takes the first of the reader's languages there are words for, and tells the page. */
export async function loadWords(languages: readonly string[]): Promise<void> {
  const wanted = languages.find((tag) => TAGS.includes(base(tag))) ?? 'en';
  try {
    catalog = (await __import<{ default: Catalog }>(`./words-${base(wanted)}.js`)).default;
    lang = wanted;
  } catch {
    // The panel goes on without words: icons, colours and STOP are there.
  }
  document.documentElement.lang = base(lang);
  document.documentElement.dir = base(lang) === 'ar' ? 'rtl' : 'ltr';
}

/** The message in the reader's language; nothing for words that come from elsewhere and are not known. */
export function t(key: MessageKey, values: Values = {}): string {
  const message = catalog[key];
  return typeof message === 'function' ? message(values, tools) : (message ?? '');
}

const base = (tag: string): string => tag.split('-')[0] as string;
