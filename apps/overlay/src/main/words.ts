import { IntlMessageFormat } from 'intl-messageformat';
import type { MessageKey, Translate } from '../core/sentence.ts';
import ar from '../locales/ar.json' with { type: 'json' };
import de from '../locales/de.json' with { type: 'json' };
import en from '../locales/en.json' with { type: 'json' };
import es from '../locales/es.json' with { type: 'json' };
import fr from '../locales/fr.json' with { type: 'json' };
import ja from '../locales/ja.json' with { type: 'json' };

export type { MessageKey, Translate };

export const CATALOGS: Readonly<Record<string, Readonly<Record<MessageKey, string>>>> = {
  ar,
  de,
  en,
  es,
  fr,
  ja,
};

/** Words of tray and notifications in the system's language; English where there are none for it. */
export function wordsFor(locale: string): Translate {
  const base = locale.split('-')[0] ?? 'en';
  const [tag, catalog] = CATALOGS[base] === undefined ? ['en', en] : [locale, CATALOGS[base]];
  return (key, values = {}) =>
    String(new IntlMessageFormat(catalog[key], tag, undefined, { ignoreTag: true }).format(values));
}
