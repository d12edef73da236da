import { lang } from './words.ts';

/** Numbers and times in the reader's own writing. */

export const formatCents = (cents: number): string =>
  new Intl.NumberFormat(lang, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
  }).format(cents / 100);

/** Time of day, or null for what is no time. */
export const formatClock = (iso: string): string | null => {
  const at = Date.parse(iso);
  return Number.isNaN(at)
    ? null
    : new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit' }).format(at);
};

export const formatSeconds = (ms: number): string =>
  new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ms / 1000);

export const formatCount = (count: number): string => new Intl.NumberFormat(lang).format(count);

/** `0:42`, `1:02:03`; a clock that jumped back shows as 0:00, never as a negative time. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000)) || 0;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown
    .map((part, index) =>
      new Intl.NumberFormat(lang, { minimumIntegerDigits: (index && 2) || 1 }).format(part),
    )
    .join(':');
}
