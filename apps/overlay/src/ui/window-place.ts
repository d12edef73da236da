/** This window on the desktop: where it is, and moving it. Browser mode only; Electron's main process does it itself. */

export type Place = Readonly<{ x: number; y: number; width: number; height: number; area: object }>;

/** Physical pixels of the desktop; a page knows its window in CSS pixels. */
export function placeOf(window: Window): Place {
  const { screenX, screenY, outerWidth, outerHeight, devicePixelRatio: scale, screen } = window;
  const { availLeft = 0, availTop = 0 } = screen as Screen & { availLeft?: number; availTop?: number };
  const physical = (x: number, y: number, width: number, height: number) => ({
    x: Math.round(x * scale),
    y: Math.round(y * scale),
    width: Math.round(width * scale),
    height: Math.round(height * scale),
  });
  return {
    ...physical(screenX, screenY, outerWidth, outerHeight),
    area: physical(availLeft, availTop, screen.availWidth, screen.availHeight),
  };
}

/** Resolves when the window is there, or a moment later when it would not move. */
export async function moveWindow(window: Window, x: number, y: number): Promise<Place> {
  const scale = window.devicePixelRatio;
  window.moveTo(Math.round(x / scale), Math.round(y / scale));
  for (let frame = 0; frame < 6; frame += 1) {
    await new Promise((resolve) => setTimeout(resolve, 16));
    const place = placeOf(window);
    if (Math.abs(place.x - x) <= scale && Math.abs(place.y - y) <= scale + 40) break;
  }
  return placeOf(window);
}
