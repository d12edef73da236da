import { inertText } from '@deskhand/base';

/** Markup that is safe to put into the page: made here, or escaped. Plain strings are not. */
export class Markup {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

type Part = Markup | string | number | null | readonly Part[];

/** Longest text shown of anything; a whole page of words is still readable. */
const MAX_CHARACTERS = 16_000;

/** Template for markup: every value that is not {@link Markup} is escaped and made inert. */
export function html(literals: TemplateStringsArray, ...values: readonly Part[]): Markup {
  let source = literals[0] ?? '';
  for (const [index, value] of values.entries()) source += render(value) + (literals[index + 1] ?? '');
  return new Markup(source);
}

function render(value: Part): string {
  if (value === null) return '';
  if (value instanceof Markup) return value.source;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeText(inertText(String(value), MAX_CHARACTERS));
}

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
