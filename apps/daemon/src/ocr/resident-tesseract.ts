import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { raceSignal } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { GreyImage } from './reading-image.ts';
import { toPgm } from './reading-image.ts';

const MAX_TABLE_BYTES = 8 * 1024 * 1024;
/** A text reader that says nothing for so long is stuck. */
const READING_CEILING_MS = 30_000;
/** Memory-backed where there is such a folder: pixels of a screen have no business on a disk. */
const FOLDERS = ['/dev/shm', tmpdir()];
/** A page without ink that follows each picture: its first row says that the picture's table is complete. */
const BLANK: GreyImage = { width: 32, height: 32, pixels: new Uint8Array(32 * 32).fill(255) };
const PICTURE_FD = 3;
const BLANK_FD = 4;

/**
 * One tesseract that stays: loading its language model takes longer (0.15 s) than reading most crops. It is told
 * file names on stdin and answers with tables on stdout; the files are two descriptors whose names are gone before
 * it starts, so that nothing is left behind whoever dies. Reads one picture after another.
 */
export class ResidentTesseract implements AsyncDisposable {
  readonly #command: readonly [program: string, ...arguments_: string[]];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #pictureFd: number;
  readonly #blankFd: number;
  #child: ChildProcess | undefined;
  #page = 0;
  #output = '';
  #complaint = '';
  #onOutput: () => void = () => {};
  #onEnd: (cause: Error) => void = () => {};
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  /** @param command program and leading arguments; `stdbuf` first, since a pipe is written to in blocks otherwise. */
  constructor(
    command: readonly [string, ...string[]],
    environment: Readonly<Record<string, string>>,
    variables: Readonly<Record<string, string>>,
  ) {
    const settings = Object.entries({ ...variables, stream_filelist: 'true' });
    this.#command = [
      ...command,
      ...['-', 'stdout', '-l', 'eng', '--oem', '1', '--psm', '11'],
      ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      'tsv',
    ];
    this.#environment = environment;
    this.#pictureFd = nameless();
    this.#blankFd = nameless();
    write(this.#blankFd, toPgm(BLANK));
  }

  /** Pictures being read or waiting for it. */
  get load(): number {
    return this.#waiting;
  }

  /** @returns tesseract's table of this picture. An abort ends the process; the next picture starts another. */
  async read(picture: GreyImage, options: { signal: AbortSignal }): Promise<string> {
    this.#waiting += 1;
    const turn = this.#last.then(() => this.#read(picture, options.signal));
    this.#last = turn.catch(() => {});
    try {
      return await raceSignal(turn, options.signal);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Ends the process; the next picture starts another. */
  rest(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.rest();
    this.#onEnd(new Error('closed'));
    await this.#last;
    closeSync(this.#pictureFd);
    closeSync(this.#blankFd);
  }

  async #read(picture: GreyImage, caller: AbortSignal): Promise<string> {
    const signal = AbortSignal.any([caller, AbortSignal.timeout(READING_CEILING_MS)]);
    signal.throwIfAborted();
    if (this.#closed) throw failed(new Error('closed'));
    const ended = new Promise<never>((_, reject) => {
      this.#onEnd = reject;
    });
    ended.catch(() => {});
    const child = this.#child ?? this.#start();
    write(this.#pictureFd, toPgm(picture));
    // Pages are counted through the life of the process: this one, and the blank one after it.
    this.#page += 2;
    this.#output = '';
    const end = `\n1\t${this.#page}\t`;
    const complete = new Promise<void>((resolve) => {
      this.#onOutput = () => {
        if (this.#output.includes(end)) resolve();
      };
    });
    try {
      child.stdin?.write(`/dev/fd/${PICTURE_FD}\n/dev/fd/${BLANK_FD}\n`);
      await raceSignal(Promise.race([complete, ended]), signal);
      return this.#output.slice(0, this.#output.indexOf(end) + 1);
    } catch (cause) {
      this.rest();
      caller.throwIfAborted();
      throw failed(cause);
    } finally {
      this.#onOutput = () => {};
    }
  }

  #start(): ChildProcess {
    const [program, ...arguments_] = this.#command;
    const child = spawn(program, arguments_, {
      env: this.#environment,
      stdio: ['pipe', 'pipe', 'pipe', this.#pictureFd, this.#blankFd],
    });
    this.#child = child;
    this.#page = 0;
    this.#complaint = '';
    const isCurrent = () => this.#child === child;
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      if (!isCurrent()) return;
      this.#output += part;
      if (this.#output.length > MAX_TABLE_BYTES) child.kill('SIGKILL');
      else this.#onOutput();
    });
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      if (isCurrent()) this.#complaint = (this.#complaint + part).slice(-500);
    });
    // It may be gone already; its end says so.
    child.stdin?.on('error', () => {});
    child.on('error', (cause) => {
      if (!isCurrent()) return;
      this.#child = undefined;
      this.#onEnd(cause);
    });
    child.on('close', (code, killedBy) => {
      if (!isCurrent()) return;
      this.#child = undefined;
      this.#onEnd(new Error(this.#complaint.trim() || `it ended with ${code ?? killedBy}`));
    });
    return child;
  }
}

/** A file without a name, for this process and its children only. */
function nameless(): number {
  let failure: unknown;
  for (const folder of FOLDERS) {
    const path = join(folder, `deskhand-${randomUUID()}`);
    try {
      const fd = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return fd;
    } catch (error) {
      failure = error;
    }
  }
  throw failed(failure);
}

function write(fd: number, content: Uint8Array): void {
  ftruncateSync(fd, 0);
  for (let at = 0; at < content.length; ) at += writeSync(fd, content, at, content.length - at, at);
}

function failed(cause: unknown): ProtocolError {
  return new ProtocolError('CAPTURE_FAILED', 'The text reader (tesseract) failed.', {}, { cause });
}
