import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FromDaemon } from '@deskhand/protocol';
import type { DaemonConnection } from '@deskhand/protocol/local-client';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
let received: string;
let epoch = 0;

beforeAll(async () => {
  desktop = await startXDesktop();
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  received = join(desktop.folder, 'received');
  writeFileSync(received, '');
  await desktop.xterm('sh', '-c', `stty raw; exec cat > ${received}`);
});

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  epoch += 1;
  server.events.length = 0;
  server.personCommands.length = 0;
  server.lease({ epoch, leaseId: `lease-${epoch}`, runId: `run_${epoch}` });
});

/** A panel that keeps everything it is told. */
class Panel implements AsyncDisposable {
  readonly heard: FromDaemon[] = [];
  readonly connection: DaemonConnection;
  private constructor(connection: DaemonConnection) {
    this.connection = connection;
    connection.onMessage((message) => this.heard.push(message));
  }
  static async open(thumbnails = true): Promise<Panel> {
    const panel = new Panel(await daemon.local('panel'));
    panel.connection.send({ type: 'subscribe', thumbnails });
    return panel;
  }
  /** Waits for a message of this type that fits. */
  async hears<Type extends FromDaemon['type']>(
    type: Type,
    fits: (message: Extract<FromDaemon, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<FromDaemon, { type: Type }>> {
    return eventually(
      () => this.heard.find((message) => message.type === type && fits(message as never)) as never,
      { what: `a message ${type}` },
    );
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }
}

const narrate = (fields: Record<string, unknown> = {}) =>
  server.send({
    type: 'narrate',
    runId: `run_${epoch}`,
    status: 'running',
    step: 2,
    maxSteps: 9,
    costCents: 10,
    ...fields,
  });

describe('what a panel sees', () => {
  it('the whole state at once, then each step as it is told', async () => {
    await using panel = await Panel.open();
    const state = await panel.hears('state', (found) => found.run?.id === `run_${epoch}`);
    expect(state).toMatchObject({
      control: 'armed',
      machineId: 'machine-under-test',
      stopHotkey: { chord: 'Ctrl+Alt+Shift+Esc', armed: true },
      server: { connected: true },
      overlay: { connected: true },
      guardAlive: true,
      run: { task: 'a task', maxSteps: 9 },
    });
    narrate({ action: 'type 3 characters', thought: 'Because.', outcome: 'confirmed' });
    expect(await panel.hears('step')).toMatchObject({
      step: 2,
      action: 'type 3 characters',
      thought: 'Because.',
      outcome: 'confirmed',
    });
    await panel.hears('state', (found) => found.run?.step === 2 && found.run.costCents === 10);
  });

  it('a small picture of what the engine saw, with the place of the next action in it', async () => {
    await using panel = await Panel.open();
    const { observation } = await server.observe();
    const { jpegBase64, width, height } = await panel.hears('thumbnail');
    expect(await sharp(Buffer.from(jpegBase64, 'base64')).metadata()).toMatchObject({
      format: 'jpeg',
      width,
      height,
    });
    expect(width).toBeLessThanOrEqual(320);
    expect(height).toBeLessThanOrEqual(180);
    await server.act([{ type: 'move', point: { x: 640, y: 400 } }], {
      frameId: observation?.frame?.geometry.frameId,
      observe: {},
    });
    const shown = await panel.hears('thumbnail', ({ target }) => target !== null);
    // Before anything is done: the picture is still the one from before the action.
    expect(shown.jpegBase64).toBe(jpegBase64);
    expect(shown.target?.x).toBeCloseTo(width / 2, 0);
    expect(shown.target?.y).toBeCloseTo(height / 2, 0);
  });

  it('no pictures unless it asks', async () => {
    await using panel = await Panel.open(false);
    await server.observe();
    await panel.hears('state');
    expect(panel.heard.map(({ type }) => type)).not.toContain('thumbnail');
  });
});

describe('what a person says there', () => {
  it('pause and hand back reach the server as such, with the note first', async () => {
    await using panel = await Panel.open();
    await panel.connection.request({ type: 'command', name: 'takeover' });
    await eventually(() => server.events.at(-1)?.event === 'person_took_over', { what: 'the event' });
    expect(server.events.at(-1)).toMatchObject({
      control: 'paused',
      reason: expect.stringContaining('took'),
    });
    const outcome = await server.act([{ type: 'type_text', text: 'x' }]);
    expect(outcome).toMatchObject({ outcomes: [{ status: 'refused', code: 'PAUSED' }] });
    // By a terminal: nobody's hand is on this desktop, so that the panel's word would not do.
    await using terminal = await daemon.local('cli');
    await terminal.request({ type: 'command', name: 'hand_back', note: 'the second one' });
    await eventually(() => server.events.at(-1)?.event === 'resumed', { what: 'the event' });
    expect(server.personCommands).toEqual([
      expect.objectContaining({ command: 'resume', runId: `run_${epoch}`, note: 'the second one' }),
    ]);
  });

  it('answers a question of the run without any pause', async () => {
    await using panel = await Panel.open();
    narrate({ status: 'awaiting_human', awaitingReason: 'Which one?' });
    await panel.hears('state', (found) => found.run?.awaitingReason === 'Which one?');
    await using terminal = await daemon.local('cli');
    await terminal.request({ type: 'command', name: 'resume', note: 'that one' });
    await eventually(() => server.personCommands.length === 1, { what: 'the answer' });
    expect(server.personCommands[0]).toMatchObject({ command: 'resume', note: 'that one' });
    expect(server.events).toEqual([]);
  });

  it('cancel names the run that drives', async () => {
    await using panel = await Panel.open();
    await panel.hears('state', (found) => found.run !== null);
    await panel.connection.request({ type: 'command', name: 'cancel' });
    await eventually(() => server.personCommands[0]?.command === 'cancel', { what: 'the command' });
  });
});

describe('a panel that dies in the middle of a run', () => {
  it('leaves the desktop to the person after five seconds; one that comes back at once changes nothing', async () => {
    const panel = await Panel.open();
    await panel.hears('state', (found) => found.run?.id === `run_${epoch}`);
    await panel[Symbol.asyncDispose]();
    await using again = await Panel.open();
    await again.hears('state', (found) => found.overlay.connected);
    expect(server.events).toEqual([]);
    await again[Symbol.asyncDispose]();
    await eventually(() => server.events.at(-1)?.event === 'person_took_over', {
      what: 'the pause',
      timeoutMs: 30_000,
    });
    expect(server.events.at(-1)).toMatchObject({
      control: 'paused',
      reason: expect.stringContaining('panel'),
    });
    expect(await server.act([{ type: 'type_text', text: 'x' }])).toMatchObject({
      outcomes: [{ status: 'refused', code: 'PAUSED' }],
    });
    await using terminal = await daemon.local('cli');
    await terminal.request({ type: 'command', name: 'hand_back' });
    await eventually(() => server.events.at(-1)?.event === 'resumed', { what: 'the end of the pause' });
  });
});

describe('the panel’s own place', () => {
  it('an action under it waits until it has stepped aside, and is refused when it does not', async () => {
    await using panel = await Panel.open();
    const there = { x: 600, y: 300, width: 200, height: 200 };
    const { observation } = await server.observe();
    const fields = { frameId: observation?.frame?.geometry.frameId };
    const click = [{ type: 'click' as const, point: { x: 700, y: 400 } }];

    panel.connection.send({ type: 'rects', seq: 1, rects: [there] });
    await panel.connection.request({ type: 'command', name: 'status' });
    expect(await server.act(click, fields)).toMatchObject({
      outcomes: [{ status: 'refused', code: 'POLICY_DENIED', result: { rule: 'own_window' } }],
    });

    panel.connection.onMessage((message) => {
      if (message.type === 'dodge')
        panel.connection.send({ type: 'rects', id: message.id, seq: 2, rects: [{ ...there, x: 0, y: 0 }] });
    });
    const reply = await server.act(click, fields);
    expect(reply.type === 'result' && reply.outcomes[0]?.status).not.toBe('refused');
    // And it is never in the picture: what it covers is painted over.
    const second = await server.observe();
    expect(second.observation?.frame?.exclusion).toBe('mask');
  });
});

describe('the window in front', () => {
  it('is brought back after a person pressed something on the panel', async () => {
    await using panel = await Panel.open();
    const observed = await server.observe();
    const work = observed.observation?.activeWindowId;
    const own = await desktop.startWindow(
      'xterm',
      ['-title', 'Paused – Deskhand', '-geometry', '40x10+700+300'],
      ['--name', 'Paused – Deskhand'],
    );
    await eventually(async () =>
      (await desktop.ask('xdotool', 'getactivewindow', 'getwindowname')).includes('Deskhand'),
    );
    panel.connection.send({ type: 'rects', seq: 1, rects: [{ x: 690, y: 270, width: 400, height: 260 }] });
    await panel.connection.request({ type: 'command', name: 'takeover' });
    await using terminal = await daemon.local('cli');
    await terminal.request({ type: 'command', name: 'hand_back' });
    const { observation } = await server.observe();
    expect(observation?.activeWindowId).toBe(work);
    await own.close();
  });
});

describe('the window that gets the input', () => {
  let stolen: string;
  const openThief = () =>
    desktop.startWindow(
      'xterm',
      ['-title', 'thief', '-e', 'sh', '-c', `stty raw; exec cat > ${stolen}`],
      ['--name', '^thief$'],
    );

  beforeEach(() => {
    const policyFile = join(daemon.dataFolder, 'policy.json');
    const policy = JSON.parse(readFileSync(policyFile, 'utf8'));
    policy.titles.rules = [{ match: 'thief*', verdict: 'deny' }];
    writeFileSync(policyFile, JSON.stringify(policy));
    stolen = join(desktop.folder, 'stolen');
    writeFileSync(stolen, '');
  });

  it('[POL] is the one that has the focus at that moment: a thief gets nothing', async () => {
    const before = readFileSync(received, 'utf8');
    const thief = await openThief();
    await eventually(async () =>
      (await desktop.ask('xdotool', 'getactivewindow', 'getwindowname')).includes('thief'),
    );
    const reply = await server.act([{ type: 'type_text', text: 'meant for another' }]);
    expect(reply).toMatchObject({ outcomes: [{ status: 'refused', code: 'POLICY_DENIED' }] });
    await thief.close();
    expect(readFileSync(stolen, 'utf8')).toBe('');
    expect(readFileSync(received, 'utf8')).toBe(before);
  });

  it('[POL] that steals the focus in the middle of a text ends the text', async () => {
    const before = readFileSync(received, 'utf8').length;
    // The thief of the test before may still be going, and the focus with it.
    await eventually(
      async () => !(await desktop.ask('xdotool', 'getactivewindow', 'getwindowname')).includes('thief'),
      {
        what: 'the focus to be back',
      },
    );
    const reply = server.act([{ type: 'type_text', text: 'q'.repeat(20_000) }]);
    await eventually(() => readFileSync(received, 'utf8').length > before + 50, {
      what: 'typing',
      everyMs: 5,
    });
    const thief = await openThief();
    expect(await reply).toMatchObject({ outcomes: [{ status: 'failed', code: 'POLICY_DENIED' }] });
    expect(readFileSync(stolen, 'utf8')).toBe('');
    await thief.close();
    expect(readFileSync(received, 'utf8').length).toBeLessThan(before + 20_000);
  });
});
