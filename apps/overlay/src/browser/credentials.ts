import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { RendererRole } from '../host/panel-host.ts';

/** A link that was shown to somebody is good this long. */
export const SHOWN_CODE_TTL_MS = 10 * 60_000;
const TICKET_TTL_MS = 30_000;
/** The oldest session without an open window goes when a new one comes. */
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
  /** Sessions whose window is open; its second way for STOP must not end because others opened a link. */
  readonly #held = new Set<{ session: Session }>();
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

  /**
   * @param cookie what the browser has from an earlier link. It keeps it: a browser has one for all its windows, and
   * a new one would shut out the window that is open.
   * @returns the session, or null for a code that is wrong, used or too old.
   */
  redeemCode(code: string, cookie?: string): Session | null {
    const entry = takeEqual(this.#codes, code);
    if (entry === null || entry.untilMs < this.#nowMs()) return null;
    let known: string | undefined;
    for (const session of this.#sessions)
      if (cookie !== undefined && equal(session.cookie, cookie)) known = session.cookie;
    const session: Session = { role: entry.role, cookie: known ?? secret(), key: secret() };
    this.#sessions.push(session);
    if (this.#sessions.length > MAX_SESSIONS) {
      const open = new Set([...this.#held].map((hold) => hold.session));
      const oldest = this.#sessions.findIndex((each) => !open.has(each));
      this.#sessions.splice(oldest, 1);
    }
    return session;
  }

  /** Keeps a session while its window is open, counted by socket: a new one may come before the old has closed. */
  hold(session: Session): () => void {
    const hold = { session };
    this.#held.add(hold);
    return () => this.#held.delete(hold);
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

  /** @returns its session, or null for a ticket that is wrong, used, too old, or shown by another browser. */
  redeemTicket(ticket: string | undefined, cookie: string | undefined): Session | null {
    if (ticket === undefined || cookie === undefined) return null;
    const entry = takeEqual(this.#tickets, ticket);
    if (entry === null || entry.untilMs < this.#nowMs()) return null;
    return equal(entry.session.cookie, cookie) ? entry.session : null;
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
