/// <reference path="./x11-package.d.ts" />
import { type Client, createClient } from 'x11';

/**
 * A program of its own: lets go of every key and button on a display, several times, and ends. What started it
 * saw guard die without a word (SIGKILL), so nobody else may be left. It imports the X client and nothing more:
 * each further module is time in which a key is down.
 */
const LOOK_AGAIN_MS = [0, 50, 100, 250];
const CEILING_MS = 3000;
const KEY_RELEASE = 3;
const BUTTON_RELEASE = 5;
/** Beyond the five that the pointer's state has bits for; releasing one that is up does nothing. */
const BUTTONS = [1, 2, 3, 4, 5, 8, 9];

setTimeout(() => process.exit(1), CEILING_MS).unref();
const [display] = process.argv.slice(2);
const client: Client = createClient(display === undefined ? {} : { display }, (error) => {
  if (error) process.exit(1);
  client.require('xtest', (missing, xtest) => {
    if (missing) process.exit(1);
    const { FakeInput, GrabControl } = xtest as unknown as { FakeInput: FakeInput; GrabControl: GrabControl };
    // Whoever was killed while the server served nobody else may not be quite gone.
    GrabControl(true);
    void letGo(client, FakeInput);
  });
});
client.on('error', () => process.exit(1));

type FakeInput = (type: number, detail: number, time: number, root: number, x: number, y: number) => void;

type GrabControl = (impervious: boolean) => void;

async function letGo(x: Client, fakeInput: FakeInput): Promise<void> {
  for (const ms of LOOK_AGAIN_MS) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    const down = await new Promise<Buffer>((resolve) => {
      x.QueryKeymap((error, keys) => {
        resolve(error ? Buffer.alloc(32) : keys);
        return true;
      });
    });
    for (let keycode = 8; keycode < 256; keycode += 1)
      if (((down[keycode >> 3] ?? 0) >> (keycode & 7)) & 1) fakeInput(KEY_RELEASE, keycode, 0, 0, 0, 0);
    for (const button of BUTTONS) fakeInput(BUTTON_RELEASE, button, 0, 0, 0, 0);
  }
  // One answer more: by then the server has done all of it.
  x.QueryKeymap(() => process.exit(0));
}
