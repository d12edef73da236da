import path from 'node:path';
import { ProtocolError, SCOPES } from '@deskhand/protocol';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { callerOf } from '../caller.ts';
import type { ServerParts } from '../server-parts.ts';

const BackupBody = z.strictObject({ file: z.string().min(1).max(4096) });

/** For the person whose computer this is: needs a live key with every scope, over loopback. */
export function adminRoutes(app: FastifyInstance, { database, log }: ServerParts): void {
  app.post(
    '/admin/backup',
    {
      config: { access: 'keys' },
      schema: { summary: 'Copy the database to a file on the server', tags: ['admin'], body: BackupBody },
    },
    async (request) => {
      const caller = callerOf(request);
      const { remoteAddress = '' } = request.raw.socket;
      const local = ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(remoteAddress);
      if (caller.owner.mode !== 'live' || !local || SCOPES.some((scope) => !caller.scopes.has(scope)))
        throw new ProtocolError(
          'INSUFFICIENT_SCOPE',
          'Backups are made from this computer with its own key: deskhand backup.',
        );
      const { file } = request.body as z.infer<typeof BackupBody>;
      if (!path.isAbsolute(file))
        throw new ProtocolError('INVALID_PATH', 'The file must be named by its whole path.');
      await database.backupTo(file);
      log.info('backup written');
      return { file, request_id: request.id };
    },
  );
}
