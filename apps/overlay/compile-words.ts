import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MessageFormatElement, parse, TYPE } from '@formatjs/icu-messageformat-parser';
import type { Plugin } from 'vite';

const PREFIX = 'virtual:words/';

/**
 * `virtual:words/de` is `src/locales/de.json` with its ICU messages turned into code, so that the page carries
 * no parser. A message is a string, or `(values, tools) => string`.
 */
export function compiledWords(localesDir: string): Plugin {
  return {
    name: 'deskhand-words',
    resolveId: (id) => (id.startsWith(PREFIX) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return;
      const file = join(localesDir, `${id.slice(PREFIX.length + 1)}.json`);
      this.addWatchFile(file);
      return compileCatalog(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>);
    },
  };
}

/** Source of a module. @throws SyntaxError that names the message ICU does not accept. */
export function compileCatalog(catalog: Readonly<Record<string, string>>): string {
  const entries = Object.entries(catalog).map(([key, pattern]) => {
    try {
      return `${JSON.stringify(key)}:${compileMessage(pattern)}`;
    } catch (cause) {
      throw new SyntaxError(`The message ${key} is no ICU message: ${pattern}`, { cause });
    }
  });
  return `export default {${entries.join(',')}};`;
}

function compileMessage(pattern: string): string {
  const elements = parse(pattern);
  const [only] = elements;
  if (elements.length === 0) return '""';
  if (elements.length === 1 && only?.type === TYPE.literal) return JSON.stringify(only.value);
  return `(v,f)=>${expression(elements, null)}`;
}

/** @param counted the argument `#` stands for. */
function expression(elements: readonly MessageFormatElement[], counted: string | null): string {
  const parts = elements.map((element) => {
    switch (element.type) {
      case TYPE.literal:
        return JSON.stringify(element.value);
      case TYPE.argument:
        return `f.a(v,${JSON.stringify(element.value)})`;
      case TYPE.pound:
        return `f.n(v[${JSON.stringify(counted)}])`;
      case TYPE.select:
        return `f.s(${forms(element.options, counted)},v[${JSON.stringify(element.value)}])`;
      case TYPE.plural:
        return `f.p(${forms(element.options, element.value)},v[${JSON.stringify(element.value)}])`;
      default:
        throw new SyntaxError('Only {name}, select and plural are used here.');
    }
  });
  return parts.length === 0 ? '""' : `""+${parts.join('+')}`;
}

function forms(options: Record<string, { value: MessageFormatElement[] }>, counted: string | null): string {
  const entries = Object.entries(options).map(
    ([form, { value }]) => `${JSON.stringify(form)}:${expression(value, counted)}`,
  );
  return `{${entries.join(',')}}`;
}
