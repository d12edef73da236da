import { type Display, DisplayId } from '@deskhand/protocol';
import type { Randr, X11Connection } from '../x11/index.ts';

const DEFAULT_DPI = 96;

/**
 * Monitors as RANDR sees them: one per lit CRTC, mirrors counted once. Without RANDR the whole X screen
 * is one display.
 */
export async function readX11Displays(connection: X11Connection, randr: Randr | null): Promise<Display[]> {
  const scale = await readScale(connection);
  const crtcs = randr === null ? [] : await randr.crtcs();
  if (randr === null || crtcs.length === 0) {
    const { width, height } = await connection.geometry(connection.root);
    return [
      {
        id: DisplayId.parse('x11:screen'),
        name: 'screen',
        bounds: { x: 0, y: 0, width, height },
        scale,
        primary: true,
      },
    ];
  }
  const primaryOutput = await randr.primaryOutput();
  const displays: Display[] = [];
  for (const { x, y, width, height, outputs } of crtcs) {
    const mirrored = displays.some(
      ({ bounds }) => bounds.x === x && bounds.y === y && bounds.width === width && bounds.height === height,
    );
    if (mirrored) continue;
    const output = outputs[0];
    const name = (output === undefined ? null : await randr.outputName(output)) ?? `${x},${y}`;
    displays.push({
      id: DisplayId.parse(`x11:${name}`.slice(0, 128)),
      name: name.slice(0, 200),
      bounds: { x, y, width, height },
      scale,
      primary: outputs.includes(primaryOutput) && primaryOutput !== 0,
    });
  }
  displays.sort((a, b) => a.bounds.x - b.bounds.x || a.bounds.y - b.bounds.y);
  const first = displays[0];
  if (first !== undefined && !displays.some((display) => display.primary))
    displays[0] = { ...first, primary: true };
  return displays;
}

/** X coordinates are physical pixels; toolkits derive their scale from `Xft.dpi`. */
async function readScale(connection: X11Connection): Promise<number> {
  const resources = await connection.getText(connection.root, 'RESOURCE_MANAGER');
  const dpi = Number(resources?.match(/^Xft\.dpi:\s*([\d.]+)/m)?.[1]);
  return Number.isFinite(dpi) && dpi >= 24 && dpi <= 16 * DEFAULT_DPI ? dpi / DEFAULT_DPI : 1;
}
