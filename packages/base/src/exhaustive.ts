/** For the last branch of a switch over a union: a forgotten member does not compile. */
export function assertNever(value: never, context: string): never {
  throw new Error(`Unhandled ${context}: ${JSON.stringify(value)}`);
}
