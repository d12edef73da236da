import { parse, TYPE } from '@formatjs/icu-messageformat-parser';
import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, it } from 'vitest';
import { compileCatalog } from '../../compile-words.ts';
import { LANGUAGES } from '../../overlay-build.ts';
import { type CompiledMessage, formatMessage } from '../core/message.ts';
import { CATALOGS, type MessageKey, wordsFor } from '../main/words.ts';

const english = CATALOGS.en as Readonly<Record<MessageKey, string>>;
const keys = Object.keys(english) as MessageKey[];

/** Names of a message's arguments, and what a `select` knows, in any depth. */
function argumentsOf(pattern: string): string[] {
  const names = new Set<string>();
  const visit = (elements: ReturnType<typeof parse>) => {
    for (const element of elements) {
      if (element.type === TYPE.literal || element.type === TYPE.pound) continue;
      names.add('value' in element && typeof element.value === 'string' ? element.value : '?');
      if (element.type !== TYPE.select && element.type !== TYPE.plural) continue;
      for (const [form, { value }] of Object.entries(element.options)) {
        if (element.type === TYPE.select) names.add(`${element.value}=${form}`);
        visit(value);
      }
    }
  };
  visit(parse(pattern));
  return [...names].sort();
}

const values: Readonly<Record<string, string | number>> = {
  ...{
    status: 'succeeded',
    kind: 'asked',
    lost: 'daemon',
    at: '14:03',
    by: 'hotkey',
    host: 'h',
    time: '9:30',
    chord: 'Ctrl+X',
  },
  ...{
    reason: 'r',
    command: 'c',
    message: 'm',
    used: '1',
    limit: '2',
    application: 'Firefox',
    seconds: '0.8',
    code: '1234',
  },
};

describe('catalogs', () => {
  it('are the ones that are built', () => {
    expect([...LANGUAGES].sort()).toEqual(Object.keys(CATALOGS).sort());
  });

  it.each(Object.keys(CATALOGS))('%s has every message with the same arguments and choices', (tag) => {
    const catalog = CATALOGS[tag] as typeof english;
    expect(Object.keys(catalog)).toEqual(keys);
    for (const key of keys)
      expect([key, argumentsOf(catalog[key])]).toEqual([key, argumentsOf(english[key])]);
  });

  it.each(Object.keys(CATALOGS))('%s says the same compiled as read by an ICU library', (tag) => {
    const catalog = CATALOGS[tag] as typeof english;
    const compiled = compileCatalog(catalog);
    const cases = [0, 1, 2, 3, 11, 100, 1_000_000].flatMap((count) => [
      { ...values, count },
      { ...values, count, kind: 'takeover', by: 'nobody knows', at: 'unknown' },
      { ...values, count, by: 'constructor', kind: 'toString' },
    ]);
    for (const key of keys) {
      // As it reaches the page: plain data.
      const message = JSON.parse(JSON.stringify(compiled[key])) as CompiledMessage;
      for (const given of cases) {
        const shown = formatMessage(message, given, tag);
        const library = new IntlMessageFormat(catalog[key], tag, undefined, { ignoreTag: true });
        expect([key, shown]).toEqual([key, library.format(given)]);
      }
    }
  });

  it('name the message that is no ICU message', () => {
    expect(() => compileCatalog({ broken: '{count, plural, one {#}' })).toThrow(/broken/);
    expect(() => compileCatalog({ date: '{at, date}' })).toThrow(/date/);
  });

  it.each([
    ['de-AT', 'Der Agent wartet auf Ihre Entscheidung.'],
    ['en-GB', 'The agent waits for your decision.'],
    ['xx', 'The agent waits for your decision.'],
  ])('%s: tray and notifications speak it', (locale, text) => {
    expect(wordsFor(locale)('notify.awaiting_human')).toBe(text);
  });
});
