import { Usage } from '@deskhand/protocol';
import { ActiveBilling } from '@deskhand/protocol/rest-answers';
import type { FastifyInstance } from 'fastify';
import { callerOf } from '../caller.ts';
import type { ServerParts } from '../server-parts.ts';
import { validationError } from '../to-http-error.ts';
import { answers, queryOf } from './shared.ts';

export function billingRoutes(app: FastifyInstance, { database, ledger, machines, now }: ServerParts): void {
  app.get(
    '/usage',
    {
      config: { access: 'usage' },
      schema: {
        summary: 'Usage of one month',
        response: answers(Usage),
        tags: ['billing'],
        querystring: queryOf({
          period: { description: 'YYYY-MM in UTC; the current month when left out.', type: 'string' },
        }),
      },
    },
    async (request) => {
      const { owner } = callerOf(request);
      const period = periodFrom((request.query as { period?: unknown }).period, now());
      const rows = await database.read
        .selectFrom('ledger')
        .select((select) => [
          'operation',
          select.fn.countAll<number>().as('requests'),
          select.fn.sum<number>('cents').as('credits'),
        ])
        .where('account_id', '=', owner.accountId)
        .where('mode', '=', owner.mode)
        .where('created_at', '>=', period.from)
        .where('created_at', '<', period.until)
        .groupBy('operation')
        .execute();
      const breakdown: Record<string, { requests: number; credits: number }> = {};
      let requests = 0;
      let credits = 0;
      for (const row of rows) {
        breakdown[row.operation] = { requests: row.requests, credits: row.credits };
        requests += row.requests;
        credits += row.credits;
      }
      const balance = await ledger.balance(database, owner);
      return {
        period: period.name,
        total_requests: requests,
        total_credits: credits,
        total_cost_cents: credits,
        breakdown,
        balance: balance.cents,
        wallet_balance_cents: balance.cents,
        wallet_balance_usd: balance.cents / 100,
        request_id: request.id,
      };
    },
  );

  app.get(
    '/billing/active',
    {
      config: { access: 'machines:read' },
      schema: { summary: 'What is running and costs', response: answers(ActiveBilling), tags: ['billing'] },
    },
    async (request) => {
      const { rows } = await machines.list(callerOf(request).owner, 200);
      const active = rows.map((row) => {
        const record = machines.record(row);
        const running = Number(record.billing.running_credits_per_hour);
        const stopped = Number(record.billing.stopped_credits_per_hour);
        return {
          machine_id: row.id,
          display_name: row.display_name,
          status: record.status,
          os_type: row.os_type,
          rate_cents_per_hour:
            record.status === 'running' ? running : record.status === 'stopped' ? stopped : 0,
          running_credits_per_hour: running,
          stopped_credits_per_hour: stopped,
          accrued_cents: row.billed_cents,
          since: row.started_at,
          total_credits_billed: row.billed_cents,
          suspended_for_billing: false,
          auto_destroy_at: row.auto_destroy_at,
          ttl_minutes: row.ttl_minutes,
        };
      });
      return {
        active,
        current_run_rate_cents_per_hour: active.reduce(
          (sum, machine) => sum + machine.rate_cents_per_hour,
          0,
        ),
        request_id: request.id,
      };
    },
  );
}

function periodFrom(raw: unknown, nowMs: number): { name: string; from: string; until: string } {
  const name = raw === undefined || raw === '' ? new Date(nowMs).toISOString().slice(0, 7) : String(raw);
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(name);
  if (match === null)
    throw validationError([
      { loc: ['query', 'period'], msg: 'period must be YYYY-MM', type: 'string_pattern_mismatch' },
    ]);
  const [year, month] = [Number(match[1]), Number(match[2])];
  const start = (y: number, m: number) => new Date(Date.UTC(y, m - 1, 1)).toISOString();
  return {
    name,
    from: start(year, month),
    until: start(month === 12 ? year + 1 : year, month === 12 ? 1 : month + 1),
  };
}
