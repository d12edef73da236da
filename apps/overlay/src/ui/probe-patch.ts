/**
 * Paints the patch of the exclusion self-test for a moment, over everything but STOP.
 * The cells are those of the protocol's `probeCells`, which this bundle is too small to import.
 * @returns where it is once it is on the screen: physical pixels of the desktop, as far as a page knows its window;
 *          good to a few of them.
 */
export async function showPatch(
  page: Document,
  nonce: string,
  showMs: number,
): Promise<{ x: number; y: number; width: number; height: number }> {
  const scale = page.defaultView?.devicePixelRatio ?? 1;
  const side = 24 / scale;
  const canvas = page.createElement('canvas');
  canvas.className = 'patch';
  canvas.width = canvas.height = 24;
  canvas.style.width = canvas.style.height = `${side}px`;
  const pen = canvas.getContext('2d');
  const bits = BigInt(`0x${nonce}`);
  for (let cell = 0; pen && cell < 64; cell += 1) {
    pen.fillStyle = (bits >> BigInt(63 - cell)) & 1n ? '#0f0' : '#f0f';
    pen.fillRect((cell % 8) * 3, (cell >> 3) * 3, 3, 3);
  }
  page.body.append(canvas);
  setTimeout(() => canvas.remove(), showMs);
  // The second frame begins when the first is on its way to the screen.
  for (let frame = 0; frame < 2; frame += 1)
    await new Promise((resolve) => page.defaultView?.requestAnimationFrame(resolve));
  const { x, y } = canvas.getBoundingClientRect();
  const {
    screenX = 0,
    screenY = 0,
    outerWidth = 0,
    outerHeight = 0,
    innerWidth = 0,
    innerHeight = 0,
  } = page.defaultView ?? {};
  const scaled = (value: number) => Math.round(value * scale);
  return {
    x: scaled(screenX + (outerWidth - innerWidth) / 2 + x),
    y: scaled(screenY + outerHeight - innerHeight + y),
    width: 24,
    height: 24,
  };
}
