import type { Logger } from '@deskhand/base';
import type { SenseCheck } from '@deskhand/protocol';
import { groupOf, KeyboardMap } from '../input/keyboard-map.ts';
import { planText, typeableCharacters } from '../input/text-plan.ts';
import { openX11, type X11Connection } from '../x11/index.ts';
import { check, type Trial } from './check.ts';

/** Latin with accents, Greek, Cyrillic, Chinese, an emoji: what a layout seldom has all of. */
const MANY_SCRIPTS = 'Grüße, Ωμέγα, Привет, 你好 🙂';
const ASCII = Array.from({ length: 95 }, (_, index) => 0x20 + index);

/** Whether input could be injected and text typed, without pressing or moving anything. */
export async function examineX11Input(options: {
  display: string;
  inputBackend: string | null;
  log: Logger;
}): Promise<SenseCheck[]> {
  const { display, inputBackend, log } = options;
  const withConnection = async (work: (x: X11Connection) => Promise<Trial>): Promise<Trial> => {
    await using x = await openX11({ display, log });
    return await work(x);
  };
  return [
    await check('input', 'Use an X server with the XTEST extension.', () =>
      withConnection(async (x) => {
        const xtest = await x.require('xtest');
        const startedMs = performance.now();
        // A request that only this connection notices: it shows that XTEST answers, and how fast.
        await xtest.immuneToGrabs(false);
        const ms = Math.round((performance.now() - startedMs) * 100) / 100;
        const held = await heldKeys(x);
        const detail = `${inputBackend ?? 'x11-xtest'}: XTEST answers`;
        if (held > 0)
          return {
            state: 'warn',
            detail: `${detail}; ${held} keys are down right now`,
            ms,
            todo: 'If you hold none, a program does: `deskhand stop`, then `deskhand reset`, lets them go.',
          };
        return { state: 'ok', detail, ms };
      }),
    ),
    await check('typing', 'setxkbmap us', () =>
      withConnection(async (x) => {
        const [rows, modifiers, { mask }] = await Promise.all([
          x.keyboardMapping(),
          x.modifierMapping(),
          x.pointer(),
        ]);
        const map = new KeyboardMap(rows, x.minKeycode, modifiers, groupOf(mask));
        const direct = ASCII.filter((codePoint) => map.stroke(codePoint) !== undefined).length;
        const spare = map.spareKeycodes.length;
        const detail = `${direct} of ${ASCII.length} ASCII characters by the layout’s own keys, ${spare} spare keys for the rest`;
        if (spare === 0)
          return {
            state: 'warn',
            detail: `${detail}: characters the layout lacks can only be pasted`,
            todo: 'Choose a keyboard layout with unused keys, for example: setxkbmap us',
          };
        const rounds = planText(typeableCharacters(MANY_SCRIPTS), map).length;
        return {
          state: 'ok',
          detail: `${detail}; five scripts in ${rounds === 1 ? 'one round' : `${rounds} rounds`}`,
        };
      }),
    ),
  ];
}

async function heldKeys(x: X11Connection): Promise<number> {
  return (await x.keysDown()).length;
}
