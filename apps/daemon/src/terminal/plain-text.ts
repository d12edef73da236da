/**
 * What a person would read in a terminal's output: no escape sequences, no control characters,
 * a line that was rewritten by carriage returns as it ended up.
 */
export function plainText(output: string): string {
  return output
    .replace(ESCAPES, '')
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map((line) => lastVersion(line).replace(CONTROLS, ''))
    .join('\n');
}

/** OSC and other strings, CSI sequences, two-character escapes, their 8-bit forms. */
const ESCAPES =
  /\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]|\u009b[0-?]*[ -/]*[@-~]/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

function lastVersion(line: string): string {
  const version = line.includes('\r')
    ? (line
        .split('\r')
        .filter((part) => part !== '')
        .at(-1) ?? '')
    : line;
  if (!version.includes('\u0008')) return version;
  const kept: string[] = [];
  for (const character of version) {
    if (character === '\u0008') kept.pop();
    else kept.push(character);
  }
  return kept.join('');
}
