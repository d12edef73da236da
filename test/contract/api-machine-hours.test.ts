import { TestServer } from '@deskhand/server/testing';
import { describe, expect, it } from 'vitest';

type Billing = { accrued_cents: number; total_credits_billed: number; rate_cents_per_hour: number };

describe('machine hours (v1-api.md 6)', () => {
  it('[6] are free by default, and say so', async () => {
    await using server = await TestServer.start();
    await server.desktop();
    await server.server.parts.meter.look();
    const { body } = await server.call<{ active: Billing[] }>('GET', '/billing/active');
    expect(body).toMatchObject({
      active: [{ rate_cents_per_hour: 0, accrued_cents: 0, total_credits_billed: 0 }],
      current_run_rate_cents_per_hour: 0,
    });
    expect((await server.call('GET', '/usage')).body).toMatchObject({ total_credits: 0, breakdown: {} });
  });

  it('[6] [11#35] a snapshot names its price and what it really cost', async () => {
    await using server = await TestServer.start({ max_virtual_desktops: '0' });
    const asTest = { 'x-api-key': server.testKey };
    const made = await server.call<{ machine: { id: string } }>(
      'POST',
      '/machines',
      { display_name: 'v' },
      asTest,
    );
    const answer = await server.call('POST', `/machines/${made.body.machine.id}/snapshot`, {}, asTest);
    expect(answer.body.credits_charged).toBe(1);
    expect(answer.headers.get('x-credits-charged')).toBe('0');
    expect(Number(answer.headers.get('x-credits-remaining'))).toBeGreaterThan(0);
  });

  it('[6] cost what the operator says: per minute rounded down, stopped cheaper, away nothing, in the ledger', async () => {
    let nowMs = Date.UTC(2026, 10, 5, 12);
    await using server = await TestServer.start(
      { machine_hour_linux_cents: '60', machine_hour_stopped_cents: '30', wallet_cents: '1000' },
      { overrides: { now: () => nowMs } },
    );
    const { meter } = server.server.parts;
    const desktop = await server.desktop();
    const pass = async (seconds: number) => {
      nowMs += seconds * 1000;
      await meter.look();
    };
    const billed = async () => {
      const { body } = await server.call<{ active: Billing[] }>('GET', '/billing/active');
      return body.active[0];
    };
    await meter.look();
    await pass(59);
    expect(await billed()).toMatchObject({ accrued_cents: 0, rate_cents_per_hour: 60 });
    await pass(1);
    expect(await billed()).toMatchObject({ accrued_cents: 1, total_credits_billed: 1 });
    await pass(10 * 60 + 30);
    expect(await billed()).toMatchObject({ accrued_cents: 11 });
    // Suspended: half a cent a minute, and half a cent is kept, not lost.
    await server.call('POST', `/machines/${desktop.machineId}/stop`);
    await meter.look();
    await pass(60);
    expect(await billed()).toMatchObject({ accrued_cents: 11, rate_cents_per_hour: 30 });
    await pass(60);
    expect(await billed()).toMatchObject({ accrued_cents: 12 });
    const usage = await server.call('GET', '/usage');
    expect(usage.body).toMatchObject({
      total_credits: 12,
      breakdown: { machine_hours: { requests: 3, credits: 12 } },
      wallet_balance_cents: 988,
    });
    const machine = await server.call('GET', `/machines/${desktop.machineId}`);
    expect(machine.body.billing).toMatchObject({ total_credits_billed: 12, projected_daily_cents: 720 });
    // A desktop that is away costs nothing.
    await server.call('POST', `/machines/${desktop.machineId}/start`);
    await desktop[Symbol.asyncDispose]();
    await expect.poll(() => server.server.parts.hub.connectedCount).toBe(0);
    await meter.look();
    await pass(3600);
    expect(await billed()).toMatchObject({ accrued_cents: 12, rate_cents_per_hour: 0 });
  });
});
