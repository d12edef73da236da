const pollMs = 500;

/**
 * npm hands a signal only to the shell it put between itself and us, and that shell dies without a word: `kill` on
 * `npm start` would leave us running for ever. So when npm started us and our parent is gone, we signal ourselves.
 */
export function endWithNpm() {
  // biome-ignore lint/suspicious/noUndeclaredEnvVars: no turbo task depends on it
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, pollMs);
  timer.unref();
}
