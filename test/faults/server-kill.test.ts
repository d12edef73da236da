import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sleep } from '@deskhand/base';
import {
  eventually,
  FakeDaemon,
  type FakeDaemonOptions,
  ServerProcess,
  SseClient,
  type SseClientEvent,
} from '@deskhand/server/testing';
import { describe, expect, it } from 'vitest';

const ROUNDS = 30;

/** Small and repeatable; the seed is printed so that a failure can be run again with SEED=… */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Reconnects by its last id until `done`. */
class Follower {
  readonly events: SseClientEvent[] = [];
  done = false;
  readonly #server: ServerProcess;
  readonly #runId: string;
  readonly #key: string;
  #stopped = false;
  readonly finished: Promise<void>;

  constructor(server: ServerProcess, runId: string, key: string) {
    this.#server = server;
    this.#runId = runId;
    this.#key = key;
    this.finished = this.#follow();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #follow(): Promise<void> {
    while (!this.done && !this.#stopped) {
      const last = this.events.at(-1)?.id ?? 0;
      const client = new SseClient(`${this.#server.origin}/v1/runs/${this.#runId}/events`, {
        'x-api-key': this.#key,
        ...(last === 0 ? {} : { 'last-event-id': String(last) }),
      });
      await client.ended;
      this.events.push(...client.events);
      this.done = this.events.at(-1)?.event === 'done';
      if (!this.done) await sleep(20);
    }
  }
}

