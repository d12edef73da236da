import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { WindowIdentity } from '../ports.ts';

/** @param claims what the window says of itself. @param pid as the display server tells it. */
export async function identityOf(pid: number | null, claims: readonly string[]): Promise<WindowIdentity> {
  const program = pid === null ? null : await readlink(`/proc/${pid}/exe`).catch(() => null);
  const command = pid === null ? '' : await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  const file = program === null ? '' : basename(program.replace(/ \(deleted\)$/, ''));
  const names = [...claims, command, file].map((name) => name.trim()).filter((name) => name !== '');
  return { names: [...new Set(names)], pid, program };
}
