import { CreateTaskRequest, ProtocolError, Run } from '@deskhand/protocol';
import type { FastifyInstance } from 'fastify';
import type { OpenRunCap } from '../../runs/open-run-cap.ts';
import { callerOf } from '../caller.ts';
import type { ServerParts } from '../server-parts.ts';
import { answers, OWN_MODEL, REPEATABLE } from './shared.ts';
import { startRun } from './start-run.ts';

/** Runs without choosing a machine (v1-api.md 9.6); read, followed and cancelled as any run. */
export function taskRoutes(app: FastifyInstance, parts: ServerParts, openRuns: OpenRunCap): void {
  app.post(
    '/tasks',
    {
      config: { access: 'runs:write' },
      schema: {
        summary: 'Start a run on whichever machine is idle',
        response: answers(Run),
        tags: ['runs'],
        body: CreateTaskRequest,
        requestHeaders: { ...REPEATABLE, ...OWN_MODEL },
      },
    },
    async (request, reply) => {
      const { machine, ...body } = request.body as CreateTaskRequest;
      const { owner } = callerOf(request);
      // To ignore it would send a person's traffic another way than they asked.
      if (machine?.proxy != null)
        throw new ProtocolError(
          'FEATURE_NOT_AVAILABLE',
          'A desktop of your own uses its own network: set the proxy there, and leave machine.proxy out.',
        );
      if (machine?.restore_from_snapshot === true && owner.mode === 'live')
        throw new ProtocolError(
          'FEATURE_NOT_AVAILABLE',
          'A desktop of your own cannot be restored from a snapshot here.',
        );
      return startRun(parts, openRuns, request, reply, {
        path: '/v1/tasks',
        body: {
          ...body,
          on_awaiting_human: 'fail',
          awaiting_human_timeout_seconds: null,
          budget_cents: null,
        },
        automatic: true,
        machineFor: (tx) =>
          parts.machines.idleFor(tx, owner, {
            osType: machine?.os_type ?? null,
            preferredId: parts.config.task_machine,
            virtualAtMost: parts.config.max_virtual_desktops,
          }),
      });
    },
  );
}