async function scene(settings: Record<string, string> = {}, desk: Partial<FakeDaemonOptions> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'deskhand-kill-'));
  const server = new ServerProcess(folder, settings);
  await server.start();
  const key = await server.key();
  const call = async (
    method: string,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`${server.origin}/v1${route}`, {
      method,
      headers: { 'x-api-key': key, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, never> };
  };
  /** As clients with an idempotency key do: until there is an answer. */
  const insist = async (method: string, route: string, body: unknown, key: string) => {
    for (;;) {
      try {
        const answer = await call(method, route, body, { 'idempotency-key': key });
        if (answer.status < 500) return answer;
      } catch {
        // The server is being killed.
      }
      await sleep(20);
    }
  };
  const created = await call('POST', '/machines', { display_name: 'desk' });
  const { token } = created.body.enrollment as unknown as { token: string };
  const daemon = new FakeDaemon({ origin: server.origin, auth: { code: token }, ...desk });
  await daemon.open();
  let reconnecting = true;
  const keepConnected = (async () => {
    while (reconnecting) {
      await daemon.closed;
      while (reconnecting) {
        try {
          await daemon.open();
          break;
        } catch {
          await sleep(20);
        }
      }
    }
  })();
  return {
    server,
    key,
    call,
    insist,
    daemon,
    async close() {
      reconnecting = false;
      await daemon[Symbol.asyncDispose]();
      await keepConnected;
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe('kill -9 of the server', () => {
  it(`at ${ROUNDS} random moments in every run state: nothing lost, no gap, nothing done twice`, {
    timeout: 240_000,
  }, async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`seed ${seed} (SEED=${seed} repeats it)`);
    const random = randomFrom(seed);
    const { server, key, call, insist, daemon, close } = await scene({ max_claims_without_progress: '100' });
    try {
      const runs: Array<{ id: string; clicks: number[] }> = [];
      const followers: Follower[] = [];
      let place = 0;
      let serial = 0;
      const start = async () => {
        serial += 1;
        const clicks = Array.from({ length: 3 }, () => (place += 1));
        const words = clicks.map((x) => `click:${x},1 wait:${Math.floor(random() * 80)}`);
        if (random() < 0.4) words.splice(1, 0, 'ask:go-on?');
        const answer = await insist(
          'POST',
          '/runs',
          { machine_id: daemon.machineId, task: `${words.join(' ')} done` },
          `run:${serial}`,
        );
        expect(answer.status).toBe(200);
        const id = String(answer.body.id);
        runs.push({ id, clicks });
        followers.push(new Follower(server, id, key));
      };
      const answering = new AbortController();
      const answers = (async () => {
        while (!answering.signal.aborted) {
          try {
            const list = await call('GET', '/runs?status=awaiting_human&limit=5');
            for (const run of (list.body.data ?? []) as Array<{ id: string }>)
              if (random() < 0.5) await call('POST', `/runs/${run.id}/resume`, { note: 'yes' });
          } catch {
            // Killed meanwhile.
          }
          await sleep(40);
        }
      })();
      const recoveryMs: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const creating = Promise.all(Array.from({ length: 1 + Math.floor(random() * 2) }, start));
        await sleep(Math.floor(random() * 350));
        await server.kill();
        recoveryMs.push(await server.start());
        await creating;
      }
      for (const run of runs)
        await eventually(async () => {
          const state = await call('GET', `/runs/${run.id}`);
          expect(['succeeded', 'failed']).toContain(state.body.status);
        }, 60_000);
      answering.abort();
      await answers;
      await Promise.all(followers.map((follower) => follower.finished));

      const done = new Map<number, number>();
      for (const command of daemon.performed)
        for (const operation of command.operations)
          if (operation.type === 'click') done.set(operation.point.x, (done.get(operation.point.x) ?? 0) + 1);
      for (const [index, run] of runs.entries()) {
        const log = await call('GET', `/runs/${run.id}/log`);
        const entries = log.body.data as unknown as Array<{ seq: number; type: string; data: unknown }>;
        const stored = entries.map(({ data: _, ...event }) => event);
        expect(stored.map((event) => event.seq)).toEqual(stored.map((_, at) => at + 1));
        expect(stored.filter((event) => event.type === 'done')).toHaveLength(1);
        expect(followers[index]?.events.map((event) => event.data)).toEqual(stored);
        const state = (await call('GET', `/runs/${run.id}`)).body as unknown as {
          status: string;
          error: unknown;
        };
        expect([state.status, state.error]).toEqual(['succeeded', null]);
        expect(run.clicks.map((x) => [x, done.get(x)])).toEqual(run.clicks.map((x) => [x, 1]));
      }
      expect(new Set(daemon.performed.map((command) => command.id)).size).toBe(daemon.performed.length);
      const epochs = daemon.performed.map((command) => command.epoch);
      expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
      console.log(
        `${runs.length} runs, ${daemon.performed.length} actions, slowest start ${Math.round(Math.max(...recoveryMs))} ms`,
      );
    } finally {
      await close();
    }
  });

  it('between a command and its result: the command is sent again under its id and done once', {
    timeout: 60_000,
  }, async () => {
    const { server, daemon, call, close } = await scene(
      {},
      {
        // Long enough that the server dies before it hears of it.
        perform: async (command) => {
          if (command.operations.length === 9) await sleep(300);
          return command.operations.map(() => ({ status: 'confirmed' as const, durationMs: 1 }));
        },
      },
    );
    try {
      const run = await call('POST', '/runs', {
        machine_id: daemon.machineId,
        task: 'click:1,1 batch:9 click:3,3 done',
      });
      await eventually(() => {
        if (daemon.performed.length < 2) throw new Error('not yet');
      });
      await server.kill();
      await server.start();
      await eventually(
        async () => expect((await call('GET', `/runs/${run.body.id}`)).body.status).toBe('succeeded'),
        20_000,
      );
      expect(daemon.performed.map((command) => command.operations.length)).toEqual([1, 9, 1]);
      // It really was asked for twice.
      expect(daemon.received.filter((id) => id === daemon.performed[1]?.id)).toHaveLength(2);
    } finally {
      await close();
    }
  });

  it('a run that takes the server down each time is given up, and the next run of its machine starts', {
    timeout: 60_000,
  }, async () => {
    const { server, daemon, call, close } = await scene({ recovery_grace_ms: '20000' });
    try {
      const poison = await call('POST', '/runs', { machine_id: daemon.machineId, task: 'wait:600000 done' });
      const next = await call('POST', '/runs', { machine_id: daemon.machineId, task: 'click:1,1 done' });
      for (let death = 0; death < 3; death += 1) {
        await eventually(async () => {
          const epochs = new Set(daemon.leases.map((lease) => lease.epoch));
          expect(epochs.size).toBe(death + 1);
        }, 15_000);
        await server.kill();
        await server.start();
      }
      await eventually(async () =>
        expect((await call('GET', `/runs/${poison.body.id}`)).body).toMatchObject({
          status: 'failed',
          error: { code: 'INTERRUPTED' },
        }),
      );
      await eventually(async () =>
        expect((await call('GET', `/runs/${next.body.id}`)).body.status).toBe('succeeded'),
      );
    } finally {
      await close();
    }
  });

  it('a deadline that passes while no server is there strikes at the next start', {
    timeout: 60_000,
  }, async () => {
    const { server, daemon, call, close } = await scene();
    try {
      const running = await call('POST', '/runs', {
        machine_id: daemon.machineId,
        task: 'wait:600000 done',
        deadline_seconds: 1,
      });
      const queued = await call('POST', '/runs', {
        machine_id: daemon.machineId,
        task: 'done',
        deadline_seconds: 1,
      });
      await server.kill();
      await sleep(1100);
      await server.start();
      for (const run of [running, queued])
        await eventually(async () =>
          expect((await call('GET', `/runs/${run.body.id}`)).body).toMatchObject({
            status: 'timed_out',
            error: { code: 'DEADLINE_EXCEEDED' },
          }),
        );
    } finally {
      await close();
    }
  });

  it('a machine that does not come back ends its run as INTERRUPTED', { timeout: 60_000 }, async () => {
    const { server, daemon, call, close } = await scene({ recovery_grace_ms: '300' });
    try {
      const run = await call('POST', '/runs', {
        machine_id: daemon.machineId,
        task: 'click:1,1 wait:600000 done',
      });
      await eventually(() => {
        if (daemon.performed.length < 1) throw new Error('not yet');
      });
      await server.kill();
      daemon.staysAway = true;
      await server.start();
      await eventually(async () =>
        expect((await call('GET', `/runs/${run.body.id}`)).body).toMatchObject({
          status: 'failed',
          error: { code: 'INTERRUPTED' },
        }),
      );
    } finally {
      daemon.staysAway = false;
      await close();
    }
  });
});
