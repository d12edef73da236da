import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { posix } from 'node:path';

/**
 * Where the local sockets of one data folder are. Loaded by Node programs only (its own subpath), so that
 * browsers never see `node:crypto`. Nothing is read, created or checked here.
 */
export type RuntimePaths = Readonly<{
  /** Holds the sockets and the token; mode 0700. */
  dir: string;
  guardSocket: string;
  daemonSocket: string;
  /** What a person's tools (panel, CLI) show to both sockets; mode 0600, new at each start of the daemon. */
  tokenFile: string;
  /** The stop latch; in the data folder, because it outlives everything. */
  latchFile: string;
}>;

/** What the paths depend on besides the data folder. */
export type RuntimeHost = Readonly<{
  platform: string;
  /** `$XDG_RUNTIME_DIR`, if set. */
  xdgRuntimeDir: string | undefined;
  /** `os.tmpdir()`. */
  tmpdir: string;
  /** `process.getuid?.()`; undefined on Windows. */
  uid: number | undefined;
}>;

/** This process's host, with the environment it is given. */
export function runtimeHost(env: Readonly<Record<string, string | undefined>>): RuntimeHost {
  return {
    platform: process.platform,
    xdgRuntimeDir: env.XDG_RUNTIME_DIR || undefined,
    tmpdir: tmpdir(),
    uid: process.getuid?.(),
  };
}

/** Linux allows 107 bytes in a socket's path, macOS 103. */
const MAX_SOCKET_PATH_BYTES = 103;

/** @param dataDir absolute path; two spellings of one folder give two sets of paths, so resolve it first. */
export function runtimePaths(dataDir: string, host: RuntimeHost = runtimeHost(process.env)): RuntimePaths {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const latchFile = `${dataDir.replace(/[/\\]+$/, '')}${host.platform === 'win32' ? '\\' : '/'}latch.json`;
  if (host.platform === 'win32') {
    const dir = `${host.tmpdir}\\deskhand-${hash}`;
    return {
      dir,
      guardSocket: `\\\\.\\pipe\\deskhand-${hash}-guard`,
      daemonSocket: `\\\\.\\pipe\\deskhand-${hash}-daemon`,
      tokenFile: `${dir}\\token`,
      latchFile,
    };
  }
  const owned = `deskhand-${host.uid ?? 'user'}-${hash}`;
  const candidates = [
    ...(host.xdgRuntimeDir ? [posix.join(host.xdgRuntimeDir, `deskhand-${hash}`)] : []),
    posix.join(host.tmpdir, owned),
    posix.join('/tmp', owned),
  ];
  const dir = candidates.find((path) => fits(posix.join(path, 'daemon.sock'))) ?? posix.join('/tmp', owned);
  return {
    dir,
    guardSocket: posix.join(dir, 'guard.sock'),
    daemonSocket: posix.join(dir, 'daemon.sock'),
    tokenFile: posix.join(dir, 'token'),
    latchFile,
  };
}

function fits(path: string): boolean {
  return path.startsWith('/') && new TextEncoder().encode(path).length <= MAX_SOCKET_PATH_BYTES;
}
