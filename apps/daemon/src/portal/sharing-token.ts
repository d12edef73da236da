import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type SharingPurpose = 'look' | 'control';

const PURPOSES: readonly SharingPurpose[] = ['look', 'control'];

const fileOf = (folder: string, purpose: SharingPurpose) => join(folder, `portal-${purpose}.token`);

/** What stands for the person's answer of last time; undefined where they are to be asked. */
export function readSharingToken(folder: string, purpose: SharingPurpose): string | undefined {
  try {
    return readFileSync(fileOf(folder, purpose), 'utf8');
  } catch {
    return undefined;
  }
}

/** Each is good once; without a new one the person is asked again. */
export function keepSharingToken(folder: string, purpose: SharingPurpose, token: unknown): void {
  const file = fileOf(folder, purpose);
  if (typeof token === 'string' && token !== '') writeFileSync(file, token, { mode: 0o600 });
  else rmSync(file, { force: true });
}

/** They took it back: whoever wants to look or act next asks them. */
export function forgetSharing(folder: string): void {
  for (const purpose of PURPOSES) rmSync(fileOf(folder, purpose), { force: true });
}
