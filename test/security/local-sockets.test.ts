import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FromDaemon } from '@deskhand/protocol';
import { connectToDaemon, connectToGuard, readLocalToken } from '@deskhand/protocol/local-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
let token: string;

beforeAll(async () => {
  desktop = await startXDesktop();
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  token = readLocalToken(daemon.runtime.tokenFile);
});

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

describe('what lies on the disk', () => {
  it('is this user’s alone', () => {
    const mode = (path: string) => statSync(path).mode & 0o777;
    const { dir, guardSocket, daemonSocket, tokenFile } = daemon.runtime;
    expect(mode(dir)).toBe(0o700);
    expect(mode(tokenFile)).toBe(0o600);
    expect(mode(guardSocket)).toBe(0o600);
    expect(mode(daemonSocket)).toBe(0o600);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
  });

  it.runIf(process.getuid?.() === 0)('another user can neither read the token nor reach a socket', () => {
    const asNobody = (...command: string[]) =>
      spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...command]).status;
    expect(asNobody('true')).toBe(0);
    expect(asNobody('cat', daemon.runtime.tokenFile)).not.toBe(0);
    const dial = `require('net').connect(${JSON.stringify(daemon.runtime.guardSocket)}).on('connect',()=>process.exit(0)).on('error',()=>process.exit(9))`;
    expect(asNobody(process.execPath, '-e', dial)).toBe(9);
  });

  it('no process of ours listens on the network', () => {
    const pids = [daemon.pid, ...daemon.family().map(({ pid }) => pid)];
    const sockets = execFileSync('sh', ['-c', 'cat /proc/net/tcp /proc/net/tcp6'], { encoding: 'utf8' });
    const listening = new Set(
      sockets
        .split('\n')
        .filter((line) => / 0A /.test(line))
        .map((line) => line.trim().split(/\s+/)[9]),
    );
    for (const pid of pids) {
      const links = execFileSync('sh', ['-c', `ls -l /proc/${pid}/fd 2>/dev/null || true`], {
        encoding: 'utf8',
      });
      for (const [, inode] of links.matchAll(/socket:\[(\d+)\]/g)) expect(listening.has(inode)).toBe(false);
    }
  });

  it('no token is in an environment or a command line', () => {
    for (const { pid } of [{ pid: daemon.pid }, ...daemon.family()]) {
      const seen = `${readFileSync(`/proc/${pid}/environ`, 'latin1')}${readFileSync(`/proc/${pid}/cmdline`, 'latin1')}`;
      expect(seen).not.toContain(token);
    }
  });
});

describe.each<[name: string, path: () => string]>([
  ['guard socket', () => daemon.runtime.guardSocket],
  ['daemon socket', () => daemon.runtime.daemonSocket],
])('%s', (_name, path) => {
  const attach = (fields: Record<string, unknown> = {}) =>
    `${JSON.stringify({ type: 'attach', protocolVersion: 1, role: 'cli', token, pid: 1234, ...fields })}\n`;

  it.each<[what: string, line: () => string, code: string]>([
    ['a wrong token', () => attach({ token: '0'.repeat(64) }), 'MACHINE_TOKEN_INVALID'],
    ['a token of another length', () => attach({ token: token.slice(0, 40) }), 'MACHINE_TOKEN_INVALID'],
    ['the role of hands with a person’s token', () => attach({ role: 'hands' }), 'MACHINE_TOKEN_INVALID'],
    [
      'the role of the daemon with a person’s token',
      () => attach({ role: 'daemon' }),
      'MACHINE_TOKEN_INVALID',
    ],
    ['an unknown role', () => attach({ role: 'root' }), 'MALFORMED_MESSAGE'],
    ['another version', () => attach({ protocolVersion: 99 }), 'PROTOCOL_VERSION'],
    ['a command before attach', () => '{"type":"status","id":"1"}\n', 'MALFORMED_MESSAGE'],
    ['no JSON', () => 'GET / HTTP/1.1\r\n', 'MALFORMED_MESSAGE'],
    ['deep nesting', () => `${'['.repeat(5000)}\n`, 'MESSAGE_TOO_LARGE'],
    ['bytes that are not UTF-8', () => '\xff\xfe\n', 'MALFORMED_MESSAGE'],
  ])('refuses %s and closes', async (_what, line, code) => {
    const peer = await dial(path());
    peer.socket.write(Buffer.from(line(), 'latin1'));
    const [refusal] = await peer.lines(1);
    expect(refusal).toMatchObject({ type: 'refused', code });
    expect(JSON.stringify(refusal)).not.toContain(token);
    await peer.closed;
  });

  it('closes one that sends a line without an end', async () => {
    const peer = await dial(path());
    peer.socket.write(attach());
    await peer.lines(1);
    peer.socket.write('x'.repeat(1_100_000));
    await peer.closed;
    await stillWorks();
  });

  it('closes one that says nothing', async () => {
    const peer = await dial(path());
    await peer.closed;
  });

  it('survives 500 malformed messages, refusing each, and a flood, ending it', async () => {
    const peer = await dial(path());
    peer.socket.write(attach());
    await peer.lines(1);
    for (let count = 0; count < 400; count += 1) peer.socket.write(`{"type":"stop","id":${count},"by":{}}\n`);
    const refusals = (await peer.lines(401)).filter((line) => line.type === 'refused');
    expect(refusals.length).toBeGreaterThanOrEqual(400);
    for (let count = 0; count < 2000; count += 1) peer.socket.write('{"type":"what"}\n');
    await peer.closed;
    await stillWorks();
    expect((await status()).control).toBe('armed');
  });
});

