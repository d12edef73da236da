/** Numbers and times in the reader's own writing. */

const money = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

export const formatCents = (cents: number): string => money.format(cents / 100);
export const formatClock = (iso: string): string => {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? '?' : clock.format(at);
};
export const formatSeconds = (ms: number): string => (ms / 1000).toFixed(1);

/** `0:42`, `1:02:03`; a clock that jumped back shows as 0:00, never as a negative time. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
