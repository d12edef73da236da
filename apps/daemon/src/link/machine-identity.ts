import { readFileSync } from 'node:fs';
import { Secret } from '@deskhand/base';
import { replaceFile } from '@deskhand/base/replace-file';
import { MachineId, ProtocolError, parseJson } from '@deskhand/protocol';
import { z } from 'zod';

const IdentityFile = z.looseObject({
  machine_id: MachineId,
  token: z.string().min(16).max(256),
  server_url: z.string().max(2048),
});

/** Who this desktop is to which control plane; `machine.json`, mode 0600. */
export type MachineIdentity = Readonly<{ machineId: MachineId; token: Secret; serverUrl: string }>;

/** @throws ProtocolError CONFIG_INVALID for a file that is there and is not ours. */
export function readMachineIdentity(path: string): MachineIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ProtocolError('CONFIG_INVALID', `${path} cannot be read.`, {}, { cause: error });
  }
  let parsed: ReturnType<typeof IdentityFile.safeParse> | undefined;
  try {
    parsed = IdentityFile.safeParse(parseJson(text));
  } catch {
    parsed = undefined;
  }
  if (!parsed?.success)
    throw new ProtocolError('CONFIG_INVALID', `${path} is damaged: remove it and pair this desktop again.`);
  const { machine_id, token, server_url } = parsed.data;
  return { machineId: machine_id, token: new Secret(token), serverUrl: server_url };
}

/** Survives a power cut: the token is sent once and never again. */
export function writeMachineIdentity(path: string, identity: MachineIdentity): void {
  const content = {
    machine_id: identity.machineId,
    token: identity.token.reveal(),
    server_url: identity.serverUrl,
  };
  replaceFile(path, `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Whether a token that was given by one server may be shown to another address: the same origin, or another
 * port of this computer (`up` picks a free one at each start).
 */
export function mayShowToken(identity: MachineIdentity, url: URL): boolean {
  let known: URL;
  try {
    known = new URL(identity.serverUrl);
  } catch {
    return false;
  }
  if (known.protocol === url.protocol && known.host === url.host) return true;
  return isLoopback(known.hostname) && isLoopback(url.hostname);
}

/** Exact names only: `127.0.0.1.evil.example` and `localhost.evil.example` are somebody else. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}
