import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnv, DESKHAND, logTails } from '../helpers/up-process.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

/** The first picture of README.md. `DESKHAND_UPDATE_IMAGES=1` makes it anew; look at it afterwards. */
const picture = fileURLToPath(new URL('../../docs/images/sample-run.png', import.meta.url));
const update = process.env.DESKHAND_UPDATE_IMAGES === '1';
const SIZE = { width: 1280, height: 800 };
/** Guard's blue: the border while the agent is in control, and the ring around its target. */
const BLUE = 0x4da3ff;
/** Round the red button. */
const YELLOW = 0xffd400;

/** `npm start` on a person's own desktop: what it does, what it shows meanwhile, what it says at the end. */
describe('the sample task on a desktop with a person before it', () => {
  let desktop: XDesktop;
  let dataFolder: string;
  let said = '';
  let code: number | null;
  /** What the person saw, in order, as another program photographed it. */
  const shots: Shot[] = [];

  beforeAll(async () => {
    desktop = await startXDesktop(SIZE);
    dataFolder = mkdtempSync(join(tmpdir(), 'deskhand-sample-'));
    const child = spawn(
      DESKHAND,
      ['up', '--demo', '--once', '--overlay', 'browser', '--port', '0', '--data', dataFolder],
      {
        // Longer than usual: a photograph takes a moment, too.
        env: cleanEnv({ ...desktop.environment, DESKHAND_TARGET_RING_MS: '700' }),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8');
      });
    let over = false;
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve)).finally(() => {
      over = true;
    });
    while (!over) await look();
    code = await ended;
  }, 240_000);
  afterAll(async () => {
    await desktop?.[Symbol.asyncDispose]();
    rmSync(dataFolder, { recursive: true, force: true });
  });

  it('is done and proven, and says where its steps can be looked at', () => {
    expect(code, `${said}${logTails(dataFolder)}`).toBe(0);
    expect(said).toContain('The sample task is done and proven');
    const page = /^Steps page\s+(\S+)$/m.exec(said)?.[1] ?? '';
    expect(statSync(page).size).toBeLessThan(6_000_000);
    // One wording, from what the screen showed, in the terminal and in the page of steps.
    expect(said).toMatch(/does +Click “Send order” in Chromium/);
    expect(readFileSync(page, 'utf8')).toContain('Click “Send order” in Chromium');
    expect(said).toMatch(/does +Press Ctrl\+Shift\+S in \w+/);
  });

  it('shows who is in control, where the agent acts next, and STOP above every window', () => {
    const driven = shots.filter(({ border }) => border);
    const ringed = driven.filter(({ ring }) => ring > 100);
    expect(driven.length).toBeGreaterThan(0);
    expect(ringed.length).toBeGreaterThan(0);
    // The first may be from before the panel has painted anything.
    const first = driven.findIndex(({ yellow }) => yellow > 0);
    const covered = driven.slice(first).filter(({ yellow }) => yellow < 0.9 * (ringed[0] as Shot).yellow);
    expect([first >= 0, covered.length]).toEqual([true, 0]);
    if (update) writeFileSync(picture, (ringed.at(-1) as Shot).png);
  });

  it('has no panel, no border and no ring in what the agent saw', async () => {
    const folder = join(dirname(/^Steps page\s+(\S+)$/m.exec(said)?.[1] ?? ''), 'screens');
    const frames = readdirSync(folder);
    expect(frames.length).toBeGreaterThan(5);
    for (const name of frames) {
      const seen = await colours(readFileSync(join(folder, name)), 24);
      expect([name, seen.count(YELLOW) < 50, seen.count(BLUE) < 50]).toEqual([name, true, true]);
    }
  });

  type Shot = Readonly<{ png: Buffer; border: boolean; ring: number; yellow: number }>;

  async function look(): Promise<void> {
    const file = join(desktop.folder, 'shot.png');
    try {
      await desktop.ask('import', '-silent', '-window', 'root', file);
    } catch {
      // Busy; there is always another moment.
      return;
    }
    const png = readFileSync(file);
    const seen = await colours(png, 0);
    shots.push({
      png,
      border: seen.at(400, 0) && seen.at(0, 400),
      ring: seen.count(BLUE, 10),
      yellow: seen.count(YELLOW),
    });
  }
});

/** Counts pixels that differ from a colour by at most `tolerance` in each channel. */
async function colours(image: Buffer, tolerance: number) {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const is = (offset: number, colour: number) =>
    Math.abs((data[offset] as number) - (colour >> 16)) <= tolerance &&
    Math.abs((data[offset + 1] as number) - ((colour >> 8) & 255)) <= tolerance &&
    Math.abs((data[offset + 2] as number) - (colour & 255)) <= tolerance;
  return {
    at: (x: number, y: number) => is((y * info.width + x) * 3, BLUE),
    /** @param margin pixels at the edges that don't count. */
    count(colour: number, margin = 0): number {
      let found = 0;
      for (let y = margin; y < info.height - margin; y += 1)
        for (let x = margin; x < info.width - margin; x += 1)
          if (is((y * info.width + x) * 3, colour)) found += 1;
      return found;
    },
  };
}
