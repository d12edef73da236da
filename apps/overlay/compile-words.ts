import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MessageFormatElement, parse, TYPE } from '@formatjs/icu-messageformat-parser';
import type { Plugin } from 'vite';
import type { CompiledMessage } from './src/core/message.ts';

/** `assets/words-de.json` is `src/locales/de.json` with its ICU messages taken apart. */
export function compiledWords(localesDir: string, languages: readonly string[]): Plugin {
  return {
    name: 'deskhand-words',
    buildStart() {
      for (const tag of languages) {
        const file = join(localesDir, `${tag}.json`);
        this.addWatchFile(file);
        const catalog = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
        const source = JSON.stringify(compileCatalog(catalog));
        this.emitFile({ type: 'asset', fileName: `assets/words-${tag}.json`, source });
      }
    },
  };
}

/** @throws SyntaxError that names the message ICU does not accept. */
export function compileCatalog(catalog: Readonly<Record<string, string>>): Record<string, CompiledMessage> {
  return Object.fromEntries(
    Object.entries(catalog).map(([key, pattern]) => {
      try {
        return [key, compiled(parse(pattern))];
      } catch (cause) {
        throw new SyntaxError(`The message ${key} is no ICU message: ${pattern}`, { cause });
      }
    }),
  );
}

function compiled(elements: readonly MessageFormatElement[]): CompiledMessage {
  const [only] = elements;
  if (only === undefined) return '';
  if (elements.length === 1 && only.type === TYPE.literal) return only.value;
  return elements.map((element) => {
    switch (element.type) {
      case TYPE.literal:
        return element.value;
      case TYPE.argument:
        return [element.value];
      case TYPE.pound:
        return 0;
      case TYPE.select:
        return [element.value, forms(element.options)];
      case TYPE.plural:
        return [element.value, forms(element.options), 1];
      default:
        throw new SyntaxError('Only {name}, select and plural are used here.');
    }
  });
}

function forms(options: Record<string, { value: MessageFormatElement[] }>): Record<string, CompiledMessage> {
  return Object.fromEntries(Object.entries(options).map(([form, { value }]) => [form, compiled(value)]));
}
