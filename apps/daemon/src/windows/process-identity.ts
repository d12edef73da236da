import { readFile, readlink } from 'node:fs/promises';
import type { WindowIdentity } from '../ports.ts';

/** @param claims what the window says of itself. @param pid as the display server tells it. */
export async function identityOf(pid: number | null, claims: readonly string[]): Promise<WindowIdentity> {
  const program = pid === null ? null : await readlink(`/proc/${pid}/exe`).catch(() => null);
  const command = pid === null ? '' : await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return { names: programNames([...claims, command], program), pid, program };
}

/** All names a window goes by, its program's file name among them. */
export function programNames(claims: readonly string[], program: string | null): readonly string[] {
  // Either system's separator; Linux marks a program whose file was replaced.
  const file = (program ?? '').replace(/ \(deleted\)$/, '').replace(/^.*[\\/]/, '');
  const names = [...claims, file, file.replace(/\.exe$/i, '')].map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}
