import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { CommandProblem } from '../output/problem.ts';

/** What a server leaves for the commands of the same person on the same computer; mode 0600. */
const Credentials = z.looseObject({ api_key: z.string(), test_api_key: z.string(), base_url: z.string() });
export type Credentials = z.infer<typeof Credentials>;

export function readCredentials(folder: string): Credentials | undefined {
  let text: string;
  try {
    text = readFileSync(path.join(folder, 'credentials.json'), 'utf8');
  } catch {
    return undefined;
  }
  try {
    return Credentials.parse(JSON.parse(text));
  } catch (cause) {
    throw new CommandProblem(
      'CONFIG_INVALID',
      `${path.join(folder, 'credentials.json')} is not what a server wrote there.`,
      {
        todo: 'Restore it from a backup, or move the data folder away and start afresh.',
        cause,
      },
    );
  }
}

/** Where the server is and who we are: the environment first, else this computer's own. */
export function serverAccess(
  folder: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): { baseUrl: string; apiKey: string } {
  const own = env.DESKHAND_BASE_URL && env.DESKHAND_API_KEY ? undefined : readCredentials(folder);
  const baseUrl = env.DESKHAND_BASE_URL ?? own?.base_url;
  const apiKey = env.DESKHAND_API_KEY ?? own?.api_key;
  if (baseUrl === undefined || apiKey === undefined)
    throw new CommandProblem('NOT_RUNNING', `No Deskhand has run on ${folder} yet.`, {
      todo: 'Start it with `deskhand up` (or npm start), or name another with --data DIR, or set DESKHAND_BASE_URL and DESKHAND_API_KEY.',
    });
  return { baseUrl: baseUrl.replace(/\/+$/, ''), apiKey };
}

/** Id of the machine that this data folder's daemon is, if it was ever paired. */
export function ownMachineId(folder: string): string | undefined {
  try {
    const parsed = JSON.parse(readFileSync(path.join(folder, 'machine.json'), 'utf8')) as {
      machine_id?: unknown;
    };
    return typeof parsed.machine_id === 'string' ? parsed.machine_id : undefined;
  } catch {
    return undefined;
  }
}
