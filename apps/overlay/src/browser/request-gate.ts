/**
 * Who may talk to a loopback server. A web page can make the browser send requests here, and after DNS
 * rebinding even with the page's own name in Host: so both headers must be exactly ours. No prefix rules:
 * `127.evil.example` begins with `127.` too.
 */
export type GateHeaders = Readonly<{ host?: string | undefined; origin?: string | undefined }>;

export type GateAnswer = Readonly<{ ok: true }> | Readonly<{ ok: false; status: 421 | 403; why: string }>;

const pass: GateAnswer = { ok: true };

/** For reading: a browser sends no Origin with a navigation, so it may be missing, but not foreign. */
export function gateRead(headers: GateHeaders, port: number): GateAnswer {
  if (!isOurHost(headers.host, port)) return { ok: false, status: 421, why: 'The Host is not this panel.' };
  if (headers.origin !== undefined && !isOurOrigin(headers.origin, port))
    return { ok: false, status: 403, why: 'The Origin is not this panel.' };
  return pass;
}

/** For everything that gives a right or does something: the Origin must be there and be ours. */
export function gateAct(headers: GateHeaders, port: number): GateAnswer {
  const read = gateRead(headers, port);
  if (!read.ok) return read;
  if (headers.origin === undefined) return { ok: false, status: 403, why: 'An Origin is needed.' };
  return pass;
}

function isOurHost(host: string | undefined, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`;
}

function isOurOrigin(origin: string, port: number): boolean {
  return origin === `http://127.0.0.1:${port}` || origin === `http://localhost:${port}`;
}
