import { silentLogger } from '@deskhand/base';
import { openNutInputBackend, openX11InputBackend } from '@deskhand/daemon/input';
import { EVENT_MASK, openX11, type X11Connection } from '@deskhand/daemon/x11';
import { afterAll, beforeAll } from 'vitest';
import { heldInputs } from '../helpers/held-inputs.ts';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { type InputWitness, inputBackendContract } from './input-backend.contract.ts';
import { US_KEYCODES } from './us-keycodes.ts';

const SIZE = { width: 900, height: 600 };
const TARGET = { x: 450, y: 300 };

let desktop: XDesktop;
let hands: X11Connection;
let application: X11Connection;
let witness: InputWitness;
let displayBefore: string | undefined;

beforeAll(async () => {
  desktop = await startXDesktop(SIZE);
  displayBefore = process.env.DISPLAY;
  process.env.DISPLAY = desktop.display;
  hands = await openX11({ display: desktop.display, log: silentLogger });
  application = await openX11({ display: desktop.display, log: silentLogger });
  witness = await openWitness();
});

afterAll(async () => {
  if (displayBefore === undefined) delete process.env.DISPLAY;
  else process.env.DISPLAY = displayBefore;
  await hands?.[Symbol.asyncDispose]();
  await application?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

/** An application of our own that covers the screen and writes down its events. */
async function openWitness(): Promise<InputWitness> {
  const { KeyPress = 0, KeyRelease = 0, ButtonPress = 0, ButtonRelease = 0 } = EVENT_MASK;
  const window = await application.createWindow(
    { x: 0, y: 0, ...SIZE },
    { overrideRedirect: 1, eventMask: KeyPress | KeyRelease | ButtonPress | ButtonRelease },
  );
  await application.mapWindow(window);
  await application.setInputFocus(window);
  const seen: string[] = [];
  application.on('ButtonPress', (event) => seen.push(`press ${event.keycode}`));
  application.on('ButtonRelease', (event) => seen.push(`release ${event.keycode}`));
  application.on('KeyPress', (event) => seen.push(`key ${US_KEYCODES[event.keycode] ?? event.keycode}`));
  application.on('KeyRelease', (event) => seen.push(`key up ${US_KEYCODES[event.keycode] ?? event.keycode}`));
  return {
    ...SIZE,
    target: TARGET,
    async events(atLeast) {
      await eventually(async () => {
        await application.sync();
        if (seen.length < atLeast) throw new Error(`only ${seen.length} of ${atLeast} events`);
      });
      return seen.splice(0);
    },
    async pointer() {
      const found = await desktop.ask('xdotool', 'getmouselocation', '--shell');
      return { x: Number(found.match(/X=(\d+)/)?.[1]), y: Number(found.match(/Y=(\d+)/)?.[1]) };
    },
    held: () => heldInputs(desktop),
  };
}

inputBackendContract('X11, XTEST', async () => ({
  backend: await openX11InputBackend({ connection: hands, log: silentLogger }),
  witness,
}));
inputBackendContract('nut-js (on X11)', async () => ({
  backend: await openNutInputBackend({ log: silentLogger, platform: process.platform }),
  witness,
}));
