import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Scope } from '@deskhand/base';

/** What one attempt at a task may use: a folder of its own, and owners for everything it starts. */
export class World implements AsyncDisposable {
  /** Absolute; readable by the desktop's file tools. Empty at first. */
  readonly folder: string;
  readonly sabotaged: boolean;
  readonly #scope = new Scope();

  constructor(options: { folder: string; sabotaged: boolean }) {
    mkdirSync(options.folder, { recursive: true });
    this.folder = options.folder;
    this.sabotaged = options.sabotaged;
    this.#scope.add('folder', () => rmSync(this.folder, { recursive: true, force: true }));
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** Text of a file in the folder; null when there is none. */
  read(name: string): string | null {
    const file = this.path(name);
    return existsSync(file) ? readFileSync(file, 'utf8') : null;
  }

  write(name: string, content: string): string {
    const file = this.path(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  /** Keeps something open until the attempt is over. */
  async use<T extends AsyncDisposable>(name: string, opening: T | Promise<T>): Promise<T> {
    return this.#scope.use(name, await opening);
  }

  /**
   * In a twin: another program that damages a file the moment it is written. `spoil` gets the content and
   * returns what stays, null to delete the file, the same text to leave it.
   */
  spoilWhenWritten(name: string, spoil: (content: string) => string | null): void {
    if (!this.sabotaged) return;
    let last: string | null = null;
    const look = () => {
      const content = this.read(name);
      if (content === null || content === last) return;
      const left = spoil(content);
      if (left === null) rmSync(this.path(name), { force: true });
      else if (left !== content) this.write(name, left);
      last = left;
    };
    const folder = path.dirname(this.path(name));
    mkdirSync(folder, { recursive: true });
    const watcher = watch(folder, look);
    this.#scope.add(`spoiling ${name}`, () => watcher.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
  }
}
