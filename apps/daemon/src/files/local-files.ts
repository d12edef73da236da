import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { ProtocolError } from '@deskhand/protocol';

export type FileContent = Readonly<{
  path: string;
  text: string;
  size_bytes: number;
  modified_at: string;
  truncated: boolean;
}>;

export type FileFacts = Readonly<
  | { path: string; exists: false }
  | { path: string; exists: true; kind: 'file' | 'folder' | 'other'; size_bytes: number; modified_at: string }
>;

/**
 * Files of this desktop, after policy has said yes to a path. Policy reads names; this looks where they
 * lead: a path that goes through a symbolic link counts only if its end lies inside an allowed root.
 */
export class LocalFiles {
  readonly #roots: () => readonly string[];

  /** @param roots folders whose files may be read, as they are now. */
  constructor(roots: () => readonly string[]) {
    this.#roots = roots;
  }

  /** @throws ProtocolError NOT_FOUND; INVALID_PATH for folders, binary files and links that lead outside. */
  async read(
    path: string,
    limits: Readonly<{ maxBytes: number }>,
    options: { signal: AbortSignal },
  ): Promise<FileContent> {
    options.signal.throwIfAborted();
    const real = await this.#whereItLeads(path);
    if (real === null) throw notFound(path);
    // Not following a link here closes the gap between the look and the open; a pipe must not block us.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(real, flags).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw notFound(path);
      throw new ProtocolError(
        'INVALID_PATH',
        `${path} cannot be read (${cause.code ?? 'unknown'}).`,
        {},
        { cause },
      );
    });
    const facts = await file.stat();
    if (!facts.isFile()) throw new ProtocolError('INVALID_PATH', `${path} is not a file.`);
    const bytes = Buffer.alloc(Math.min(limits.maxBytes, facts.size));
    let length = 0;
    while (length < bytes.length) {
      options.signal.throwIfAborted();
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const truncated = facts.size > length;
    return {
      path,
      text: textOf(bytes.subarray(0, length), truncated, path),
      size_bytes: facts.size,
      modified_at: facts.mtime.toISOString(),
      truncated,
    };
  }

  async stat(path: string, options: { signal: AbortSignal }): Promise<FileFacts> {
    options.signal.throwIfAborted();
    const real = await this.#whereItLeads(path);
    const facts = real === null ? null : await lstat(real).catch(() => null);
    if (facts === null) return { path, exists: false };
    const kind = facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other';
    return { path, exists: true, kind, size_bytes: facts.size, modified_at: facts.mtime.toISOString() };
  }

  /** @returns the path without links, or null when nothing is there. */
  async #whereItLeads(path: string): Promise<string | null> {
    if (!isAbsolute(path) || path.includes('\0')) {
      throw new ProtocolError('INVALID_PATH', 'A path must be absolute.');
    }
    const plain = resolve(path);
    let real: string;
    try {
      real = await realpath(plain);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      throw new ProtocolError(
        'INVALID_PATH',
        `${path} cannot be looked at (${code ?? 'unknown'}).`,
        {},
        { cause },
      );
    }
    if (real === plain) return real;
    for (const root of this.#roots()) {
      const realRoot = await realpath(root).catch(() => null);
      if (realRoot !== null && isInside(real, realRoot)) return real;
    }
    throw new ProtocolError('INVALID_PATH', `${path} is a link that leads outside the allowed folders.`);
  }
}

/** Whether `path` is `root` or lies below it; both without links. */
export function isInside(path: string, root: string): boolean {
  const between = relative(root, path);
  return between === '' || (!between.startsWith('..') && !isAbsolute(between));
}

function textOf(bytes: Buffer, truncated: boolean, path: string): string {
  if (bytes.includes(0)) throw new ProtocolError('INVALID_PATH', `${path} is not a text file.`);
  try {
    // A cut may fall inside a character; streaming leaves the broken end out.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: truncated });
  } catch (cause) {
    throw new ProtocolError('INVALID_PATH', `${path} is not a text file in UTF-8.`, {}, { cause });
  }
}

function notFound(path: string): ProtocolError {
  return new ProtocolError('NOT_FOUND', `There is no file ${path}.`);
}
