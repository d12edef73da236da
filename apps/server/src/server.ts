import { chmod, mkdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Clock } from '@deskhand/agent';
import { type Logger, Scope, sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { Config } from './config.ts';
import { AllowedCallers } from './http/allowed-callers.ts';
import { buildApp } from './http/build-app.ts';
import { Idempotency } from './http/idempotency.ts';
import { RateLimiter } from './http/rate-limit.ts';
import type { ServerParts } from './http/server-parts.ts';
import { EventStreams } from './http/sse.ts';
import { ensureLocalAccount, writeCredentials } from './keys/first-keys.ts';
import { KeyStore } from './keys/key-store.ts';
import { Ledger } from './ledger/ledger.ts';
import { LlmKeyStore } from './llm/llm-key-store.ts';
import { LeaseBook } from './machines/lease-book.ts';
import { MachineHub } from './machines/machine-hub.ts';
import { MachineMeter } from './machines/machine-meter.ts';
import { linkUrlOf, MachineService } from './machines/machine-service.ts';
import { VirtualDesktops } from './machines/virtual-desktops.ts';
import { ConfiguredMinds } from './runs/configured-minds.ts';
import { FrameStore } from './runs/frame-store.ts';
import type { Minds } from './runs/minds.ts';
import { recoverRuns } from './runs/recover-runs.ts';
import { RunFeed } from './runs/run-feed.ts';
import { RunService } from './runs/run-service.ts';
import { RunTimers } from './runs/run-timers.ts';
import { RunWorker } from './runs/run-worker.ts';
import { FileBlobs } from './seams/file-blobs.ts';
import { LocalBus } from './seams/local-bus.ts';
import { LocalQueue } from './seams/local-queue.ts';
import { Database } from './storage/database.ts';
import { writePrivateFile } from './storage/private-file.ts';
import { Seal } from './storage/seal.ts';
import { WebhookCourier } from './webhooks/webhook-courier.ts';
import { WebhookOutbox } from './webhooks/webhook-outbox.ts';

export type Overrides = Readonly<{
  /** Engines for tests: the model is the one thing that is not real there. */
  minds?: Minds;
  now?: () => number;
  /** Milliseconds that only go on, whatever happens to the wall clock; default `performance.now`, or `now` where that is given. */
  steadyMs?: () => number;
  /** How long a repeated request waits for the first; default 25 s. */
  idempotencyWaitMs?: number;
  /** How long the head of a request may take; default 20 s. */
  headersTimeoutMs?: number;
  /** How long a reader of events may take nothing; default 60 s. */
  streamPatienceMs?: number;
  /** What the programs of virtual desktops inherit. */
  env?: NodeJS.ProcessEnv;
}>;

/** A running control plane. */
export type Server = AsyncDisposable &
  Readonly<{
    host: string;
    port: number;
    /** With `/v1`. */
    baseUrl: string;
    parts: ServerParts;
  }>;

/**
 * The composition root: makes every part, in the order they need each other, and owns them.
 * @throws ProtocolError DATA_FOLDER_UNWRITABLE, DATA_FOLDER_IN_USE, PORT_IN_USE, DB_UNAVAILABLE
 */
export async function startServer(config: Config, log: Logger, overrides: Overrides = {}): Promise<Server> {
  const scope = new Scope();
  try {
    return await start(config, log, overrides, scope);
  } catch (error) {
    await scope.close();
    throw error;
  }
}

async function start(config: Config, log: Logger, overrides: Overrides, scope: Scope): Promise<Server> {
  const now = overrides.now ?? Date.now;
  const steadyMs = overrides.steadyMs ?? overrides.now ?? (() => performance.now());
  const clock: Clock = { now, sleep: (ms, options) => sleep(ms, options) };
  const { dataFolder } = config;
  await makeDataFolder(dataFolder);

  const database = scope.use('database', await Database.open(path.join(dataFolder, 'deskhand.sqlite')));
  const seal = await Seal.open(dataFolder, database);
  await ensureLocalAccount(database, now);
  const bus = new LocalBus();
  const queue = scope.use('queue', new LocalQueue({ database, log, now, steadyMs }));
  const keys = scope.use(
    'keys',
    new KeyStore({
      database,
      now,
      maxPerAccount: config.max_keys_per_account,
      extraKeys: config.extra_api_keys,
    }),
  );
  await keys.start();
  const ledger = new Ledger({
    cents: config.wallet_cents,
    unlimitedShowsCents: config.unlimited_wallet_shows_cents,
  });
  const feed = scope.use('feed', new RunFeed({ bus, database, log }));
  feed.start();
  const runs = new RunService({
    database,
    feed,
    queue,
    ledger,
    webhooks: new WebhookOutbox(queue),
    seal,
    now,
    limits: {
      queueTimeoutSeconds: config.queue_timeout_seconds,
      awaitingHumanTimeoutSeconds: config.awaiting_human_timeout_seconds,
    },
  });
  const frames = scope.use(
    'frames',
    new FrameStore({
      database,
      blobs: new FileBlobs(path.join(dataFolder, 'frames')),
      log,
      now,
      maxAgeMs: config.frames_max_age_hours * 3_600_000,
      maxBytes: config.frames_max_bytes,
    }),
  );
  frames.start();

  let origin = '';
  // Closed after the parts below, whose sockets and streams it would otherwise wait for.
  let app: Awaited<ReturnType<typeof buildApp>> | undefined;
  scope.add('http', () => app?.close());
  const prices = {
    linux: config.machine_hour_linux_cents,
    windows: config.machine_hour_windows_cents,
    stopped: config.machine_hour_stopped_cents,
  };
  const machines = scope.use(
    'machines',
    new MachineService({
      database,
      now,
      steadyMs,
      log,
      prices,
      linkUrl: () => linkUrlOf(config.public_url ?? origin),
    }),
  );
  const hub = scope.use('hub', new MachineHub({ authority: machines, log, now }));
  machines.attach(hub);
  const meter = scope.use(
    'meter',
    new MachineMeter({ database, ledger, machines, prices, now, steadyMs, log }),
  );
  meter.start();
  const leases = scope.use('leases', new LeaseBook(hub));
  const virtual = scope.use(
    'virtual desktops',
    new VirtualDesktops({
      hub,
      machines,
      log,
      now,
      dataFolder,
      size: config.virtual_desktop_size,
      max: config.max_virtual_desktops,
      origin: () => origin,
      busy: async () => {
        const rows = await database.read
          .selectFrom('runs')
          .select('machine_id')
          .distinct()
          .where('mode', '=', 'test')
          .where('finished_at', 'is', null)
          .execute();
        return new Set(rows.map((row) => row.machine_id));
      },
      env: overrides.env ?? {},
    }),
  );
  const wakeMachine = (machineId: string) => {
    if (hub.connection(machineId) === undefined) virtual.wake(machineId);
  };
  const worker = scope.use(
    'worker',
    new RunWorker({
      database,
      queue,
      runs,
      frames,
      hub,
      leases,
      machines,
      minds:
        overrides.minds ??
        new ConfiguredMinds({
          model: config.model,
          modelUrl: config.model_url,
          modelPrices: config.model_prices,
          providerKeys: config.providerKeys,
          log,
        }),
      clock,
      log,
      limits: {
        linkGraceMs: config.link_grace_ms,
        recoveryGraceMs: config.recovery_grace_ms,
        maxClaims: config.max_claims_without_progress,
        maxRepeats: config.max_repeats,
      },
      wakeMachine,
    }),
  );
  machines.onSuspended((machineId) => worker.stopMachine(machineId));
  machines.onRemoved(async (machineId) => {
    await worker.abandonMachine(machineId);
    await virtual.remove(machineId);
  });
  const courier = scope.use(
    'webhooks',
    new WebhookCourier({
      database,
      queue,
      seal,
      log,
      now,
      schedule: { retrySeconds: config.webhook_retry_seconds, roundSeconds: config.webhook_round_seconds },
      rules: { privateNetworks: config.webhook_private_networks },
      timeoutMs: config.webhook_timeout_ms,
    }),
  );
  const timers = scope.use('timers', new RunTimers({ database, runs, log, now, steadyMs }));
  const idempotency = scope.use(
    'idempotency',
    new Idempotency({ database, seal, now, waitMs: overrides.idempotencyWaitMs }),
  );
  idempotency.start();
  const streams = new EventStreams({ database, feed, log, patienceMs: overrides.streamPatienceMs });
  streams.start();

  let allowed: AllowedCallers | undefined;
  const parts: ServerParts = {
    config,
    log,
    now,
    database,
    keys,
    ledger,
    llmKeys: new LlmKeyStore({ database, seal, now }),
    machines,
    meter,
    hub,
    runs,
    worker,
    frames,
    streams,
    idempotency,
    rates: new RateLimiter({
      perKey: config.rate_per_key_per_minute,
      perAccount: config.rate_per_account_per_minute,
      steadyMs,
    }),
    origin: () => (config.public_url === null ? origin : new URL(config.public_url).origin),
    allowed: () => allowed ?? new AllowedCallers([], []),
    wakeMachine,
  };
  app = await buildApp(parts, { headersTimeoutMs: overrides.headersTimeoutMs });
  scope.use('streams', streams);
  const port = await listen(app, config);
  origin = `http://${hostForUrl(config.host)}:${port}`;
  allowed = AllowedCallers.of({
    host: config.host,
    port,
    publicUrl: config.public_url,
    hosts: config.allowed_hosts,
    origins: config.allowed_origins,
  });
  const baseUrl = `${origin}/v1`;

  await writeCredentials({ database, keys, dataFolder, now }, baseUrl);
  const serverFile = path.join(dataFolder, 'server.json');
  await writePrivateFile(serverFile, `${JSON.stringify({ port, host: config.host, pid: process.pid })}\n`);
  scope.add('server.json', () => rm(serverFile, { force: true }));

  // Only now that desktops can reach us again: what was open when the last server ended goes on.
  const open = await recoverRuns({ database, queue });
  await timers.start();
  virtual.start();
  worker.start();
  courier.start();
  await queue.start();
  log.info('ready', { host: config.host, port, openRuns: open });
  return { host: config.host, port, baseUrl, parts, [Symbol.asyncDispose]: () => scope.close() };
}

async function makeDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (process.platform !== 'win32') await chmod(folder, 0o700);
  } catch (cause) {
    throw new ProtocolError(
      'DATA_FOLDER_UNWRITABLE',
      `The data folder ${folder} cannot be used (${(cause as NodeJS.ErrnoException).code}). Choose another with DESKHAND_DATA.`,
      {},
      { cause },
    );
  }
}

async function listen(app: Awaited<ReturnType<typeof buildApp>>, config: Config): Promise<number> {
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new ProtocolError(
        'PORT_IN_USE',
        `Another program listens on ${config.host}:${config.port}. Choose another port with --port (0 picks a free one) or DESKHAND_PORT.`,
        {},
        { cause },
      );
    if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND')
      throw new ProtocolError(
        'CONFIG_INVALID',
        `This computer cannot listen on ${config.host}:${config.port} (${code}). Choose another with DESKHAND_HOST and DESKHAND_PORT.`,
        {},
        { cause },
      );
    throw cause;
  }
  return (app.server.address() as AddressInfo).port;
}

/** Where to connect for a bound address: a wildcard is reached over loopback. */
function hostForUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
