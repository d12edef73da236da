import type { XDesktop } from './x-desktop.ts';

/** What the X server says is down, device by device: the judge of "nothing stays pressed". */
export async function heldInputs(desktop: XDesktop): Promise<string[]> {
  const list = await desktop.ask('xinput', 'list', '--short');
  const slaves = list.split('\n').filter((line) => line.includes('slave'));
  const held: string[] = [];
  for (const line of slaves) {
    const id = line.match(/id=(\d+)/)?.[1];
    if (id === undefined) continue;
    const state = await desktop.ask('xinput', 'query-state', id);
    for (const match of state.matchAll(/(?:key|button)\[\d+\]=down/g)) held.push(`device ${id}: ${match[0]}`);
  }
  return held;
}
