// Installs everything that is missing. `npm run setup` does it for working on Deskhand, `-- run` only for `npm start`.
import { endWithNpm } from './end-with-npm.mjs';
import { isSetUp } from './set-up/is-set-up.mjs';
import { root } from './set-up/repository.mjs';
import { packagesFor } from './set-up/system-packages.mjs';

const usage =
  'usage: node bin/setup.mjs [run|test]          install what npm start or npm test (default) needs\n       node bin/setup.mjs --list [run|test]   print the Debian packages of it\n';
const words = process.argv.slice(2);
const listOnly = words[0] === '--list';
const need = words[listOnly ? 1 : 0] ?? 'test';

if ((need !== 'run' && need !== 'test') || words.length > (listOnly ? 2 : 1)) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else if (listOnly) {
  process.stdout.write(
    `${packagesFor(need, root)
      .map((entry) => entry.name)
      .join(' ')}\n`,
  );
} else {
  endWithNpm();
  await isSetUp(need);
}
