import { readdirSync, readFileSync } from 'node:fs';

/** Programs that show a shell, by class or program name, lower case. */
const TERMINALS =
  /^(u?xterm|u?rxvt(-unicode)?|.*-?terminal(-server)?.*|konsole|kitty|alacritty|tilix|terminator|sakura|guake|foot|st|org\.wezfurlong\.wezterm|wezterm(-gui)?|ghostty|termite|tilda|yakuake)$/;

export function isTerminal(names: readonly string[]): boolean {
  return names.some((name) => TERMINALS.test(name.toLowerCase()));
}

/**
 * Whether something runs as root below this process (Linux). Where this desktop's own user is root that says
 * nothing, and the answer is no. A terminal with one process for many windows counts as a whole.
 * @param ownUid of the desktop's user; null where there is no such thing.
 */
export function hasRootBelow(pid: number, ownUid: number | null, proc = '/proc'): boolean {
  if (ownUid === null || ownUid === 0) return false;
  const children = new Map<number, number[]>();
  try {
    for (const name of readdirSync(proc)) {
      if (!/^\d+$/.test(name)) continue;
      const parent = parentOf(`${proc}/${name}/stat`);
      if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    }
  } catch {
    return false;
  }
  const left = [...(children.get(pid) ?? [])];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (effectiveUserOf(`${proc}/${next}/status`) === 0) return true;
    left.push(...(children.get(next) ?? []));
  }
  return false;
}

function parentOf(path: string): number | null {
  try {
    const text = readFileSync(path, 'utf8');
    // The name in parentheses may hold anything.
    const [, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return Number(parent);
  } catch {
    return null;
  }
}

function effectiveUserOf(path: string): number | null {
  try {
    const found = /^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync(path, 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}
