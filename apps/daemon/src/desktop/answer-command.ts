import { errorAttributes, type Logger } from '@deskhand/base';
import { ProtocolError, type ServerMessage } from '@deskhand/protocol';
import type { HandsClient } from '../hands/hands-client.ts';
import type { LeaseKeeper } from '../safety/lease-keeper.ts';
import type { SecretScreen } from '../secrets/secret-screen.ts';
import type { WorkWindow } from '../windows/work-window.ts';
import type { Actor, ActReply } from './act.ts';
import type { Answer } from './command-cache.ts';
import type { Observer, Sight } from './observe.ts';

export type ServerCommand = Extract<ServerMessage, { id: string }>;

export type CommandParts = Readonly<{
  lease: LeaseKeeper;
  observer: Observer;
  workWindow: WorkWindow;
  secretScreen: SecretScreen;
  /** Undefined while this desktop is still starting. */
  actor: Actor | undefined;
  hands: Pick<HandsClient, 'releaseAll'> | undefined;
  log: Logger;
}>;

/** Beyond the longest wait for a still screen. */
const OBSERVE_CEILING_MS = 15_000;

/**
 * Does one command of the server. Never rejects: failures are answers, too.
 * @param stop asked when input begins; aborts when it must end.
 */
export async function answerCommand(
  command: ServerCommand,
  parts: CommandParts,
  stop: () => AbortSignal,
): Promise<Answer> {
  try {
    switch (command.type) {
      case 'release':
        parts.lease.release(command.leaseId);
        await parts.hands?.releaseAll();
        return result(command.id, { outcomes: [], sight: null }, parts.secretScreen);
      case 'observe': {
        await parts.workWindow.giveFocusBack();
        const signal = AbortSignal.timeout(command.request.settleCeilingMs + OBSERVE_CEILING_MS);
        const sight = await parts.observer.observe(command.request, { signal });
        rememberFocus(sight, parts.workWindow);
        return result(command.id, { outcomes: [], sight }, parts.secretScreen);
      }
      case 'act': {
        if (parts.actor === undefined)
          throw new ProtocolError('SERVICE_UNAVAILABLE', 'This desktop is still starting.');
        await parts.workWindow.giveFocusBack();
        const done = await parts.actor.act(command, stop());
        rememberFocus(done.sight, parts.workWindow);
        return result(command.id, done, parts.secretScreen);
      }
    }
  } catch (error) {
    const known = error instanceof ProtocolError;
    if (!known) parts.log.error('a command failed', { command: command.type, ...errorAttributes(error) });
    return {
      frame: null,
      message: {
        type: 'failure',
        id: command.id,
        code: known ? error.code : 'INTERNAL_ERROR',
        message: known ? error.message : 'The command failed; the daemon’s log says why.',
      },
    };
  }
}

function rememberFocus(sight: Sight | null, workWindow: WorkWindow): void {
  if (sight === null) return;
  const { windows, activeWindowId } = sight.observation;
  workWindow.remember(windows, activeWindowId);
}

function result(id: ServerCommand['id'], done: ActReply, secretScreen: SecretScreen): Answer {
  const { sight } = done;
  const observation = sight === null ? null : secretScreen.scrub(sight.observation);
  const outcomes = [...secretScreen.scrub(done.outcomes)];
  const frame = observation?.frame ?? null;
  return {
    message: { type: 'result', id, outcomes, observation, repeated: false },
    frame:
      frame === null || sight?.bytes == null ? null : { frameId: frame.geometry.frameId, bytes: sight.bytes },
  };
}
