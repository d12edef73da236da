import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** For the tests beside it: a folder of its own with the given files; `#!` files become executable. */
export function makeScratch(files) {
  const folder = mkdtempSync(join(tmpdir(), 'deskhand-bin-'));
  const write = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    if (text.startsWith('#!')) chmodSync(join(folder, path), 0o755);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  return { folder, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A stream that keeps what is written to it. */
export function makeSink({ isTTY = false } = {}) {
  const sink = {
    isTTY,
    columns: 80,
    text: '',
    write: (part) => {
      sink.text += part;
      return true;
    },
  };
  return sink;
}

/** Waits until a process has ended; a zombie has, only its parent has not looked yet. */
export async function gone(pid) {
  for (let tries = 0; tries < 100; tries += 1) {
    if (!isRunning(pid)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`process ${pid} still runs`);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !(existsSync(stat) && /\) Z /.test(readFileSync(stat, 'utf8')));
  } catch {
    return false;
  }
}
