import type { Say } from './ports.ts';

type Kind = Parameters<Say>[1];

/** Longest piece kept back for a sentence's end, characters. */
const LONGEST_PIECE = 400;
const SHORTEST_PIECE = 30;

/**
 * Turns the stream of an engine's words into sentences, told one after another: stored first, then announced,
 * while the engine still thinks. An error of the teller is kept for `finished`.
 */
export class Narration {
  readonly #tell: (text: string, kind: Kind) => Promise<void>;
  #buffer = '';
  #kind: Kind = 'text';
  #told = '';
  #chain: Promise<void> = Promise.resolve();

  constructor(tell: (text: string, kind: Kind) => Promise<void>) {
    this.#tell = tell;
  }

  readonly say: Say = (words, kind) => {
    if (kind !== this.#kind) this.#flush(this.#buffer.length);
    this.#kind = kind;
    this.#buffer += words;
    for (let end = pieceEnd(this.#buffer); end > 0; end = pieceEnd(this.#buffer)) this.#flush(end);
  };

  /** Everything is told. @throws what telling threw. */
  async finished(): Promise<void> {
    this.#flush(this.#buffer.length);
    await this.#chain;
  }

  /** Whether people have read this already. */
  covers(text: string): boolean {
    return plain(this.#told).includes(plain(text));
  }

  #flush(length: number): void {
    const piece = this.#buffer.slice(0, length).trim();
    this.#buffer = this.#buffer.slice(length);
    if (piece === '') return;
    const kind = this.#kind;
    this.#told += piece;
    this.#chain = this.#chain.then(() => this.#tell(piece, kind));
    // Awaited in `finished`; until then nobody else looks at it.
    this.#chain.catch(() => {});
  }
}

/** Where the first piece worth telling ends, or 0. */
function pieceEnd(text: string): number {
  for (const match of text.matchAll(/[.!?。！？…:]["”’)]?\s|\n+/g)) {
    const end = match.index + match[0].length;
    if (end >= SHORTEST_PIECE) return end;
  }
  if (text.length < LONGEST_PIECE) return 0;
  const space = text.lastIndexOf(' ', LONGEST_PIECE);
  return space > 0 ? space + 1 : LONGEST_PIECE;
}

function plain(text: string): string {
  return text.replaceAll(/\s+/g, '');
}
