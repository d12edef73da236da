/** A step of set-up failed in a way the person must act on; `bin/*.mjs` print it and exit with 2. */
export class SetUpError extends Error {
  /**
   * @param {string} message what failed, and what to do, in one line
   * @param {{ command?: string, output?: string }} [evidence] what ran and what it said
   */
  constructor(message, { command, output } = {}) {
    super(message);
    this.name = 'SetUpError';
    this.command = command;
    this.lastLines = (output ?? '')
      .split(/\r?\n|\r/)
      .filter((line) => line.trim() !== '')
      .slice(-20);
  }

  /** What the person reads: the output first, so that the message is the line next to the prompt. */
  report() {
    return [
      ...this.lastLines.map((line) => `  | ${line}`),
      ...(this.command === undefined ? [] : [`  command: ${this.command}`]),
      `set-up stopped: ${this.message}`,
    ].join('\n');
  }
}
