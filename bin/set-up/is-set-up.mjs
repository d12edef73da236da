import { interrupted } from '../process-group.mjs';
import { root } from './repository.mjs';
import { setUp } from './set-up.mjs';
import { SetUpError } from './set-up-error.mjs';

/** Set-up for a command: true when ready; else it said what to do, and the command must end with `process.exitCode`. */
export async function isSetUp(need) {
  try {
    await setUp(need, root);
    return true;
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.report()}\n`);
    process.exitCode = interrupted()?.exitCode ?? 2;
    return false;
  }
}
