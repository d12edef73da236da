import type { Logger } from '@deskhand/base';
import type { Config } from '../config.ts';
import type { KeyStore } from '../keys/key-store.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LlmKeyStore } from '../llm/llm-key-store.ts';
import type { MachineHub } from '../machines/machine-hub.ts';
import type { MachineMeter } from '../machines/machine-meter.ts';
import type { MachineService } from '../machines/machine-service.ts';
import type { FrameStore } from '../runs/frame-store.ts';
import type { RunService } from '../runs/run-service.ts';
import type { RunWorker } from '../runs/run-worker.ts';
import type { Database } from '../storage/database.ts';
import type { AllowedCallers } from './allowed-callers.ts';
import type { Idempotency } from './idempotency.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { EventStreams } from './sse.ts';

/** What the routes use; made in the composition root. */
export type ServerParts = Readonly<{
  config: Config;
  log: Logger;
  now: () => number;
  database: Database;
  keys: KeyStore;
  ledger: Ledger;
  llmKeys: LlmKeyStore;
  machines: MachineService;
  meter: MachineMeter;
  hub: MachineHub;
  runs: RunService;
  worker: RunWorker;
  frames: FrameStore;
  streams: EventStreams;
  idempotency: Idempotency;
  rates: RateLimiter;
  /** Where clients reach this server, without a slash at its end; known once the port is bound. */
  origin: () => string;
  /** Known once the port is bound. */
  allowed: () => AllowedCallers;
  wakeMachine: (machineId: string) => void;
}>;
