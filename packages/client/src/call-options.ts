export type CallOptions = Readonly<{
  /** Ends the call at once; its reason is what is thrown. */
  signal?: AbortSignal | undefined;
}>;
