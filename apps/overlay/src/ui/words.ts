import { type CompiledMessage, formatMessage, type MessageValues } from '../core/message.ts';
import type english from '../locales/en.json';

export type MessageKey = keyof typeof english;
/** What the build makes of `src/locales`; see `compile-words.ts`. */
export type Catalog = Readonly<Record<MessageKey, CompiledMessage>>;

/** Even without any catalog the button says what it does. */
let catalog: Partial<Catalog> = { stop: 'STOP' };
/** For numbers and times: the reader's own region where it speaks the panel's language. */
export let lang = 'en';

/** Takes the words that came with the page, and tells it their language. */
export function loadWords(languages: readonly string[]): void {
  const block = document.getElementById('words') as HTMLElement;
  try {
    catalog = JSON.parse(block.textContent) as Catalog;
  } catch {
    // The panel goes on without words: icons, colours and STOP are there.
  }
  lang = languages.find((tag) => base(tag) === block.lang) ?? block.lang;
  document.documentElement.lang = block.lang;
  document.documentElement.dir = block.lang === 'ar' ? 'rtl' : 'ltr';
}

/** The message in the reader's language; nothing for words that come from elsewhere and are not known. */
export function t(key: MessageKey, values: MessageValues = {}): string {
  return formatMessage(catalog[key] ?? '', values, lang);
}

const base = (tag: string): string => tag.split('-')[0] as string;
