import { type DaemonCommand, ProtocolError, RunId } from '@deskhand/protocol';
import type { AuditLog } from '../audit/audit-log.ts';
import type { ServerLink } from '../link/server-link.ts';
import type { PolicyGate } from '../policy/policy-gate.ts';
import type { DesktopControl } from '../safety/desktop-control.ts';

export type PersonCommandsOptions = Readonly<{
  control: DesktopControl;
  policy: Pick<PolicyGate, 'ask' | 'answer'>;
  /** The run in progress. */
  runId: () => string | undefined;
  link: () => Pick<ServerLink, 'connected' | 'event'> | undefined;
  onPanelUsed: () => void;
  onShutdown: () => void;
  audit: Pick<AuditLog, 'append'>;
}>;

/** What a person says in the panel or on a terminal, and what becomes of it: here, at guard, at the server. */
export class PersonCommands {
  readonly #options: PersonCommandsOptions;
  /** A resume on its way through guard, with the note it came with. */
  #handedBack: DaemonCommand | undefined;

  constructor(options: PersonCommandsOptions) {
    this.#options = options;
  }

  /** @throws ProtocolError for what cannot be done now. */
  async handle(command: DaemonCommand, by: 'panel' | 'cli'): Promise<void> {
    const { control, audit, onPanelUsed, onShutdown } = this.#options;
    if (by === 'panel') onPanelUsed();
    if (command.name !== 'status' && command.name !== 'examine')
      audit.append({ kind: 'person', what: command.name });
    switch (command.name) {
      case 'stop':
        return control.stop(by, command.note);
      case 'pause':
        return control.pause('asked', command.note ?? command.name);
      case 'takeover':
        return control.pause('takeover', command.note ?? command.name);
      case 'resume':
      case 'hand_back':
        return this.#resume(command, by);
      case 'reset':
        return control.reset(by, command.code);
      case 'approve':
        // A refusal needs nobody: it only keeps things from happening.
        if (by === 'panel') await control.demandPerson(command.code);
        return this.#answer(command);
      case 'deny':
        return this.#answer(command);
      case 'cancel':
        return this.#tellRun(command.name, command);
      case 'shutdown':
        return onShutdown();
      case 'status':
      case 'examine':
        return;
    }
  }

  /** Guard let the agent go on. A note goes before the news: the server takes the first word for the answer. */
  sendNote(): void {
    const command = this.#handedBack;
    this.#handedBack = undefined;
    const runId = command?.runId ?? this.#options.runId();
    if (command?.note !== undefined && runId !== undefined && this.#options.link()?.connected === true)
      this.#tellRun('resume', command);
  }

  #answer(command: DaemonCommand): void {
    const { policy } = this.#options;
    if (policy.ask !== null) {
      const { requestId, digest, scope } = command;
      policy.answer(command.name === 'deny' ? 'deny' : (scope ?? 'once'), requestId, digest);
      return;
    }
    // A card that is gone must not become the answer to something else.
    if (command.requestId !== undefined)
      throw new ProtocolError('INVALID_STATE', 'Nothing is being asked any more.');
    this.#tellRun(command.name === 'deny' ? 'deny' : 'approve', command);
  }

  async #resume(command: DaemonCommand, by: 'panel' | 'cli'): Promise<void> {
    const { control, runId } = this.#options;
    control.demandMayResume();
    if (control.state !== 'paused') {
      // No pause of ours: the run waits for this person's answer, if for anything.
      if (by === 'panel') await control.demandPerson(command.code);
      if (command.runId !== undefined || runId() !== undefined) this.#tellRun('resume', command);
      return;
    }
    this.#handedBack = command;
    try {
      await control.resume(by, command.code);
    } catch (error) {
      // A later resume brings its own note.
      if (this.#handedBack === command) this.#handedBack = undefined;
      throw error;
    }
  }

  #tellRun(name: 'cancel' | 'resume' | 'approve' | 'deny', command: DaemonCommand): void {
    const runId = command.runId ?? this.#options.runId();
    if (runId === undefined) throw new ProtocolError('RUN_NOT_FOUND', 'No run is in progress here.');
    const link = this.#options.link();
    if (link?.connected !== true)
      throw new ProtocolError('UPSTREAM_UNAVAILABLE', 'The server is not connected, so it cannot be told.');
    link.event({
      type: 'person_command',
      command: name,
      runId: RunId.parse(runId),
      ...(command.note === undefined ? {} : { note: command.note }),
    });
  }
}
