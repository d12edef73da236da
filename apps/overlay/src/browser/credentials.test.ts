import { describe, expect, it } from 'vitest';
import { Credentials, SHOWN_CODE_TTL_MS } from './credentials.ts';

function credentials() {
  const clock = { nowMs: 0 };
  return { clock, credentials: new Credentials(() => clock.nowMs) };
}

describe('panel credentials', () => {
  it('gives the role that came with the code, whatever the window wishes', () => {
    const { credentials: c } = credentials();
    expect(c.redeemCode(c.issueCode('viewer', 1000))?.role).toBe('viewer');
  });

  it('lets a shown code grow old, and one in a private file not', () => {
    const { credentials: c, clock } = credentials();
    const shown = c.issueCode('controller', SHOWN_CODE_TTL_MS);
    const kept = c.issueCode('controller', Number.POSITIVE_INFINITY);
    clock.nowMs = SHOWN_CODE_TTL_MS + 1;
    expect(c.redeemCode(shown)).toBeNull();
    expect(c.redeemCode(kept)).not.toBeNull();
  });

  it('lets a ticket grow old', () => {
    const { credentials: c, clock } = credentials();
    const session = c.redeemCode(c.issueCode('controller', 1000));
    if (session === null) throw new Error('no session');
    const ticket = c.issueTicket(session);
    clock.nowMs = 31_000;
    expect(c.redeemTicket(ticket, session.cookie)).toBeNull();
  });

  it('forgets the oldest session when there are too many', () => {
    const { credentials: c } = credentials();
    const open = () => c.redeemCode(c.issueCode('controller', 1000));
    const first = open();
    for (let i = 0; i < 8; i += 1) open();
    expect(c.findSession(first?.cookie, first?.key)).toBeNull();
  });

  it('keeps the session of an open window, however many links are opened beside it', () => {
    const { credentials: c } = credentials();
    const open = () => c.redeemCode(c.issueCode('controller', 1000));
    const first = open();
    if (first === null) throw new Error('no session');
    const letGo = c.hold(first);
    for (let i = 0; i < 20; i += 1) open();
    expect(c.findSession(first.cookie, first.key)).toBe(first);
    letGo();
    open();
    expect(c.findSession(first.cookie, first.key)).toBeNull();
  });

  it('lets a browser keep its cookie with a second link, and tells its windows apart by their keys', () => {
    const { credentials: c } = credentials();
    const first = c.redeemCode(c.issueCode('controller', 1000));
    const second = c.redeemCode(c.issueCode('viewer', 1000), first?.cookie);
    expect(second?.cookie).toBe(first?.cookie);
    expect(c.findSession(first?.cookie, first?.key)?.role).toBe('controller');
    expect(c.findSession(first?.cookie, second?.key)?.role).toBe('viewer');
    expect(c.redeemCode(c.issueCode('viewer', 1000), 'made-up')?.cookie).not.toBe('made-up');
  });
});
