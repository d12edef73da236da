import { spawn, spawnSync } from 'node:child_process';

const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
/** What a child wrote just before it ended is still worth reading; a daemon that holds the pipe is not waited for. */
const drainMs = 300;

const running = new Set();
let interruption;

/** The signal that interrupted this process while a group ran, and the exit code for it; undefined if none did. */
export function interrupted() {
  return interruption;
}

/**
 * Starts a command as the leader of its own process group, so that it and its children can be ended together. While
 * groups run, SIGINT, SIGTERM and SIGHUP are handed to them and do not end this process: the caller goes on when
 * `ended` resolves, and asks `interrupted()`.
 */
export function startGroup(command, args, options) {
  const child = spawn(command, args, { ...options, detached: process.platform !== 'win32' });
  if (running.size === 0) listen();
  running.add(child);
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 127, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), drainMs).unref());
  }).finally(() => {
    running.delete(child);
    if (running.size === 0) unlisten();
  });
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

/** A group of its own does not get the terminal's Ctrl-C, so it is handed on; the second one is final. */
function onSignal(signal) {
  const final = interruption !== undefined;
  interruption ??= { signal, exitCode: signals[signal] };
  for (const child of running) killGroup(child, final ? 'SIGKILL' : signal);
}

function onExit() {
  for (const child of running) killGroup(child, 'SIGKILL');
}

function listen() {
  for (const signal of Object.keys(signals)) process.on(signal, onSignal);
  process.on('exit', onExit);
}

function unlisten() {
  for (const signal of Object.keys(signals)) process.off(signal, onSignal);
  process.off('exit', onExit);
}