describe('programs of another age', () => {
  it('[LOCAL9] skip messages they do not know, and keep the line', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'deskhand-local-')), 'newer.sock');
    const newer = createServer((socket) => {
      socket.once('data', () => {
        socket.write('{"type":"attached","protocolVersion":1,"pid":2,"more":true}\n');
        socket.once('data', () => {
          socket.write('{"type":"hologram","id":"7","deep":{"er":[1]}}\n');
          socket.write(
            '{"type":"step","runId":"r","step":1,"at":"2026-03-14T14:03:00.000Z","mood":"good"}\n',
          );
        });
      });
    });
    await new Promise<void>((resolve) => newer.listen(file, resolve));
    try {
      await using panel = await connectToDaemon({ path: file, token, role: 'panel' });
      const heard: FromDaemon[] = [];
      panel.onMessage((message) => heard.push(message));
      panel.send({ type: 'subscribe', thumbnails: false });
      await eventually(() => heard.length === 1, { what: 'the message it knows' });
      expect(heard[0]).toMatchObject({ type: 'step', step: 1 });
      expect(panel.closed).toBe(false);
    } finally {
      newer.close();
      rmSync(dirname(file), { recursive: true, force: true });
    }
  });
});

describe('rights', () => {
  it('[KILL] a person’s tool cannot pretend to be the daemon’s heartbeat', async () => {
    await using person = await daemon.guard('cli');
    person.send({ type: 'heartbeat', driving: true });
    // A refusal without an id belongs to no request, so the client gives the connection up with it.
    await expect(person.request({ type: 'status' })).rejects.toMatchObject({ code: 'INSUFFICIENT_SCOPE' });
    expect(await status()).toMatchObject({ guardAlive: true, control: 'armed' });
  });

  it('[KILL] every role may stop; resetting permits and starts nothing', async () => {
    await using panel = await daemon.guard('panel');
    await panel.request({ type: 'stop', by: 'panel', reason: 'because' });
    await eventually(async () => (await status()).control === 'stopped', { what: 'a stopped desktop' });
    expect(await status()).toMatchObject({ latch: { tripped: true, by: 'panel', reason: 'because' } });
    await using local = await daemon.local('cli');
    await local.request({ type: 'command', name: 'reset' });
    await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
    expect((await status()).run).toBeNull();
  });

  it('[KILL] stop, pause and resume by the daemon’s socket; commands about no run are refused', async () => {
    await using local = await daemon.local('panel');
    await local.request({ type: 'command', name: 'takeover' });
    expect(await status()).toMatchObject({ control: 'paused', pauseKind: 'takeover' });
    // Nobody sits at this desktop: a panel alone gives nothing back. See presence.test.ts.
    const noHand = { code: 'INSUFFICIENT_SCOPE' };
    await expect(local.request({ type: 'command', name: 'hand_back' })).rejects.toMatchObject(noHand);
    await using terminal = await daemon.local('cli');
    await terminal.request({ type: 'command', name: 'hand_back' });
    expect((await status()).control).toBe('armed');
    await local.request({ type: 'command', name: 'stop', note: 'enough' });
    expect(await status()).toMatchObject({ control: 'stopped', latch: { by: 'panel', reason: 'enough' } });
    await expect(local.request({ type: 'command', name: 'reset' })).rejects.toMatchObject(noHand);
    await terminal.request({ type: 'command', name: 'reset' });
    await expect(local.request({ type: 'command', name: 'cancel' })).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    });
  });

  it('[KILL] a latch file written by hand stops, too, and removing it does not reset', async () => {
    const { writeFileSync, rmSync, existsSync } = await import('node:fs');
    const { latchFile } = daemon.runtime;
    writeFileSync(latchFile, 'stop!');
    await eventually(async () => (await status()).control === 'stopped', {
      timeoutMs: 1000,
      what: 'stopped',
    });
    rmSync(latchFile);
    await eventually(() => existsSync(latchFile), { what: 'the latch file again' });
    expect((await status()).control).toBe('stopped');
    await using guard = await daemon.guard();
    await guard.request({ type: 'reset', by: 'cli' });
    await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
    expect(existsSync(latchFile)).toBe(false);
  });

  it('a token of an earlier start is worth nothing', async () => {
    const options = { token: 'f'.repeat(64), role: 'cli' as const };
    await expect(connectToGuard({ path: daemon.runtime.guardSocket, ...options })).rejects.toMatchObject({
      code: 'MACHINE_TOKEN_INVALID',
    });
    await expect(connectToDaemon({ path: daemon.runtime.daemonSocket, ...options })).rejects.toMatchObject({
      code: 'MACHINE_TOKEN_INVALID',
    });
  });
});

async function status() {
  await using local = await daemon.local();
  const state = await local.request({ type: 'command', name: 'status' });
  if (state.type !== 'state') throw new Error(`status was answered with ${state.type}`);
  return state;
}

async function stillWorks(): Promise<void> {
  expect((await status()).guardAlive).toBe(true);
  await using guard = await daemon.guard();
  expect(await guard.request({ type: 'status' })).toMatchObject({ type: 'guard_state', daemonAlive: true });
}

async function dial(path: string) {
  const socket: Socket = connect(path);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.removeAllListeners('error').on('error', () => {});
  const received: Array<Record<string, unknown>> = [];
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('utf8');
    const parts = text.split('\n');
    text = parts.pop() ?? '';
    for (const part of parts) received.push(JSON.parse(part));
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    socket,
    closed,
    lines: (count: number) =>
      eventually(() => received.length >= count && received, { what: `${count} lines` }),
  };
}
