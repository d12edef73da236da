import { spawn } from 'node:child_process';
import { raceSignal } from '@deskhand/base';
import { ProtocolError, type ScreenElement } from '@deskhand/protocol';
import type { RawImage, WordReader } from '../ports.ts';
import { toPgm, toReadingImage } from './reading-image.ts';
import { elementsFromTable } from './tesseract-table.ts';

/** Up to this many pixels the picture is enlarged; a whole desktop would take seconds. */
const ENLARGE_UP_TO_PX = 1_100_000;
const MAX_TABLE_BYTES = 8 * 1024 * 1024;

/** Debian's tesseract as a child process, one thread: with more it waits for itself. */
export class TesseractWordReader implements WordReader {
  readonly name = 'tesseract';
  readonly #program: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #stop = new AbortController();

  /** @param program absolute path. */
  constructor(program: string, inheritedEnv: Readonly<Record<string, string | undefined>>) {
    this.#program = program;
    const { PATH = '/usr/bin:/bin', TESSDATA_PREFIX } = inheritedEnv;
    this.#environment = {
      PATH,
      LANG: 'C.UTF-8',
      OMP_THREAD_LIMIT: '1',
      ...(TESSDATA_PREFIX === undefined ? {} : { TESSDATA_PREFIX }),
    };
  }

  async read(image: RawImage, options: { signal: AbortSignal }): Promise<readonly ScreenElement[]> {
    options.signal.throwIfAborted();
    // Converted before the first wait: the capture's buffer is used again by the next grab.
    const scale = image.width * image.height <= ENLARGE_UP_TO_PX ? 2 : 1;
    const picture = toPgm(toReadingImage(image, scale));
    const signal = AbortSignal.any([options.signal, this.#stop.signal]);
    const table = await raceSignal(this.#recognize(picture, signal), signal);
    return elementsFromTable(table, scale);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new ProtocolError('CAPTURE_FAILED', 'This desktop is shutting down.'));
  }

  #recognize(picture: Buffer, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.#program, ['stdin', 'stdout', '-l', 'eng', '--psm', '11', 'tsv'], {
        env: this.#environment,
        stdio: ['pipe', 'pipe', 'pipe'],
        signal,
        killSignal: 'SIGKILL',
      });
      const parts: Buffer[] = [];
      let length = 0;
      let complaint = '';
      child.stdout.on('data', (part: Buffer) => {
        length += part.length;
        if (length > MAX_TABLE_BYTES) child.kill('SIGKILL');
        else parts.push(part);
      });
      child.stderr.on('data', (part: Buffer) => {
        complaint = (complaint + part.toString('utf8')).slice(-500);
      });
      // It may end before it has read everything; its exit code says whether that matters.
      child.stdin.on('error', () => {});
      child.on('error', (cause) => reject(failed(cause)));
      child.on('close', (code) => {
        if (code === 0) resolve(Buffer.concat(parts).toString('utf8'));
        else reject(failed(new Error(complaint.trim() || `exit code ${code}`)));
      });
      child.stdin.end(picture);
    });
  }
}

function failed(cause: Error): ProtocolError {
  return new ProtocolError('CAPTURE_FAILED', 'The text reader (tesseract) failed.', {}, { cause });
}
