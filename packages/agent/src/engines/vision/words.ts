import { inertLine } from '@deskhand/base';
import type { FrameGeometry, Outcome, WindowInfo } from '@deskhand/protocol';
import { describeOperation } from '../../describe-operation.ts';
import type { EngineMessage, Turn } from '../../ports.ts';
import type { Places } from './coordinate-space.ts';
import { findTextInWords } from './element-list.ts';
import type { ModelCall, Proposal } from './proposal.ts';

/** Longest tool output shown to a model, characters. */
const MAX_RESULT_CHARACTERS = 4000;

/** The result of one call in the words a model gets. */
export function resultWords(call: ModelCall, proposal: Proposal, turn: Turn, places: Places): string {
  if ('ignored' in proposal && proposal.ignored.includes(call.id))
    return 'Not done: look at the result of the other calls of this reply first.';
  switch (proposal.type) {
    case 'operations':
      return operationsWords(call, proposal, turn);
    case 'done': {
      const no = turn.messages.find((message) => message.from === 'verifier');
      return no?.from === 'verifier'
        ? `A check of the result says it is not done: ${no.reason}`
        : 'Not accepted.';
    }
    case 'ask_human': {
      const answer = turn.messages.find((message) => message.from === 'human');
      return answer?.from === 'human' && answer.note !== null
        ? `The person says: ${answer.note}`
        : 'The person resumed without a note.';
    }
    case 'find_text':
      return findTextInWords(turn.sight.observation, proposal.text, places);
    default:
      return 'See the next picture.';
  }
}

/** One line per operation this call asked for. */
function operationsWords(
  call: ModelCall,
  { operations, callIds }: Extract<Proposal, { type: 'operations' }>,
  turn: Turn,
): string {
  const mine = callIds.flatMap((id, index) => (id === call.id ? [index] : []));
  return mine
    .map((index) => {
      const operation = operations[index];
      const outcome = turn.last?.outcomes[index];
      const what = mine.length > 1 && operation !== undefined ? `${describeOperation(operation)}: ` : '';
      return `${what}${outcome === undefined ? 'Not done: an earlier action of this reply was not done or changed nothing.' : outcomeWords(outcome)}`;
    })
    .join('\n');
}

function outcomeWords(outcome: Outcome): string {
  const parts: string[] = [outcome.status];
  if (outcome.code !== undefined) parts.push(outcome.code);
  // It may quote a title or a path: an application's own words.
  if (outcome.message !== undefined) parts.push(inertLine(outcome.message, MAX_RESULT_CHARACTERS));
  const result =
    outcome.result === undefined ? '' : `\n${JSON.stringify(outcome.result).slice(0, MAX_RESULT_CHARACTERS)}`;
  return `${parts.join(': ')}${result}`;
}

/** Title and name are the application's own words and must not read as a line of ours. */
export function windowWords({ title, application }: WindowInfo): string {
  return `Active window: ${JSON.stringify(inertLine(title, 120))} of ${JSON.stringify(inertLine(application, 60))}`;
}

export function messageWords(message: EngineMessage): string {
  switch (message.from) {
    case 'human':
      return message.note === null ? 'The person resumed the run.' : `The person says: ${message.note}`;
    case 'takeover':
      return 'A person used the computer meanwhile and changed the screen; look before you act.';
    case 'verifier':
      return `A check of the result says it is not done: ${message.reason}`;
  }
}

/** Frame pixels → desktop space, kept inside the frame's region. */
export function desktopArea(
  frame: FrameGeometry,
  area: { x: number; y: number; width: number; height: number },
) {
  const scaleX = frame.region.width / frame.image.width;
  const scaleY = frame.region.height / frame.image.height;
  const x = Math.min(area.x, frame.image.width - 8);
  const y = Math.min(area.y, frame.image.height - 8);
  return {
    x: Math.round(frame.region.x + x * scaleX),
    y: Math.round(frame.region.y + y * scaleY),
    width: Math.max(8, Math.round(Math.min(area.width, frame.image.width - x) * scaleX)),
    height: Math.max(8, Math.round(Math.min(area.height, frame.image.height - y) * scaleY)),
  };
}

export function isCrop(geometry: FrameGeometry, full: FrameGeometry): boolean {
  return (
    geometry.displayId === full.displayId &&
    geometry.region.width * geometry.region.height < full.region.width * full.region.height * 0.98
  );
}
