import { existsSync, mkdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errorAttributes, isAbort, randomHex, Scope, Secret, StopError, sleep } from '@deskhand/base';
import { runtimeHost, runtimePaths } from '@deskhand/base/runtime-paths';
import { PRODUCT_VERSION, ProtocolError } from '@deskhand/protocol';
import { writeDefaultPolicy } from '@deskhand/protocol/policy-file';
import { SecretVault } from '@deskhand/protocol/secret-vault';
import { AuditLog } from './audit/audit-log.ts';
import { NO_OWN_WINDOWS } from './capture/index.ts';
import { type DaemonConfig, readConfig } from './config.ts';
import { Daemon } from './daemon.ts';
import { openDesktopSenses } from './desktop/open-desktop-senses.ts';
import { type DisplayServer, nameOf } from './display-server.ts';
import { examineSenses } from './doctor/examine-senses.ts';
import { findDisplayServer } from './find-display-server.ts';
import { HandsClient } from './hands/hands-client.ts';
import {
  isLoopback,
  type MachineIdentity,
  mayShowToken,
  readMachineIdentity,
  writeMachineIdentity,
} from './link/machine-identity.ts';
import { type LinkCredentials, ServerLink } from './link/server-link.ts';
import { DaemonSocket } from './local/daemon-socket.ts';
import { ensureRuntimeFolder, removeRuntimeFolder, writePersonToken } from './local/runtime-folder.ts';
import { readableRoots } from './policy/policy.ts';
import { PolicyReader } from './policy/policy-file.ts';
import { processLog } from './process-log.ts';
import { makeDataFolder } from './safety/data-folder.ts';
import { lockDataFolder } from './safety/data-folder-lock.ts';
import { GuardProcess } from './safety/guard-process.ts';
import { parseStopChord } from './safety/stop-chord.ts';
import { watchSession } from './session/session-watch.ts';
import { startVirtualDesktop } from './virtual-desktop/index.ts';
import { keepPanelAbove } from './windows/panel-window.ts';

/** Everything released and gone within this time, whatever hangs. */
const END_CEILING_MS = 1300;
/** So long a start that was told to end may take to come to itself. */
const START_ABANDONED_MS = 2000;
const EXIT_PROBLEM = 2;

/** Tells the parent that started us (`deskhand up`), if there is one. */
function tellParent(message: Record<string, unknown>): void {
  if (process.connected) process.send?.(message, () => {});
}

