import { sleep } from '@deskhand/base';
import type { OperationInput, Rect } from '@deskhand/protocol';
import type { GuardConnection } from '@deskhand/protocol/local-client';
import type { LinkServer } from '../helpers/link-server.ts';
import type { BenchTable } from './benchmark.ts';

const PER_COMMAND = 30;
/** Waiting for a still screen after each command would be most of the time. */
const LOOK = { settle: false, settleCeilingMs: 0 };
/** Two within a second are the most that hands press: the third would be a stop. */
const ESCAPE_EVERY_MS = 700;

/** The agent's own input must never look like a person's. The desktop is armed and leased already. */
export async function falsePauses(
  parts: Readonly<{ server: LinkServer; guard: GuardConnection }>,
  options: Readonly<{ actions: number; signal: AbortSignal; progress: (line: string) => void }>,
): Promise<BenchTable> {
  const { server, guard } = parts;
  const { actions, signal, progress } = options;
  // Hands that were just told to stop a text may still be killed for taking too long over it.
  await sleep(1000);
  let pauses = 0;
  guard.onMessage((message) => {
    if (message.type === 'guard_state' && message.control !== 'armed') pauses += 1;
  });
  const { observation } = await server.observe({ settle: false });
  // Within the terminal: a click on a title bar may move or close what the next one is meant for.
  const area = observation?.windows.find(({ application }) => /xterm/i.test(application))?.bounds;
  if (area === undefined) throw new Error('the terminal of this benchmark is not there');
  let frameId = observation?.frame?.geometry.frameId;
  let escapes = 0;
  let escapedMs = Number.NEGATIVE_INFINITY;
  let done = 0;
  while (done < actions) {
    signal.throwIfAborted();
    const operations = Array.from({ length: PER_COMMAND }, (_, index) => oneAction(done + index, area));
    if (performance.now() - escapedMs > ESCAPE_EVERY_MS) {
      operations[0] = { type: 'key_press', keys: ['escape'] };
      escapedMs = performance.now();
      escapes += 1;
    }
    const reply = await server.act(operations, { frameId, observe: LOOK });
    if (reply.type !== 'result') throw new Error(`actions failed: ${reply.code}`);
    const refused = reply.outcomes.find(({ status }) => status === 'refused' || status === 'failed');
    if (refused !== undefined) throw new Error(`an action was not done: ${JSON.stringify(refused)}`);
    frameId = reply.observation?.frame?.geometry.frameId ?? frameId;
    const before = done;
    done += reply.outcomes.length;
    if (Math.floor(before / 2500) !== Math.floor(done / 2500)) progress(`${done} of ${actions} actions`);
  }
  return {
    title: 'The agent’s own input: far movements, keys, clicks, scrolling, text',
    columns: ['actions', 'Escapes among them', 'false pauses or stops'],
    rows: [[done, escapes, pauses]],
  };
}

function oneAction(number: number, { x, y, width, height }: Rect): OperationInput {
  // Never twice in a row at one place: two clicks there would wait so as not to become a double click.
  const point = { x: 200 + ((number * 137) % 800), y: 100 + ((number * 253) % 500) };
  const inside = {
    x: Math.round(x + width * 0.2 + ((number * 137) % (width * 0.6))),
    y: Math.round(y + height * 0.3 + ((number * 253) % (height * 0.6))),
  };
  switch (number % 20) {
    case 0:
    case 10:
      return { type: 'click', point: inside };
    case 5:
      return { type: 'scroll', point: inside, direction: 'down', amount: 1 };
    case 3:
    case 13:
      return { type: 'type_text', text: 'a' };
    default:
      return number % 2 === 0 ? { type: 'move', point } : { type: 'key_press', keys: ['left'] };
  }
}
