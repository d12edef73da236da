/** What a reader sees of a clause. */
export type ClauseText = Readonly<{
  /** One line, placeholders for quotes, URLs and paths. */
  text: string;
  /** What is meant by a part of `text`: a quote without its quotes, anything else as written. */
  meaning(part: string): string;
  /** True when `part` is exactly one quoted piece. */
  isQuote(part: string): boolean;
  isPath(part: string): boolean;
  isUrl(part: string): boolean;
  /** Names remembered by earlier clauses, lower case. */
  remembered: ReadonlySet<string>;
}>;
