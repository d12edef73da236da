import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A private file in the data folder that always leads into the panel: it holds a link with an unused code and
 * is written anew each time the code was taken. Whoever may read the data folder may open the panel.
 */
export class Doorway implements Disposable {
  readonly file: string;
  readonly #issueLink: () => string;

  constructor(dataDir: string, issueLink: () => string) {
    this.file = join(dataDir, 'panel-link.html');
    this.#issueLink = issueLink;
  }

  /** Replaces the file in one step, so that nobody reads half a link. */
  renew(): void {
    const temporary = `${this.file}.${randomBytes(6).toString('hex')}`;
    const page = `<!doctype html><title>Deskhand</title><meta http-equiv="refresh" content="0;url=${this.#issueLink()}">\n`;
    writeFileSync(temporary, page, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, this.file);
  }

  [Symbol.dispose](): void {
    rmSync(this.file, { force: true });
  }
}
