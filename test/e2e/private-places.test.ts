import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
beforeAll(async () => {
  desktop = await startXDesktop({ width: 1280, height: 800 });
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  server.lease();
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

it('[FRAME4] a window and a place that were marked private are in no picture, no words and no elements', async () => {
  const note = join(desktop.folder, 'salary.txt');
  writeFileSync(note, 'CONFIDENTIAL NUMBERS\n'.repeat(12));
  await desktop.mousepad(note);
  const look = async () => {
    const { observation } = await server.observe({
      frame: { maxSidePx: 4096, mimeType: 'image/png' },
      elements: true,
      ocr: true,
    });
    if (observation?.frame == null) throw new Error('no frame');
    const bytes = server.frames.get(observation.frame.geometry.frameId) as Uint8Array;
    return { observation, pixels: await sharp(bytes).removeAlpha().raw().toBuffer() };
  };
  const isGrey = (pixels: Buffer, x: number, y: number) =>
    pixels.subarray((y * 1280 + x) * 3, (y * 1280 + x) * 3 + 3).every((value) => value === 128);
  const open = await eventually(async () => {
    const seen = await look();
    expect(JSON.stringify(seen.observation.elements)).toContain('CONFIDENTIAL');
    return seen;
  }, 20_000);
  const window = open.observation.windows.find(({ title }) => title.includes('salary'));
  const { x, y, width, height } = window?.bounds ?? { x: 0, y: 0, width: 0, height: 0 };
  expect(isGrey(open.pixels, Math.round(x + width / 2), Math.round(y + height / 2))).toBe(false);

  const file = join(daemon.dataFolder, 'policy.json');
  const policy = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const marked = { windows: ['*salary*'], regions: [{ x: 2, y: 700, width: 40, height: 30 }] };
  writeFileSync(file, JSON.stringify({ ...policy, private: marked }));

  const { observation, pixels } = await look();
  for (const [across, down] of [
    [0.02, 0.02],
    [0.5, 0.5],
    [0.98, 0.98],
  ] as const)
    expect(isGrey(pixels, Math.floor(x + width * across), Math.floor(y + height * down))).toBe(true);
  expect(isGrey(pixels, 2, 700)).toBe(true);
  expect(isGrey(pixels, 41, 729)).toBe(true);
  expect(isGrey(pixels, 42, 729)).toBe(false);
  const said = JSON.stringify({ windows: observation.windows, elements: observation.elements });
  expect(said).not.toContain('CONFIDENTIAL');
  expect(said).not.toContain('salary');
});
