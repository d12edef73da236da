import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { raceSignal } from '@deskhand/base';
import { ProtocolError, type ScreenElement } from '@deskhand/protocol';
import type { Worker } from 'tesseract.js';
import type { RawImage, WordReader } from '../ports.ts';
import { toPgm, toReadingImage } from './reading-image.ts';
import { elementsFromTable } from './tesseract-table.ts';

const ENLARGE_UP_TO_PX = 250_000;
const SPARSE_TEXT = '11';
const ENGINE_LSTM = 1;
const SCREEN_DPI = '140';

/**
 * tesseract.js with the language data of its own package: needs nothing installed, loads nothing from
 * a network. Its worker starts at the first picture and again after an abort, since it cannot be interrupted.
 */
export class WasmWordReader implements WordReader {
  readonly name = 'tesseract.js';
  #worker: Promise<Worker> | undefined;
  /** Pictures are read one after another. */
  #last: Promise<unknown> = Promise.resolve();

  async read(image: RawImage, options: { signal: AbortSignal }): Promise<readonly ScreenElement[]> {
    options.signal.throwIfAborted();
    const scale = image.width * image.height <= ENLARGE_UP_TO_PX ? 2 : 1;
    const picture = toPgm(toReadingImage(image, scale));
    const turn = this.#last.then(() => this.#recognize(picture, options.signal));
    this.#last = turn.catch(() => {});
    return elementsFromTable(await raceSignal(turn, options.signal), scale);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #recognize(picture: Buffer, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const onAbort = () => void this.#end();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#worker ??= startWorker();
      const worker = await this.#worker;
      const { data } = await worker.recognize(picture, {}, { text: false, tsv: true });
      return data.tsv ?? '';
    } catch (cause) {
      await this.#end();
      throw new ProtocolError('CAPTURE_FAILED', 'The text reader (tesseract.js) failed.', {}, { cause });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await (await worker?.catch(() => undefined))?.terminate();
  }
}

async function startWorker(): Promise<Worker> {
  // Loaded only where it is needed: it is large.
  const { createWorker } = await import('tesseract.js');
  const data = dirname(createRequire(import.meta.url).resolve('@tesseract.js-data/eng/package.json'));
  const worker = await createWorker('eng', ENGINE_LSTM, {
    langPath: join(data, '4.0.0_best_int'),
    cacheMethod: 'none',
    gzip: true,
    errorHandler: () => {},
  });
  await worker.setParameters({
    tessedit_pageseg_mode: SPARSE_TEXT as never,
    // Told, it does not write its own estimate to our stderr with every picture.
    user_defined_dpi: SCREEN_DPI,
  });
  return worker;
}
