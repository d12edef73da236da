import { availableParallelism } from 'node:os';
import type { ScreenElement } from '@deskhand/protocol';
import type { RawImage, WordReader } from '../ports.ts';
import { bandsOf } from './bands.ts';
import { toReadingImage } from './reading-image.ts';
import { ResidentTesseract } from './resident-tesseract.ts';
import { elementsFromTables } from './tesseract-table.ts';

/** Up to this many pixels the picture is enlarged; a whole desktop would take seconds. */
const ENLARGE_UP_TO_PX = 1_100_000;
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
    const scale = image.width * image.height <= ENLARGE_UP_TO_PX ? 2 : 1;
    const bands = bandsOf(toReadingImage(image, scale), this.#readers.length);
    clearTimeout(this.#resting);
    try {
      const tables = await Promise.all(
        bands.map(async (band) => ({ top: band.top, table: await this.#idlest().read(band.image, options) })),
      );
      return elementsFromTables(tables, scale);
    } finally {
      clearTimeout(this.#resting);
      this.#resting = setTimeout(() => this.#rest(), REST_AFTER_MS).unref();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#resting);
    await Promise.all(this.#readers.map((reader) => reader[Symbol.asyncDispose]()));
  }

  #idlest(): ResidentTesseract {
    return this.#readers.reduce((best, reader) => (reader.load < best.load ? reader : best));
  }

  #rest(): void {
    for (const reader of this.#readers) if (reader.load === 0) reader.rest();
  }
}
