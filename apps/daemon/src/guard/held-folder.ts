import { closeSync, constants, existsSync, fstatSync, openSync, statSync } from 'node:fs';

/**
 * A folder by itself, not by its name: removed for good is something else than renamed, full, or on a disk that is
 * not mounted at the moment. Only Linux tells; elsewhere a name that is missing is all there is.
 */
export class HeldFolder implements Disposable {
  readonly #path: string;
  #file: number | undefined;

  constructor(path: string) {
    this.#path = path;
    if (process.platform !== 'linux') return;
    try {
      this.#file = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch {
      // Without it the name has to do.
    }
  }

  /** Nobody can put anything into it, or find anything in it, ever again. */
  get isRemoved(): boolean {
    if (existsSync(this.#path)) return false;
    if (this.#file === undefined) return true;
    try {
      return fstatSync(this.#file).nlink === 0;
    } catch (error) {
      // A server of files says it that way; any other fault may pass.
      return (error as NodeJS.ErrnoException).code === 'ESTALE';
    }
  }

  /** Leads to it: its name, or where another folder or none has that name, a way that knows no names. */
  get path(): string {
    if (this.#file === undefined) return this.#path;
    try {
      const own = fstatSync(this.#file);
      const named = statSync(this.#path, { throwIfNoEntry: false });
      const isNamed = named?.dev === own.dev && named.ino === own.ino;
      return isNamed || own.nlink === 0 ? this.#path : `/proc/self/fd/${this.#file}`;
    } catch {
      return this.#path;
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
