import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findNode, isNewEnough, oldestNode, pinnedNode, substituteFile, versionOf } from './find-node.mjs';
import { holdLock } from './lock.mjs';
import { readManifest } from './repository.mjs';
import { runStep } from './run-step.mjs';
import { SetUpError } from './set-up-error.mjs';
import { reasonToInstall, writeStamp } from './stamp.mjs';

const installCeilingMs = 6 * 60_000;

/** Brings node_modules to what the lockfile says; does nothing when the stamp says it is there. */
export async function installNpmPackages(repository, stream = process.stderr) {
  if (reasonToInstall(repository) === undefined) return;
  const release = await holdLock(repository, stream);
  try {
    const reason = reasonToInstall(repository);
    if (reason === undefined) return;
    stream.write(`set-up: npm packages: ${reason}\n`);
    await install(repository, stream);
    chooseNode(repository, stream);
    writeStamp(repository);
    const still = reasonToInstall(repository);
    if (still !== undefined) {
      throw new SetUpError(
        `npm packages are incomplete after installing (${still}); remove node_modules and try again`,
      );
    }
  } finally {
    release();
  }
}

async function install(repository, stream) {
  const { packageManager } = readManifest(repository, '');
  const result = await runStep(
    {
      label: `npm packages (${packageManager})`,
      command: 'npx',
      // --package also wins over a `package` that an outer npx left in the environment. npx brings the right pnpm;
      // without pm-on-fail it would look for itself in the lockfile, not find itself, and refuse.
      args: [
        '--yes',
        '--package',
        packageManager,
        'pnpm',
        'install',
        '--frozen-lockfile',
        '--pm-on-fail=ignore',
      ],
      cwd: repository,
      // CI: pnpm asks nothing. Without colour the last lines stay readable in an error.
      env: { CI: 'true', NO_COLOR: '1', FORCE_COLOR: undefined },
      // npx is a .cmd file there, which only a shell can start.
      shell: process.platform === 'win32',
      ceilingMs: installCeilingMs,
    },
    stream,
  );
  if (!result.ok) {
    throw new SetUpError(`npm packages could not be installed: ${adviceFor(result.output)}`, {
      command: result.commandLine,
      output: result.output,
    });
  }
}

/** What to do about a failed install, from what npx or pnpm said. */
export function adviceFor(output) {
  if (/ERR_PNPM_\w*OUTDATED_LOCKFILE/.test(output)) {
    return 'pnpm-lock.yaml does not match the package.json files; run the command above without --frozen-lockfile and commit the lockfile';
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|ERR_PNPM_META_FETCH_FAIL|fetch failed/i.test(
      output,
    )
  ) {
    return "the npm registry can't be reached; check the network or proxy (npm config get registry), then try again";
  }
  if (/ENOSPC|no space left/i.test(output))
    return 'the disk is full; make room (about 1.5 GB), then try again';
  if (/EACCES|EPERM|EROFS/i.test(output))
    return 'a folder of this clone is not writable for you; own the clone, then try again';
  return 'see the words above; if they do not help, remove node_modules and try again';
}

/** The pinned Node runs on nearly every machine; where it can't (another C library), the machine's own may do. */
function chooseNode(repository, stream) {
  rmSync(join(repository, substituteFile), { force: true });
  if (versionOf(join(repository, pinnedNode())) !== undefined) return;
  if (!isNewEnough(process.versions.node)) {
    throw new SetUpError(
      `the pinned Node (${pinnedNode()}) can't run here and this machine's is ${process.version}; install Node ${oldestNode.join('.')} or newer, then try again`,
    );
  }
  writeFileSync(join(repository, substituteFile), `${process.execPath}\n`);
  stream.write(
    `set-up: the pinned Node can't run here; using ${findNode(repository)} (${process.version})\n`,
  );
}
