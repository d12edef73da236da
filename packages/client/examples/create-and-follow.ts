import { Client, newIdempotencyKey } from '@deskhand/client';

/** Starts a run, shows its steps as they happen, survives a restart of the server, tells how it ended. */
export async function createAndFollow(baseUrl: string, apiKey: string, machineId: string): Promise<boolean> {
  const client = new Client({ baseUrl, apiKey });
  const run = await client.runs.create(
    { machine_id: machineId, task: 'Open the text editor and type "hello".', cua_version: 'v4' },
    { idempotencyKey: newIdempotencyKey() },
  );
  for await (const event of client.runs.events(run.id)) {
    if (event.type === 'reasoning') console.log(event.text);
    if (event.type === 'tool_call') console.log(`step ${event.step}: ${event.tool}`, event.params);
    if (event.type === 'awaiting_human') console.log(`The run asks: ${event.reason}`);
    if (event.type === 'done') return event.result?.passed ?? false;
  }
  return false;
}
