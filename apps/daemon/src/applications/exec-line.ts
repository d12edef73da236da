/**
 * The words of a desktop entry's `Exec` line, without field codes (`%U` and the like: we pass no files).
 * Quoting as the Desktop Entry specification has it. An unclosed quote yields an empty list.
 */
export function parseExecLine(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quoted = false;
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] as string;
    if (quoted) {
      if (character === '"') quoted = false;
      else if (character === '\\' && index + 1 < line.length) {
        index += 1;
        word = (word ?? '') + (line[index] as string);
      } else word = (word ?? '') + character;
    } else if (character === '"') {
      quoted = true;
      word ??= '';
    } else if (character === ' ' || character === '\t') {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + character;
  }
  if (quoted) return [];
  if (word !== null) words.push(word);
  return words.filter((item) => !/^%[a-zA-Z]$/.test(item)).map((item) => item.replaceAll('%%', '%'));
}
