import { readdirSync, readFileSync } from 'node:fs';
import { markName } from './stage-environment.mjs';

/** Processes that carry the mark in the environment they were started with; Linux only, elsewhere none. */
export function findStrays(mark) {
  if (process.platform !== 'linux') return [];
  const strays = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const variables = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      if (variables.includes(`${markName}=${mark}`)) strays.push({ pid, command: commandOf(pid) });
    } catch {
      // It ended while we looked, or belongs to somebody else.
    }
  }
  return strays;
}

/** Ends what a test run left behind: first politely, then by force. Returns what it found at first. */
export async function endStrays(mark, { graceMs = 1_000 } = {}) {
  const found = findStrays(mark);
  for (const { pid } of found) signal(pid, 'SIGTERM');
  const giveUpAt = Date.now() + graceMs;
  while (findStrays(mark).length > 0 && Date.now() < giveUpAt)
    await new Promise((resolve) => setTimeout(resolve, 50));
  for (const { pid } of findStrays(mark)) signal(pid, 'SIGKILL');
  return found;
}

function commandOf(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 120);
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // Gone meanwhile.
  }
}
