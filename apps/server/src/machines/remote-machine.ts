import type { ActResult, Machine, Sight } from '@deskhand/agent';
import { StopError } from '@deskhand/base';
import {
  type CommandId,
  type ErrorCode,
  FrameId,
  mintCommandId,
  type Observation,
  ObserveRequest,
  type ObserveRequestInput,
  type Operation,
  type Outcome,
  ProtocolError,
} from '@deskhand/protocol';
import type { Lease, LeaseBook } from './lease-book.ts';
import { type LinkConnection, LinkCutError, type LinkReply } from './link-connection.ts';
import type { MachineHub } from './machine-hub.ts';

/** What the wire and the queue at the other end may take beyond the work itself. */
const ANSWER_SLACK_MS = 15_000;
const OBSERVE_MS = 60_000;
/** Hands type at least this fast; see design.md 6. */
const TYPED_CHARACTERS_PER_SECOND = 80;
/** Frames whose time is remembered, to know which of them are older than a takeover. */
const MAX_FRAMES = 64;

type Parts = {
  hub: MachineHub;
  leases: LeaseBook;
  machineId: string;
  lease: Lease;
  /** Milliseconds the link may be gone before the run is given up. */
  graceMs: number;
};

/**
 * A desktop over the link, for one claim of one run. A cut link is waited for; a command that was already sent is
 * sent again under the same id, which the daemon answers from its cache if it was done. When the daemon itself
 * restarted in between, nobody knows what was done: the answer says so and nothing is repeated.
 */
export class RemoteMachine implements Machine {
  readonly #parts: Parts;
  /** Raised each time a person took the desktop over: pictures from before are not to be acted on. */
  #takeovers = 0;
  #paused = false;
  #refusedForTakeover = false;
  readonly #framesSeen = new Map<string, number>();
  #lastSeen = 0;
  #observation: Observation | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A person has the desktop. */
  pause(): void {
    this.#paused = true;
    this.#takeovers += 1;
  }

  resume(): void {
    this.#paused = false;
  }

  /** What was seen last; null before the first look. */
  get seen(): Observation | null {
    return this.#observation;
  }

  /** Whether an action was refused only because of a takeover that is over; asking clears it. */
  takeRefusalForTakeover(): boolean {
    const refused = this.#refusedForTakeover;
    this.#refusedForTakeover = false;
    return refused;
  }

