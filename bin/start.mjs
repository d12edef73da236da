// npm start: set-up, then `deskhand up --demo` with the words given after `npm start --`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { endWithNpm } from './end-with-npm.mjs';
import { findNode, nodeFlags } from './set-up/find-node.mjs';
import { isSetUp } from './set-up/is-set-up.mjs';
import { root } from './set-up/repository.mjs';

/** `up` ends within two seconds of a signal; after this it is told again. */
const patienceMs = 4_000;

endWithNpm();
if (await isSetUp('run')) {
  const [command, args] = deskhand(['up', '--demo', ...process.argv.slice(2)]);
  const child = spawn(command, args, { stdio: 'inherit' });
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // The terminal gives Ctrl-C to every process of the foreground group, so `up` has it already; a second one
      // would read as impatience.
      if (!(signal === 'SIGINT' && atTerminal)) child.kill(signal);
      setTimeout(() => child.kill('SIGTERM'), patienceMs).unref();
    });
  }
  child.once('error', (error) => {
    process.stderr.write(`npm start: ${command} can't be started: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + signalNumber(signal);
  });
}

function deskhand(words) {
  if (process.platform !== 'win32') return [join(root, 'bin/deskhand'), words];
  return [findNode(root), [...nodeFlags, join(root, 'apps/cli/src/main.ts'), ...words]];
}

function signalNumber(signal) {
  return { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }[signal] ?? 0;
}
