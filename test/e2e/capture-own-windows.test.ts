import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DaemonState } from '@deskhand/protocol';
import { probeCells } from '@deskhand/protocol';
import type { DaemonConnection } from '@deskhand/protocol/local-client';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { eventually, type RunningProgram, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

async function stateOf(panel: DaemonConnection): Promise<DaemonState> {
  return (await panel.request({ type: 'command', name: 'status' })) as DaemonState;
}

/** A page as the panel's is: one colour nothing else has, and the patch of a nonce when asked. */
const page = (
  nonce: string | null,
) => `<!doctype html><meta http-equiv=refresh content=0.2><title>Deskhand</title>
<body style="margin:0;background:rgb(200,0,120);overflow:hidden"><div style="position:absolute;left:20px;top:20px;width:24px;height:24px">
${
  nonce === null
    ? ''
    : probeCells(nonce)
        .map(
          (set, index) =>
            `<i style="position:absolute;left:${(index % 8) * 3}px;top:${Math.floor(index / 8) * 3}px;width:3px;height:3px;background:${set ? '#0f0' : '#f0f'}"></i>`,
        )
        .join('')
}</div></body>`;

const PANEL_COLOR = [200, 0, 120] as const;
const BORDER_COLOR = [0x4d, 0xa3, 0xff] as const;

async function pixelsLike(
  bytes: Uint8Array,
  [red, green, blue]: readonly [number, number, number],
): Promise<number> {
  const pixels = await sharp(bytes).removeAlpha().raw().toBuffer();
  let count = 0;
  for (let at = 0; at < pixels.length; at += 3)
    if (
      Math.abs((pixels[at] as number) - red) < 4 &&
      Math.abs((pixels[at + 1] as number) - green) < 4 &&
      Math.abs((pixels[at + 2] as number) - blue) < 4
    )
      count += 1;
  return count;
}

describe('[FRAME4] the panel in a browser, and guard’s border, through the whole daemon', () => {
  let desktop: XDesktop;
  let server: LinkServer;
  let daemon: DaemonProcess;
  let browser: RunningProgram;
  let panel: DaemonConnection;
  let folder: string;

  const showPage = (nonce: string | null) => writeFileSync(join(folder, 'panel.html'), page(nonce));
  const look = async () => {
    const { observation } = await server.observe({ frame: { maxSidePx: 4096, mimeType: 'image/png' } });
    const frame = observation?.frame;
    if (frame == null) throw new Error('no frame');
    return { frame, bytes: server.frames.get(frame.geometry.frameId) as Uint8Array };
  };
  const whole = async () => {
    const file = join(folder, 'judge.png');
    await desktop.ask('import', '-silent', '-window', 'root', file);
    return sharp(file).png().toBuffer();
  };

  beforeAll(async () => {
    desktop = await startXDesktop({ width: 1280, height: 800 });
    folder = mkdtempSync(join(tmpdir(), 'deskhand-panel-'));
    showPage(null);
    server = await LinkServer.start();
    await desktop.xterm('sh', '-c', 'seq 1 400; exec sleep 1000');
    daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
    browser = await desktop.chromium(
      `file://${folder}/panel.html`,
      `--app=file://${folder}/panel.html`,
      '--window-size=376,480',
      '--window-position=500,200',
    );
    panel = await daemon.local('panel');
    server.lease();
  });
  afterAll(async () => {
    await panel?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await desktop?.[Symbol.asyncDispose]();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('start with a proof of their own', async () => {
    expect((await stateOf(panel)).exclusion).toMatchObject({ strategy: 'compose', reason: null });
  });

  it('a panel that nobody vouches for is painted over where it says it is', async () => {
    const rects = [{ x: 500, y: 200, width: 376, height: 480 }];
    panel.send({ type: 'rects', seq: 1, rects });
    await eventually(async () =>
      expect(await pixelsLike(await whole(), PANEL_COLOR)).toBeGreaterThan(100_000),
    );
    await eventually(async () => {
      const { frame, bytes } = await look();
      expect(frame.exclusion).toBe('mask');
      expect(await pixelsLike(bytes, [128, 128, 128])).toBeGreaterThanOrEqual(376 * 480 - 1000);
    });
  });

  it('one that names its process is in no frame, and the frame shows what lies beneath', async () => {
    panel.onMessage((message) => {
      if (message.type !== 'probe') return;
      showPage(message.nonce);
      // The page looks at its file five times a second.
      const shown = {
        type: 'probe_shown',
        id: message.id,
        rect: { x: 520, y: 230, width: 24, height: 24 },
      } as const;
      setTimeout(() => panel.send(shown), 700);
    });
    panel.send({
      type: 'rects',
      seq: 2,
      rects: [{ x: 500, y: 200, width: 376, height: 480 }],
      pids: [browser.pid],
    });
    await eventually(async () => {
      const { frame, bytes } = await look();
      expect(frame.exclusion).toBe('compose');
      expect(await pixelsLike(bytes, PANEL_COLOR)).toBe(0);
      expect(await pixelsLike(bytes, [128, 128, 128])).toBeLessThan(1000);
    });
    expect(await pixelsLike(await whole(), PANEL_COLOR)).toBeGreaterThan(100_000);
    await eventually(async () =>
      expect((await stateOf(panel)).exclusion).toMatchObject({ strategy: 'compose', panelProven: true }),
    );
  });

  it('guard’s border is on the screen and in no frame', async () => {
    await eventually(async () => expect(await pixelsLike(await whole(), BORDER_COLOR)).toBeGreaterThan(2000));
    const { bytes, frame } = await look();
    expect(frame.exclusion).toBe('compose');
    expect(await pixelsLike(bytes, BORDER_COLOR)).toBeLessThan(50);
  });
});

describe('an X server without Composite', () => {
  it('[FRAME4] says so, and the panel is painted over', async () => {
    const x = spawn(
      'Xvfb',
      ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp', '-extension', 'Composite', '-ac'],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
    );
    const ended = once(x, 'exit');
    try {
      const [line] = (await once(x.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
      const env = { ...process.env, DISPLAY: `:${line.toString().trim()}`, XAUTHORITY: '/dev/null' };
      await using server = await LinkServer.start();
      await using daemon = await DaemonProcess.start({ server: server.url, env });
      await using panel = await daemon.local('panel');
      const { exclusion } = await stateOf(panel);
      expect(exclusion).toMatchObject({ strategy: 'mask', reason: expect.stringContaining('Composite') });
      panel.send({ type: 'rects', seq: 1, rects: [{ x: 100, y: 100, width: 50, height: 40 }] });
      server.lease();
      await eventually(async () => {
        const { observation } = await server.observe({ frame: { maxSidePx: 4096, mimeType: 'image/png' } });
        const frame = observation?.frame;
        expect(frame?.exclusion).toBe('mask');
        const bytes = server.frames.get(frame?.geometry.frameId ?? '') as Uint8Array;
        const [red, green, blue] = await sharp(bytes)
          .extract({ left: 120, top: 120, width: 1, height: 1 })
          .removeAlpha()
          .raw()
          .toBuffer();
        expect([red, green, blue]).toEqual([128, 128, 128]);
      });
    } finally {
      x.kill('SIGTERM');
      await ended;
    }
  });
});