  async observe(request: ObserveRequestInput, options: { signal: AbortSignal }): Promise<Sight> {
    const full = ObserveRequest.parse(request);
    const id = mintCommandId();
    const takeovers = this.#takeovers;
    const reply = await this.#ask(
      (connection, signal) => connection.request({ type: 'observe', id, request: full }, { signal }),
      { ...options, waitMs: OBSERVE_MS + full.settleCeilingMs },
    );
    if (reply === 'unknown' || reply.result.observation === null)
      throw new ProtocolError('UPSTREAM_ERROR', 'The desktop answered without an observation.');
    return this.#sight(reply, takeovers);
  }

  async act(
    command: {
      commandId: CommandId;
      frameId: string | null;
      operations: readonly Operation[];
      observe: ObserveRequestInput;
      stopAtNoEffect?: boolean;
    },
    options: { signal: AbortSignal },
  ): Promise<ActResult> {
    const seen = command.frameId === null ? this.#lastSeen : this.#framesSeen.get(command.frameId);
    if (this.#paused || (seen !== undefined && seen < this.#takeovers)) {
      this.#refusedForTakeover = !this.#paused;
      return refused('PAUSED', 'A person used the desktop since that picture was taken.');
    }
    return this.send(command, options);
  }

  /** As {@link act}, without asking whether the picture is fresh: for sending a stored command again. */
  async send(
    command: {
      commandId: CommandId;
      frameId: string | null;
      operations: readonly Operation[];
      observe: ObserveRequestInput;
      stopAtNoEffect?: boolean;
    },
    options: { signal: AbortSignal; bootId?: string | null },
  ): Promise<ActResult> {
    const deadlineMs = deadlineFor(command.operations);
    const takeovers = this.#takeovers;
    const observe = ObserveRequest.parse(command.observe);
    let sentTo: string | null | undefined = options.bootId;
    const reply = await this.#ask(
      (connection, signal) => {
        // Sent to a daemon that is gone: its successor does not know what became of it.
        if (sentTo !== undefined && sentTo !== null && sentTo !== connection.bootId)
          return Promise.resolve('unknown' as const);
        const { lease, leases } = this.#parts;
        if (!leases.holds(lease))
          throw new StopError('interrupted', 'The right to drive this machine was taken over.');
        sentTo = connection.bootId;
        return connection.request(
          {
            type: 'act',
            id: command.commandId,
            leaseId: lease.leaseId,
            epoch: lease.epoch,
            frameId: command.frameId === null ? null : FrameId.parse(command.frameId),
            operations: [...command.operations],
            deadlineMs,
            observe,
            ...(command.stopAtNoEffect === true ? { stopAtNoEffect: true } : {}),
          },
          { signal },
        );
      },
      { signal: options.signal, waitMs: deadlineMs + observe.settleCeilingMs + ANSWER_SLACK_MS },
    );
    if (reply === 'unknown')
      return {
        outcomes: [
          {
            status: 'failed',
            code: 'ACTION_ABORTED',
            message: 'The desktop agent restarted while this was under way; part of it may have happened.',
            durationMs: 0,
          },
        ],
        sight: null,
      };
    return {
      outcomes: reply.result.outcomes,
      sight: reply.result.observation === null ? null : this.#sight(reply, takeovers),
    };
  }

  #sight(reply: LinkReply, takeovers: number): Sight {
    const observation = reply.result.observation;
    if (observation === null)
      throw new ProtocolError('UPSTREAM_ERROR', 'The desktop answered without an observation.');
    const frame = observation.frame;
    if (frame !== null) {
      if (reply.image === null || reply.image.length !== frame.byteLength)
        throw new ProtocolError('UPSTREAM_ERROR', 'The desktop’s picture did not arrive whole.');
      if (this.#framesSeen.size >= MAX_FRAMES) {
        const [oldest] = this.#framesSeen.keys();
        if (oldest !== undefined) this.#framesSeen.delete(oldest);
      }
      this.#framesSeen.set(frame.geometry.frameId, takeovers);
    }
    this.#lastSeen = takeovers;
    this.#observation = observation;
    return { observation, image: frame === null ? null : reply.image };
  }

  /**
   * Asks over whichever connection there is, again after a cut.
   * @throws StopError `link_lost` when the machine stays away, ProtocolError UPSTREAM_TIMEOUT
   */
  async #ask(
    ask: (connection: LinkConnection, signal: AbortSignal) => Promise<LinkReply | 'unknown'>,
    options: { signal: AbortSignal; waitMs: number },
  ): Promise<LinkReply | 'unknown'> {
    const { hub, machineId, graceMs } = this.#parts;
    for (;;) {
      const connection = await arrivalWithin(hub, machineId, graceMs, options.signal);
      const late = AbortSignal.timeout(options.waitMs);
      try {
        return await ask(connection, AbortSignal.any([options.signal, late]));
      } catch (error) {
        if (options.signal.aborted) throw options.signal.reason;
        if (late.aborted)
          throw new ProtocolError(
            'UPSTREAM_TIMEOUT',
            'The desktop did not answer in time; what it did is unknown.',
          );
        if (!(error instanceof LinkCutError)) throw error;
      }
    }
  }
}

/**
 * Waits for the machine's connection, at most the grace time.
 * @throws StopError `link_lost`, the signal's reason
 */
export async function arrivalWithin(
  hub: MachineHub,
  machineId: string,
  graceMs: number,
  signal: AbortSignal,
): Promise<LinkConnection> {
  const here = hub.connection(machineId);
  if (here?.isOpen) return here;
  const grace = AbortSignal.timeout(graceMs);
  try {
    return await hub.arrival(machineId, { signal: AbortSignal.any([signal, grace]) });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new StopError(
      'link_lost',
      `The machine’s link was lost and did not come back within ${graceMs / 1000} s.`,
      { cause: error },
    );
  }
}

function refused(code: ErrorCode, message: string): ActResult {
  const outcome: Outcome = { status: 'refused', code, message, durationMs: 0 };
  return { outcomes: [outcome], sight: null };
}

/** Milliseconds the daemon may take for the operations themselves. */
function deadlineFor(operations: readonly Operation[]): number {
  let ms = 30_000;
  for (const operation of operations) {
    if (operation.type === 'type_text') ms += (operation.text.length / TYPED_CHARACTERS_PER_SECOND) * 1000;
    else if (operation.type === 'wait') ms += operation.ms;
    else if (operation.type === 'drag') ms += operation.durationMs;
    else if (operation.type === 'click') ms += (operation.heldMs ?? 0) * operation.clicks;
    else if (operation.type === 'key_combo') ms += operation.heldMs ?? 0;
    else if (operation.type === 'run_command') ms += operation.timeoutMs;
    else if (operation.type === 'open_application' || operation.type === 'browser_navigate') ms += 30_000;
  }
  return Math.min(600_000, Math.round(ms));
}
