import type { Client, CreateMachineInput } from '@deskhand/client';
import type { Enrollment } from '@deskhand/protocol';
import { CommandProblem } from '../output/problem.ts';

/** Registers a machine and returns the one-time code its desktop joins with. */
export async function enroll(client: Client, input: CreateMachineInput): Promise<Enrollment> {
  const created = await client.machines.create(input);
  if (created.enrollment === undefined || created.enrollment === null)
    throw new CommandProblem(
      'UPSTREAM_ERROR',
      'The server registered the machine but sent no pairing code.',
      {
        todo: 'Test keys get ready-made virtual desktops; use a live key to enrol one of your own.',
      },
    );
  return created.enrollment;
}
