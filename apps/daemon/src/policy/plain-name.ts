import { wildcard } from '@deskhand/protocol';

/** Without what can't be seen, and with look-alike widths, ligatures and composed letters as what they stand for. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
}

/** Whether a rule of the person's means that name: both as they are read, not as they are written. */
export function nameFits(match: string, name: string): boolean {
  return wildcard(plain(match), plain(name));
}
