import { spawn, spawnSync } from 'node:child_process';

/** Groups that are running now; all are ended when this process ends, whatever the reason. */
const running = new Set();
let guarded = false;

/** Starts a command as the leader of its own process group, so that it and its children can be ended together. */
export function startGroup(command, args, options) {
  guardOnce();
  const child = spawn(command, args, { ...options, detached: process.platform !== 'win32' });
  running.add(child);
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 127, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal, error: undefined }));
  }).finally(() => running.delete(child));
  return { child, ended };
}

/** Ends a whole group; quiet when it is gone already. */
export function killGroup(child, signal) {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: nobody of the group is left.
  }
}

function guardOnce() {
  if (guarded) return;
  guarded = true;
  // A group of its own does not get the terminal's Ctrl-C, so it is handed on here.
  for (const [signal, exitCode] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
    process.once(signal, () => {
      for (const child of running) killGroup(child, signal);
      setTimeout(() => process.exit(exitCode), 500);
    });
  }
  process.once('exit', () => {
    for (const child of running) killGroup(child, 'SIGKILL');
  });
}
