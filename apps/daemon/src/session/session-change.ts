/** One reason why nobody may drive this session, beginning or ending. */
export type SessionChange = Readonly<{
  /** Names the source, so that its end is matched with its beginning. */
  source: string;
  away: boolean;
  /** A whole sentence for the person. */
  reason: string;
}>;