async function run(config: DaemonConfig, scope: Scope, ending: AbortController): Promise<void> {
  const log = processLog('daemon', config.logLevel);
  const { signal } = ending;
  const chord = parseStopChord(config.stopHotkey);
  const { dataDir } = config;
  const find = (): Promise<DisplayServer> =>
    findDisplayServer(process.env, { platform: process.platform, dataDir, log });
  // Before anything is made or said: most often this is what is wrong.
  const found = config.virtual === null ? await find() : null;

  makeDataFolder(dataDir);
  const lock = lockDataFolder(dataDir);
  scope.add('data folder lock', () => lock[Symbol.dispose]());
  const runtime = runtimePaths(dataDir, runtimeHost(process.env));
  ensureRuntimeFolder(runtime);
  scope.add('runtime folder', () => removeRuntimeFolder(runtime));
  const personToken = writePersonToken(runtime);

  const identityFile = join(dataDir, 'machine.json');
  const identity = readMachineIdentity(identityFile);
  const policyFile = join(dataDir, 'policy.json');
  // Only a folder that never served a desktop gets one: a policy that vanished later means "deny".
  if (identity === undefined && !existsSync(policyFile)) writeDefaultPolicy(policyFile);
  const workFolder = join(dataDir, 'work');
  mkdirSync(workFolder, { recursive: true, mode: 0o700 });
  const policy = new PolicyReader(policyFile);
  const audit = AuditLog.open(join(dataDir, 'audit.jsonl'), log);
  scope.add('audit log', () => audit[Symbol.dispose]());
  audit.append({ kind: 'started', version: PRODUCT_VERSION });
  const { url, credentials } = howToLink(config, identity);

  if (config.virtual !== null) {
    const virtual = await startVirtualDesktop({ ...config.virtual, log, signal });
    scope.use('virtual desktop', virtual);
    // Our own X connections and every child find the private desktop the ordinary way.
    Object.assign(process.env, virtual.env);
    void virtual.broken.then((part) => {
      if (!signal.aborted)
        ending.abort(new ProtocolError('DISPLAY_UNAVAILABLE', `The virtual desktop’s ${part} ended.`));
    });
  }
  const displayServer = found ?? (await find());
  const display = nameOf(displayServer);

  const handsToken = new Secret(randomHex(64));
  let daemon: Daemon | undefined;
  let localSocket: DaemonSocket | undefined;
  const guard = await GuardProcess.start({
    boot: {
      socket: runtime.guardSocket,
      latchFile: runtime.latchFile,
      chord: config.stopHotkey,
      server: displayServer,
      draw: config.drawBorder,
      tokens: { person: personToken.reveal(), daemon: randomHex(64), hands: handsToken.reveal() },
    },
    stopped: () => daemon?.knownStop ?? null,
    env: process.env,
    onState: (state) => daemon?.onGuardState(state),
    onPersonInput: (input) => daemon?.onPersonInput(input),
    onLost: () => daemon?.onGuardLost(),
    log,
  });
  scope.use('guard', guard);
  const hands = new HandsClient({
    guardSocket: runtime.guardSocket,
    guardToken: handsToken,
    server: displayServer,
    chord: config.stopHotkey,
    env: process.env,
    onStarted: (pid) => guard.watchHands(pid),
    onDeclined: (error) => ending.abort(error),
    log,
  });
  scope.use('hands', hands);

  const [opened] = await inOrder(displayServer, [
    () =>
      openDesktopSenses({
        server: displayServer,
        dataDir,
        virtual: config.virtual !== null,
        covered: () => daemon?.covered ?? [],
        ownWindows: () => daemon?.ownWindows ?? NO_OWN_WINDOWS,
        probePanel: async (nonce, options) => localSocket?.probe(nonce, options) ?? null,
        policyRoots: () => readableRoots(policy.current, workFolder),
        log,
        signal,
      }),
    () => hands.start(),
  ]);
  scope.use('senses', opened);
  // Whoever keeps us (up) starts us anew, and finds the display again if there is one.
  void opened.lost.then((why) =>
    ending.abort(why ?? new ProtocolError('DISPLAY_UNAVAILABLE', 'The display server is gone.')),
  );
  signal.throwIfAborted();

  const parts = new Daemon({
    name: config.name,
    runtime,
    personToken,
    display,
    chordLabel: chord.label,
    senses: opened.senses,
    capabilities: opened.capabilities,
    policy,
    workFolder,
    vault: new SecretVault(dataDir),
    allowUnarmed: config.allowUnarmed,
    serverIsLocal: isLoopback(url.hostname),
    targetRingMs: config.targetRingMs,
    exclusion: opened.exclusion,
    audit,
    log,
  });
  scope.add('daemon', () => parts[Symbol.dispose]());
  const socket: DaemonSocket = new DaemonSocket({
    path: runtime.daemonSocket,
    token: personToken,
    state: () => parts.state(),
    onCommand: (command, by) => parts.onCommand(command, by),
    examine: () =>
      examineSenses({
        senses: opened.senses,
        server: displayServer,
        exclusion: opened.exclusion(),
        inputBackend: hands.backend,
        log,
        signal,
      }),
    onPanelWindows: () => void opened.testExclusion(),
    onPanels: () => parts.onPanels(),
    onPanelPlaced: () => void keepPanelAbove(opened.senses.windows, parts.panels, log),
    log,
  });
  let link: ServerLink | undefined;
  parts.attach({
    guard,
    hands,
    socket,
    link: () => link,
    onShutdown: () => ending.abort(new StopError('shutdown')),
  });
  daemon = parts;
  await guard.refresh();
  await socket.start();
  localSocket = socket;
  scope.use('local socket', socket);
  const session = await watchSession({
    display: displayServer.kind === 'x11' ? displayServer.display : null,
    env: process.env,
    onChange: (change) => parts.onSession(change),
    log,
  });
  scope.use('session watch', session);

  const displays = (await opened.senses.capture.displays()).map(({ id, bounds, scale, primary }) => ({
    id,
    ...bounds,
    scale,
    primary,
  }));
  link = new ServerLink({
    url,
    credentials,
    describe: () => parts.describe(),
    perform: (command) => parts.perform(command),
    onLease: (grant) => parts.onLease(grant),
    onNarrate: (narrate) => parts.onNarrate(narrate),
    onPaired: (paired) => writeMachineIdentity(identityFile, paired),
    onConnected: (machineId) => {
      parts.onConnected(machineId, url.href);
      void parts.state().then(({ stopHotkey }) => {
        const { armed, reason, pressedAt } = stopHotkey;
        const hotkey = { armed, reason: reason ?? null, pressedAt: pressedAt ?? null };
        // An end by SIGKILL would lose what the next start is to be spared.
        flushCompileCache();
        tellParent({ type: 'ready', machineId, display, stopHotkey: chord.label, hotkey, displays });
      });
    },
    onDisconnected: () => parts.onDisconnected(),
    onRejected: (error) => ending.abort(error),
    random: Math.random,
    log,
  });
  scope.use('link', link);
  link.start();
  await aborted(signal);
  signal.throwIfAborted();
}

