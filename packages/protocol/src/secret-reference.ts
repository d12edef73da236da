import { z } from 'zod';

/**
 * `{{secret:name}}` in a task: typed by hands as the value that the desktop's own vault holds under that name, and
 * by this placeholder known to everybody else. The value never leaves the desktop.
 */
export const SecretName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'letters, digits, dots, dashes and underscores; at most 64');

const REFERENCE = /\{\{\s*secret:([A-Za-z0-9][A-Za-z0-9_.-]{0,63})\s*\}\}/g;

/** Names of the secrets that a text asks for, each once, in order. */
export function secretNamesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(REFERENCE)].map(([, name = '']) => name))];
}

export function hasSecretReference(text: string): boolean {
  return secretNamesIn(text).length > 0;
}

/** @param tell gives the value of a name that {@link secretNamesIn} told. */
export function withSecrets(text: string, tell: (name: string) => string): string {
  return text.replace(REFERENCE, (_whole, name: string) => tell(name));
}

/** The text as events may show it: placeholders as they are, everything else by its length. */
export function describeTypedText(text: string): string {
  const parts: string[] = [];
  let at = 0;
  const add = (plain: string) => {
    const characters = [...plain].length;
    if (characters > 0) parts.push(`[${characters} characters]`);
  };
  for (const match of text.matchAll(REFERENCE)) {
    add(text.slice(at, match.index));
    parts.push(`{{secret:${match[1]}}}`);
    at = match.index + match[0].length;
  }
  add(text.slice(at));
  return parts.join('');
}
