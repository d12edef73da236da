import { constants, existsSync } from 'node:fs';
import { chmod, copyFile, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ProtocolError } from '@deskhand/protocol';
import { readConfig } from '../config.ts';
import { secretKeyFile } from './seal.ts';
import { taken, writeOnce } from './write-once.ts';

/**
 * `deskhand backup FILE`: a consistent copy of the database in one file, also while the server runs. A running
 * server holds the file exclusively, so it makes the copy itself (POST /v1/admin/backup); otherwise it is made here.
 * The key of its sealed secrets comes beside it as `FILE.key`: a file of its own, so that it can be kept apart, and
 * always there, because a server does not start on the copy without it.
 */
export async function backup(dataFolder: string, file: string): Promise<{ file: string; keyFile: string }> {
  const target = path.resolve(file);
  const keyFile = `${target}.key`;
  for (const path_ of [target, keyFile]) if (existsSync(path_)) throw taken(path_);
  if (!(await askServer(dataFolder, target))) await copyHere(dataFolder, target);
  await chmod(target, 0o600);
  try {
    await copyFile(secretKeyFile(dataFolder), keyFile, constants.COPYFILE_EXCL);
    await chmod(keyFile, 0o600);
  } catch (cause) {
    await rm(target, { force: true });
    throw new ProtocolError(
      'DATA_FOLDER_UNWRITABLE',
      `${secretKeyFile(dataFolder)} could not be copied to ${keyFile}; without it the backup would be worthless.`,
      {},
      { cause },
    );
  }
  return { file: target, keyFile };
}

async function copyHere(dataFolder: string, target: string): Promise<void> {
  const source = path.join(dataFolder, 'deskhand.sqlite');
  if (!existsSync(source)) throw new ProtocolError('NOT_RUNNING', `There is no database in ${dataFolder}.`);
  const database = new DatabaseSync(source, { timeout: 2000 });
  try {
    await writeOnce(target, (partial) => {
      database.prepare('vacuum into ?').run(partial);
    });
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError(
      'DATA_FOLDER_UNWRITABLE',
      `The backup could not be written to ${target}.`,
      {},
      { cause },
    );
  } finally {
    database.close();
  }
}

/** @returns false when no server runs on the folder. */
async function askServer(dataFolder: string, target: string): Promise<boolean> {
  let credentials: { api_key: string; base_url: string };
  try {
    // Left by a server that runs; removed when it ends in order.
    await readFile(path.join(dataFolder, 'server.json'), 'utf8');
    credentials = JSON.parse(
      await readFile(path.join(dataFolder, 'credentials.json'), 'utf8'),
    ) as typeof credentials;
  } catch {
    return false;
  }
  let response: Response;
  try {
    response = await fetch(`${credentials.base_url}/admin/backup`, {
      method: 'POST',
      headers: { 'x-api-key': credentials.api_key, 'content-type': 'application/json' },
      body: JSON.stringify({ file: target }),
    });
  } catch {
    // The file outlived its server.
    return false;
  }
  if (response.ok) return true;
  const body = (await response.json().catch(() => ({}))) as { error?: { code?: string; message?: string } };
  throw new ProtocolError(
    body.error?.code === 'INVALID_PATH' ? 'INVALID_PATH' : 'DATA_FOLDER_UNWRITABLE',
    body.error?.message ?? `The server refused (HTTP ${response.status}).`,
  );
}

if (import.meta.main) {
  // What is made here is for this person only.
  process.umask(0o077);
  const [file] = process.argv.slice(2);
  try {
    if (file === undefined || file === '')
      throw new ProtocolError('CONFIG_INVALID', 'Name the file to write: deskhand backup FILE.');
    const made = await backup(readConfig(process.env).dataFolder, file);
    process.stdout.write(`${made.file}\n${made.keyFile}\n`);
  } catch (error) {
    const known = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL_ERROR', String(error));
    process.stderr.write(`deskhand: ${known.code}: ${known.message}\n`);
    process.exitCode = known.code === 'CONFIG_INVALID' || known.code === 'INVALID_PATH' ? 2 : 1;
  }
}