/** Both at once; one after the other where each may ask the person something. */
async function inOrder<A, B>(
  server: DisplayServer,
  [first, second]: readonly [() => Promise<A>, () => Promise<B>],
): Promise<[A, B]> {
  if (server.kind !== 'portal') return Promise.all([first(), second()]);
  return [await first(), await second()];
}

/** Settles at the abort, at once if that is over already: a listener that is added later hears nothing. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** @throws ProtocolError CONFIG_INVALID when there is nothing to dial or nothing to say there. */
function howToLink(
  config: DaemonConfig,
  identity: MachineIdentity | undefined,
): { url: URL; credentials: LinkCredentials } {
  const url = config.serverUrl ?? (identity === undefined ? null : new URL(identity.serverUrl));
  if (url === null)
    throw new ProtocolError('CONFIG_INVALID', 'Which server? Give --server URL, or pair this desktop first.');
  if (config.pairCode !== null)
    return { url, credentials: { type: 'pair', code: config.pairCode, name: config.name } };
  if (identity === undefined)
    throw new ProtocolError(
      'CONFIG_INVALID',
      'This desktop is not paired yet: get a code from the server (deskhand machines enroll) and give --pair-code.',
    );
  if (!mayShowToken(identity, url))
    throw new ProtocolError(
      'CONFIG_INVALID',
      `This desktop is paired with ${new URL(identity.serverUrl).host}, not with ${url.host}; pair it anew with --pair-code.`,
    );
  return { url, credentials: { type: 'token', machineId: identity.machineId, token: identity.token } };
}

async function main(): Promise<void> {
  const scope = new Scope();
  const ending = new AbortController();
  process.stderr.on('error', () => {});
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(name, () => ending.abort(new StopError('shutdown', name)));
  process.on('disconnect', () => ending.abort(new StopError('shutdown', 'the parent is gone')));
  let problem: ProtocolError | undefined;
  try {
    const config = readConfig(process.argv.slice(2), process.env, {
      platform: process.platform,
      hostname: hostname(),
    });
    // Told to end while it starts: a part that hangs (a bus, a display) must not keep us.
    const overdue = aborted(ending.signal).then(() => sleep(START_ABANDONED_MS));
    await Promise.race([run(config, scope, ending), overdue]);
  } catch (error) {
    if (error instanceof ProtocolError) problem = error;
    else if (!(error instanceof StopError) && !isAbort(error)) {
      processLog('daemon', 'info').error('the daemon fails', errorAttributes(error));
      problem = new ProtocolError('INTERNAL_ERROR', 'The daemon failed; its log says why.');
    }
  }
  if (problem !== undefined) {
    // Once: a parent tells it in its own words.
    const { code, message } = problem;
    if (process.connected) tellParent({ type: 'problem', code, message });
    else processLog('daemon', 'info').error(message, { code });
  }
  ending.abort(new StopError('shutdown'));
  await Promise.race([
    scope
      .close()
      .catch((error) =>
        processLog('daemon', 'info').error('not all could be closed', errorAttributes(error)),
      ),
    sleep(END_CEILING_MS),
  ]);
  process.exit(problem === undefined ? 0 : EXIT_PROBLEM);
}

await main();
