import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { RendererRole } from '../host/panel-host.ts';

/** A link that was shown to somebody is good this long. */
export const SHOWN_CODE_TTL_MS = 10 * 60_000;
const TICKET_TTL_MS = 30_000;
/** Old sessions go when a new one comes: two windows are the most there can be. */
const MAX_SESSIONS = 8;

export type Session = Readonly<{
  role: RendererRole;
  /** In an HttpOnly cookie. Browsers send cookies to every port of a host, so it is only half. */
  cookie: string;
  /** In the page's sessionStorage, which belongs to exactly one origin, port included. */
  key: string;
}>;

/**
 * Code → session → ticket. The code is in the link's fragment and good once; the session is cookie and key
 * together; a ticket opens one websocket. The role comes with the code, on this side.
 */
export class Credentials {
  readonly #nowMs: () => number;
  readonly #codes = new Map<string, { role: RendererRole; untilMs: number }>();
  readonly #sessions: Session[] = [];
  readonly #tickets = new Map<string, { session: Session; untilMs: number }>();

  /** @param nowMs monotonic milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param ttlMs `Infinity` for a code that only lies in a private file until it is used. */
  issueCode(role: RendererRole, ttlMs: number): string {
    const now = this.#nowMs();
    for (const [code, { untilMs }] of this.#codes) if (untilMs < now) this.#codes.delete(code);
    const code = secret();
    this.#codes.set(code, { role, untilMs: now + ttlMs });
    return code;
  }

  /** @returns the session, or null for a code that is wrong, used or too old. */
  redeemCode(code: string): Session | null {
    const entry = takeEqual(this.#codes, code);
    if (entry === null || entry.untilMs < this.#nowMs()) return null;
    const session: Session = { role: entry.role, cookie: secret(), key: secret() };
    this.#sessions.push(session);
    if (this.#sessions.length > MAX_SESSIONS) this.#sessions.shift();
    return session;
  }

  findSession(cookie: string | undefined, key: string | undefined): Session | null {
    if (cookie === undefined || key === undefined) return null;
    let found: Session | null = null;
    for (const session of this.#sessions) {
      const fits = equal(session.cookie, cookie);
      if (equal(session.key, key) && fits) found = session;
    }
    return found;
  }

  issueTicket(session: Session): string {
    const now = this.#nowMs();
    for (const [ticket, { untilMs }] of this.#tickets) if (untilMs < now) this.#tickets.delete(ticket);
    const ticket = secret();
    this.#tickets.set(ticket, { session, untilMs: now + TICKET_TTL_MS });
    return ticket;
  }

  /** @returns the role, or null for a ticket that is wrong, used, too old, or shown by another browser. */
  redeemTicket(ticket: string | undefined, cookie: string | undefined): RendererRole | null {
    if (ticket === undefined || cookie === undefined) return null;
    const entry = takeEqual(this.#tickets, ticket);
    if (entry === null || entry.untilMs < this.#nowMs()) return null;
    return equal(entry.session.cookie, cookie) ? entry.session.role : null;
  }
}

function secret(): string {
  return randomBytes(32).toString('hex');
}

function equal(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Removes and returns the entry whose key equals `candidate`; compares with all of them, in equal time. */
function takeEqual<T>(entries: Map<string, T>, candidate: string): T | null {
  let match: string | null = null;
  for (const key of entries.keys()) if (equal(key, candidate)) match = key;
  if (match === null) return null;
  const entry = entries.get(match) ?? null;
  entries.delete(match);
  return entry;
}
