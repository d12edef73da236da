import { type Logger, randomHex } from '@deskhand/base';
import type { ExclusionState, SenseCheck } from '@deskhand/protocol';
import { FrameEncoder, layoutIdOf, primaryDisplay } from '../capture/index.ts';
import { pictureOfText } from '../capture/text-picture.ts';
import type { DesktopSenses } from '../desktop/desktop-senses.ts';
import type { DisplayServer } from '../display-server.ts';
import type { RawImage } from '../ports.ts';
import { check, since, type Trial } from './check.ts';
import { examineX11Input } from './x11-input-checks.ts';

export type ExamineOptions = Readonly<{
  senses: DesktopSenses;
  server: DisplayServer;
  exclusion: ExclusionState;
  /** What hands use; null when no hands run now. */
  inputBackend: string | null;
  log: Logger;
  signal: AbortSignal;
}>;

const LONGEST_SIDE_PX = 1280;
const SLOW_CAPTURE_MS = 150;
const SLOW_READING_MS = 1000;
const SLOW_TREE_MS = 1000;
const SETTLE = { floorMs: 0, quietMs: 120, ceilingMs: 2000 } as const;

/**
 * Tries eyes and hands as a run would use them: one check each, with what it took and the one thing to do. Nothing is
 * clicked, typed, moved or stored.
 */
export async function examineSenses(options: ExamineOptions): Promise<SenseCheck[]> {
  const { senses, signal } = options;
  // One after another: they share two cores with whatever they are compared with later.
  const checks = [
    await displays(senses),
    await capture(senses),
    await overlay(options.exclusion),
    ...(await input(options)),
    await settle(senses),
    await accessibility(senses),
    await reading(senses),
  ];
  signal.throwIfAborted();
  return checks;
}

function displays({ capture }: DesktopSenses): Promise<SenseCheck> {
  return check('displays', 'Switch a monitor on, or use `deskhand up --virtual`.', async () => {
    const found = await capture.displays();
    if (found.length === 0) throw new Error('no display is lit');
    const words = found.map(
      ({ name, bounds: { x, y, width, height }, scale, primary }) =>
        `${name} ${width}x${height}${found.length > 1 ? ` at ${x}, ${y}` : ''}${scale === 1 ? '' : `, scale ${scale}`}${primary && found.length > 1 ? ', primary' : ''}`,
    );
    return { state: 'ok', detail: words.join('; ') };
  });
}

function capture({ capture: eyes }: DesktopSenses): Promise<SenseCheck> {
  const todo = 'Unlock the screen and look into logs/daemon.log in the data folder.';
  return check('capture', todo, async (signal): Promise<Trial> => {
    const all = await eyes.displays();
    const display = primaryDisplay(all);
    if (display === undefined) throw new Error('no display is lit');
    const encoder = new FrameEncoder();
    const take = async () => {
      const startedMs = performance.now();
      const image = await eyes.grab(display.bounds, { signal });
      const black = isBlack(image);
      const { bytes, frame } = await encoder.encode(image, {
        region: display.bounds,
        display,
        layoutId: layoutIdOf(all),
        maxSidePx: LONGEST_SIDE_PX,
        mimeType: 'image/jpeg',
        capturedAt: new Date(),
      });
      return { ms: since(startedMs), black, bytes: bytes.length, size: frame.geometry.image };
    };
    // The first one makes buffers and loads the encoder.
    await take();
    const { ms, black, bytes, size } = await take();
    const detail = `${eyes.name}: ${display.bounds.width}x${display.bounds.height} → JPEG ${size.width}x${size.height}, ${Math.round(bytes / 1024)} KB`;
    if (black) return { state: 'warn', detail: `${detail}; the picture is all black`, ms, todo: ALL_BLACK };
    if (ms > SLOW_CAPTURE_MS)
      return {
        state: 'warn',
        detail,
        ms,
        todo: 'The machine is very busy, or shared memory cannot be used.',
      };
    return { state: 'ok', detail, ms };
  });
}

const ALL_BLACK = 'Is the screen locked, off, or not allowed to be recorded?';

function isBlack(image: RawImage): boolean {
  const step = image.format === 'bgrx' ? 4 : 3;
  const { pixels } = image;
  for (let at = 0; at < pixels.length; at += step)
    if (pixels[at] !== 0 || pixels[at + 1] !== 0 || pixels[at + 2] !== 0) return false;
  return true;
}

/** The self-test's own word; running it again would flash its patch on the person's screen. */
async function overlay({ strategy, reason, tookMs }: ExclusionState): Promise<SenseCheck> {
  const name = 'own windows';
  const ms = tookMs ?? null;
  if (strategy !== 'mask') return { name, state: 'ok', detail: `left out of pictures (${strategy})`, ms };
  return {
    name,
    state: 'warn',
    detail: `painted over in pictures. ${reason ?? ''}`.trim(),
    ms,
    todo: 'Keep the panel off the windows the agent works in, or use an X server with Composite.',
  };
}

async function input({ server, inputBackend, log }: ExamineOptions): Promise<SenseCheck[]> {
  if (server.kind === 'x11') return examineX11Input({ display: server.display, inputBackend, log });
  if (server.kind === 'wlroots') return examineWlrootsInput(server, inputBackend, log);
  if (server.kind === 'portal') return portalInput(inputBackend);
  const backend = inputBackend ?? 'nut-js';
  const detail = `${backend}: nothing is tried without a run`;
  const unproven = { state: 'warn' as const, detail, ms: null, notRun: true, todo: UNPROVEN };
  return [
    { name: 'input', ...unproven },
    { name: 'typing', ...unproven },
  ];
}

