import { silentLogger } from '@deskhand/base';
import { openWaylandScreenCapture } from '@deskhand/daemon/capture/wayland';
import { openWaylandInputBackend } from '@deskhand/daemon/input/wayland';
import { afterAll, beforeAll, describe } from 'vitest';
import { startWaylandDesktop, startWaylandWitness, type WaylandDesktop } from '../helpers/wayland-desktop.ts';
import { inputBackendContract } from './input-backend.contract.ts';
import { type KnownScreen, screenCaptureContract } from './screen-capture.contract.ts';
import { US_KEYCODES } from './us-keycodes.ts';

const screen: KnownScreen = {
  width: 1000,
  height: 700,
  patches: [
    { x: 101, y: 53, width: 77, height: 31, color: [250, 10, 20] },
    { x: 600, y: 400, width: 333, height: 299, color: [1, 200, 99] },
    { x: 998, y: 0, width: 2, height: 3, color: [0, 0, 255] },
  ],
};

let desktop: WaylandDesktop;
let ask: Awaited<ReturnType<typeof startWaylandWitness>>['ask'];

beforeAll(async () => {
  desktop = await startWaylandDesktop(screen);
  ({ ask } = await startWaylandWitness(desktop, screen));
}, 60_000);
afterAll(() => desktop?.[Symbol.asyncDispose]());

describe('a real compositor (sway, headless)', () => {
  screenCaptureContract('wlr-screencopy', async () => ({
    capture: await openWaylandScreenCapture({ socket: desktop.socket, log: silentLogger }),
    screen,
  }));

  inputBackendContract('wlr-virtual-pointer, virtual-keyboard', async () => {
    let before: string[] = [];
    /** Events that a question about something else brought along wait for theirs. */
    const question = async () => {
      const answer = await ask();
      before.push(...answer.events);
      return answer;
    };
    return {
      backend: await openWaylandInputBackend({ socket: desktop.socket, log: silentLogger }),
      witness: {
        width: screen.width,
        height: screen.height,
        target: { x: 450, y: 300 },
        async events() {
          await question();
          const all = before.map((event) =>
            event.replace(/\d+$/, (code) =>
              event.startsWith('key') ? (US_KEYCODES[Number(code)] ?? code) : code,
            ),
          );
          before = [];
          return all;
        },
        async pointer() {
          const { pointer } = await question();
          if (pointer === null) throw new Error('the window never saw the pointer');
          return { x: Math.floor(pointer.x), y: Math.floor(pointer.y) };
        },
        held: async () => [...(await question()).held],
      },
    };
  });
});
