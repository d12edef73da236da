import { createHash } from 'node:crypto';
import { cutPiece } from './montage.ts';
import type { GreyImage, Scale } from './reading-image.ts';
import type { Word } from './tesseract-table.ts';
import type { TextPiece } from './text-pieces.ts';

/** A few screens full. */
const KEPT_PIECES = 4000;

/**
 * What pieces said that were read before, wherever on the screen that was: a page that scrolled, a window that moved
 * or a line that changed in a long text costs only what is new. Kept in memory only, by a hash of the pixels.
 */
export class KnownPieces {
  /** Oldest use first. */
  readonly #words = new Map<string, readonly Word[]>();

  /** The same for pieces that look alike. @param scale they are read at: another scale is another reading. */
  keyOf(image: GreyImage, piece: TextPiece, scale: Scale): string {
    const { width, height, pixels } = cutPiece(image, piece);
    return `${width}x${height}@${scale.x}x${scale.y}:${createHash('sha1').update(pixels).digest('base64')}`;
  }

  /** @returns words as they lie in the piece; undefined where it was never read. */
  find(key: string): readonly Word[] | undefined {
    const words = this.#words.get(key);
    if (words !== undefined) this.remember(key, words);
    return words;
  }

  remember(key: string, words: readonly Word[]): void {
    this.#words.delete(key);
    this.#words.set(key, words);
    const [oldest] = this.#words.keys();
    if (this.#words.size > KEPT_PIECES && oldest !== undefined) this.#words.delete(oldest);
  }

  forget(): void {
    this.#words.clear();
  }
}