/** Asking the portal would ask the person. */
function portalInput(inputBackend: string | null): SenseCheck[] {
  const name = 'portal-remote-desktop';
  const shared = inputBackend === name;
  return [
    shared
      ? { name: 'input', state: 'ok', detail: `${name}: pointer and keyboard are shared`, ms: null }
      : {
          name: 'input',
          state: 'warn',
          detail: `${name}: pointer and keyboard are not shared yet`,
          ms: null,
          todo: 'Start `deskhand up` and answer the desktop’s question; on GNOME turn on “Allow remote interaction”.',
        },
    {
      name: 'typing',
      state: 'warn',
      detail: `${name}: ASCII, as far as the keyboard layout in use has it`,
      ms: null,
      todo: 'Lend a virtual desktop (--virtual) or an Xorg session where other text is to be typed.',
    },
  ];
}

/** Opens the devices, and presses and moves nothing with them. */
async function examineWlrootsInput(
  { socket }: { socket: string },
  inputBackend: string | null,
  log: Logger,
): Promise<SenseCheck[]> {
  const backend = inputBackend ?? 'wlr-virtual-input';
  return [
    await check('input', 'Use a compositor with wlr-virtual-pointer and virtual-keyboard.', async () => {
      const { openWaylandInputBackend } = await import('../input/wayland-input-backend.ts');
      await using _hands = await openWaylandInputBackend({ socket, log });
      return { state: 'ok', detail: `${backend}: the compositor gives pointer and keyboard` };
    }),
    {
      name: 'typing',
      state: 'ok',
      detail: `${backend}: a keymap of its own for each text, so all of Unicode`,
      ms: null,
    },
  ];
}

const UNPROVEN = 'NOT RUN on this system by its makers: watch the first run closely, the stop key at hand.';

function settle({ activity }: DesktopSenses): Promise<SenseCheck> {
  return check('settle', 'Look into logs/daemon.log in the data folder.', async (signal): Promise<Trial> => {
    activity.mark();
    const { reason, settledMs } = await activity.settle(SETTLE, { signal });
    const ms = Math.round(settledMs);
    if (reason === 'ceiling')
      return {
        state: 'warn',
        detail: `the screen did not come to rest within ${SETTLE.ceilingMs} ms`,
        ms,
        todo: 'Something large moves all the time (a film?): steps take longer while it does.',
      };
    return { state: 'ok', detail: `the screen came to rest (${reason})`, ms };
  });
}

function accessibility({ elements: tree, windows }: DesktopSenses): Promise<SenseCheck> {
  const todo = 'sudo apt-get install -y --no-install-recommends at-spi2-core dbus-x11   (or: npm run setup)';
  return check('accessibility', todo, async (signal): Promise<Trial> => {
    if (tree === null || tree.name === 'none')
      return { state: 'warn', detail: 'no tree: only pixels and words can be read', ms: null, todo };
    const active = await windows.activeWindow().catch(() => null);
    const startedMs = performance.now();
    const found = await tree.elements(active, { signal });
    const ms = since(startedMs);
    const where = active === null ? 'no window is active' : `${found.length} elements in the active window`;
    if (active !== null && found.length === 0)
      return {
        state: 'warn',
        detail: `${tree.name}: the active window tells nothing about itself`,
        ms,
        todo: 'Some programs (terminals, games) never do; others must be started after accessibility was turned on.',
      };
    if (ms > SLOW_TREE_MS)
      return {
        state: 'warn',
        detail: `${tree.name}: ${where}`,
        ms,
        todo: 'That window is very large or busy.',
      };
    return { state: 'ok', detail: `${tree.name}: ${where}`, ms };
  });
}

function reading({ words }: DesktopSenses): Promise<SenseCheck> {
  const todo =
    'sudo apt-get install -y --no-install-recommends tesseract-ocr tesseract-ocr-eng fonts-dejavu-core   (or: npm run setup)';
  return check('reading text', todo, async (signal): Promise<Trial> => {
    if (words === null) return { state: 'warn', detail: 'no reader', ms: null, todo };
    // Numbers nobody has read before: a remembered answer would prove nothing.
    const [first, second] = [randomDigits(), randomDigits()];
    await words.read(await pictureOfText(`Order ${first}`), { signal });
    const startedMs = performance.now();
    const found = await words.read(await pictureOfText(`Invoice ${second} is paid`), { signal });
    const ms = since(startedMs);
    const text = found.map(({ name }) => name).join(' ');
    if (!text.includes(second) || !text.includes('Invoice'))
      return { state: 'warn', detail: `${words.name} misread the test picture`, ms, todo };
    if (ms > SLOW_READING_MS) return { state: 'warn', detail: `${words.name} reads, slowly`, ms, todo };
    return { state: 'ok', detail: `${words.name} reads the test picture`, ms };
  });
}

/** Without 0 and 1, which look like letters. */
function randomDigits(): string {
  return [...randomHex(6)].map((digit) => String(2 + (Number.parseInt(digit, 16) % 8))).join('');
}
