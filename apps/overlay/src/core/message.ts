/** A message of `src/locales` without its ICU syntax, as data: `compile-words.ts` makes it, so that the page carries no parser. */
export type CompiledMessage = string | readonly MessagePart[];
type Forms = Readonly<Record<string, CompiledMessage>>;
/** Text; the number a plural is about (`0` for ICU's `#`); an argument; a choice by an argument's value, or by its number. */
type MessagePart =
  | string
  | 0
  | readonly [name: string]
  | readonly [name: string, forms: Forms]
  | readonly [name: string, forms: Forms, byNumber: 1];
export type MessageValues = Readonly<Record<string, string | number | null | undefined>>;

/** @param tag language of numbers and plural forms. */
export function formatMessage(
  message: CompiledMessage,
  values: MessageValues,
  tag: string,
  count?: number,
): string {
  if (typeof message === 'string') return message;
  const parts = message.map((part) => {
    if (part === 0) return new Intl.NumberFormat(tag).format(count as number);
    if (typeof part === 'string') return part;
    const [name, forms, byNumber] = part;
    const value = values[name];
    if (forms === undefined) return value ?? '';
    const own = (form: unknown) => (Object.hasOwn(forms, String(form)) ? forms[String(form)] : undefined);
    const form = byNumber
      ? (own(`=${value}`) ?? own(new Intl.PluralRules(tag).select(value as number)))
      : own(value);
    return formatMessage(
      form ?? (forms.other as CompiledMessage),
      values,
      tag,
      byNumber ? (value as number) : count,
    );
  });
  return parts.join('');
}
