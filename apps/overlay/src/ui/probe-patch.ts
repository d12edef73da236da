/**
 * Paints the patch of the exclusion self-test for a moment, over everything but STOP.
 * The cells are those of the protocol's `probeCells`, which this bundle is too small to import.
 * @returns where it is once it is on the screen: physical pixels of the desktop, as far as a page knows its window;
 *          good to a few of them.
 */
export async function showPatch(
  window: Window,
  { nonce, showMs }: Readonly<{ nonce: string; showMs: number }>,
): Promise<{ x: number; y: number; width: number; height: number }> {
  const { document, devicePixelRatio: scale, screenX, screenY } = window;
  const canvas = document.createElement('canvas');
  canvas.className = 'patch';
  canvas.width = canvas.height = 24;
  canvas.style.width = canvas.style.height = `${24 / scale}px`;
  const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
  const bits = BigInt(`0x${nonce}`);
  for (let cell = 0; cell < 64; cell += 1) {
    pen.fillStyle = (bits >> BigInt(63 - cell)) & 1n ? '#0f0' : '#f0f';
    pen.fillRect((cell % 8) * 3, (cell >> 3) * 3, 3, 3);
  }
  document.body.append(canvas);
  setTimeout(() => canvas.remove(), showMs);
  // The second frame begins when the first is on its way to the screen.
  for (let frame = 0; frame < 2; frame += 1)
    await new Promise((resolve) => window.requestAnimationFrame(resolve));
  const { x, y } = canvas.getBoundingClientRect();
  const { outerWidth, outerHeight, innerWidth, innerHeight } = window;
  const scaled = (value: number) => Math.round(value * scale);
  return {
    x: scaled(screenX + (outerWidth - innerWidth) / 2 + x),
    y: scaled(screenY + outerHeight - innerHeight + y),
    width: 24,
    height: 24,
  };
}
