import { EventEmitter } from 'node:events';
import { silentLogger } from '@deskhand/base';
import type { Hello } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { LinkConnection, LinkCutError } from './link-connection.ts';

describe('a link', () => {
  it('in its closing handshake is not open: who asks again must wait for the next, not ask for ever', async () => {
    const socket = Object.assign(new EventEmitter(), { OPEN: 1, CLOSING: 2, readyState: 1, send: () => {} });
    const connection = new LinkConnection({
      socket: socket as unknown as WebSocket,
      hello: { control: 'armed', latch: { tripped: false } } as unknown as Hello,
      machineId: 'm' as LinkConnection['machineId'],
      listener: { desktopEvent() {}, personCommand() {}, closed() {} },
      log: silentLogger,
    });
    expect(connection.isOpen).toBe(true);
    socket.readyState = socket.CLOSING;
    expect(connection.isOpen).toBe(false);
    const asked = connection.request({ type: 'ping', id: 'c' } as never, {
      signal: new AbortController().signal,
    });
    await expect(asked).rejects.toBeInstanceOf(LinkCutError);
  });
});
