import { lang } from './words.ts';

/** Numbers and times in the reader's own writing. */

const number = (value: number, options?: Intl.NumberFormatOptions): string =>
  new Intl.NumberFormat(lang, options).format(value);

export const formatCount = (count: number): string => number(count);

export const formatCents = (cents: number): string =>
  number(cents / 100, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' });

export const formatSeconds = (ms: number): string =>
  number(ms / 1000, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Time of day, or null for what is no time. */
export const formatClock = (iso: string): string | null =>
  Date.parse(iso)
    ? new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit' }).format(Date.parse(iso))
    : null;

/** `00:42`, `1:02:03`; a clock that jumped back shows as 00:00, never as a negative time. */
export function formatDuration(ms: number): string {
  const all = Math.max(0, Math.floor(ms / 1000)) || 0;
  return new Intl.DurationFormat(lang, { style: 'digital', hoursDisplay: 'auto' }).format({
    hours: Math.floor(all / 3600),
    minutes: Math.floor(all / 60) % 60,
    seconds: all % 60,
  });
}
