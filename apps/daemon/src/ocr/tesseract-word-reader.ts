import { availableParallelism } from 'node:os';
import type { ScreenElement } from '@deskhand/protocol';
import type { RawImage, WordReader } from '../ports.ts';
import { KnownPieces } from './known-pieces.ts';
import { type Sheet, sheetsOf, wordsByPiece } from './montage.ts';
import { type Scale, toReadingImage } from './reading-image.ts';
import { ResidentTesseract } from './resident-tesseract.ts';
import { elementsOf, type Word, wordsOf } from './tesseract-table.ts';
import { piecesOf, type TextPiece } from './text-pieces.ts';

/** Up to this many pixels the picture is enlarged; a whole desktop would take seconds. */
const ENLARGE_UP_TO_PX = 1_100_000;
/** Letters of such bodies (a 24 px font's) are as large on the screen as readers are trained on: no need to enlarge. */
const LARGE_BODY_PX = 12;
/**
 * A reader's time goes with the width of what is written: letters so much narrower cost a fifth less, and are read as
 * well. At 0.7 two to seven times the characters are misread.
 */
const NARROW = 0.8;
/** More readers than this gain little: a busy desktop needs its cores too. */
const MAX_READERS = 4;
/** Nobody reads: the models' memory goes back. */
const REST_AFTER_MS = 60_000;
/**
 * The reading image is dark on white already: no line need be tried a second time the other way round. Screens show
 * names, numbers and code more than prose: dictionaries cost a fifth of the time and find nothing more.
 */
const VARIABLES = {
  tessedit_do_invert: '0',
  load_system_dawg: '0',
  load_freq_dawg: '0',
  load_punc_dawg: '0',
  load_number_dawg: '0',
};

/** Debian's tesseract, resident, one thread each (with more it waits for itself); a large picture goes to several. */
export class TesseractWordReader implements WordReader {
  readonly name = 'tesseract';
  readonly #readers: readonly ResidentTesseract[];
  readonly #known = new KnownPieces();
  #resting: NodeJS.Timeout | undefined;

  /** @param programs absolute paths. */
  constructor(
    programs: Readonly<{ tesseract: string; stdbuf: string }>,
    inheritedEnv: Readonly<Record<string, string | undefined>>,
  ) {
    const { PATH = '/usr/bin:/bin', TESSDATA_PREFIX } = inheritedEnv;
    const environment = {
      PATH,
      LANG: 'C.UTF-8',
      OMP_THREAD_LIMIT: '1',
      ...(TESSDATA_PREFIX === undefined ? {} : { TESSDATA_PREFIX }),
    };
    const count = Math.min(MAX_READERS, Math.max(1, availableParallelism()));
    this.#readers = Array.from(
      { length: count },
      () => new ResidentTesseract([programs.stdbuf, '-oL', programs.tesseract], environment, VARIABLES),
    );
  }

  async read(image: RawImage, options: { signal: AbortSignal }): Promise<readonly ScreenElement[]> {
    options.signal.throwIfAborted();
    // Converted before the first wait: the capture's buffer is used again by the next grab.
    const enlarges = image.width * image.height <= ENLARGE_UP_TO_PX;
    const scaleOf = ({ bodyPx }: TextPiece): Scale => {
      if (bodyPx >= LARGE_BODY_PX) return { x: NARROW, y: 1 };
      return enlarges ? { x: 2 * NARROW, y: 2 } : { x: 1, y: 1 };
    };
    const paper = toReadingImage(image, 1);
    const pieces = piecesOf(paper).map((piece) => ({
      piece,
      key: this.#known.keyOf(paper, piece, scaleOf(piece)),
    }));
    const missing = new Map<string, TextPiece>();
    const found = new Map<string, readonly Word[]>();
    for (const { piece, key } of pieces) {
      const words = this.#known.find(key);
      if (words === undefined) missing.set(key, piece);
      else found.set(key, words);
    }
    const sheets = sheetsOf(paper, [...missing.values()], { count: this.#readers.length, scaleOf });
    const fresh = new Map((await this.#readAll(sheets, options)).flatMap((byPiece) => [...byPiece]));
    for (const [key, piece] of missing) {
      const words = fresh.get(piece) ?? [];
      found.set(key, words);
      this.#known.remember(key, words);
    }
    return elementsOf(
      pieces.flatMap(({ piece, key }, index) =>
        (found.get(key) ?? []).map((word) => inPicture(word, piece, index)),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#resting);
    await Promise.all(this.#readers.map((reader) => reader[Symbol.asyncDispose]()));
  }

  async #readAll(sheets: readonly Sheet[], options: { signal: AbortSignal }) {
    if (sheets.length === 0) return [];
    clearTimeout(this.#resting);
    try {
      return await Promise.all(
        sheets.map(async (sheet) =>
          wordsByPiece(sheet, wordsOf(await this.#idlest().read(sheet.image, options))),
        ),
      );
    } finally {
      clearTimeout(this.#resting);
      this.#resting = setTimeout(() => this.#rest(), REST_AFTER_MS).unref();
    }
  }

  #idlest(): ResidentTesseract {
    return this.#readers.reduce((best, reader) => (reader.load < best.load ? reader : best));
  }

  #rest(): void {
    this.#known.forget();
    for (const reader of this.#readers) if (reader.load === 0) reader.rest();
  }
}

/** A word of a piece where the picture has it. Both parts of a line that was cut are one line again. */
function inPicture(word: Word, piece: TextPiece, index: number): Word {
  const { x, y } = piece.rect;
  return {
    ...word,
    bounds: { ...word.bounds, x: word.bounds.x + x, y: word.bounds.y + y },
    line: piece.isPart ? `line ${piece.line}` : `piece ${index}, ${word.line}`,
  };
}
