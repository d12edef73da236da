import { z } from 'zod';
import { Enrollment, MachineRecord, MachineStatus } from './rest.ts';
import { CuaVersion } from './run.ts';

/** Answers that no part of the SDK reads: for the description of the API and for clients made from it. */

const cents = z.number();
const count = z.int().min(0);
const requestId = z.string();

export const ModelList = z
  .looseObject({
    models: z.array(z.looseObject({ id: z.string(), description: z.string() })),
    cua_versions: z.array(
      z.looseObject({
        id: CuaVersion,
        description: z.string(),
        avg_step_time: z.string(),
        features: z.array(z.string()),
        latest: z.boolean(),
      }),
    ),
    action_types: z.array(z.string()),
    request_id: requestId,
  })
  .meta({ title: 'Models and engine versions' });

/** `result` is the body that the first request was answered with, its secrets left out. */
export const IdempotencyRecord = z
  .looseObject({
    status: z.enum(['processing', 'completed']),
    request_id: requestId,
    result: z.record(z.string(), z.unknown()).optional(),
    original_status: z.int().optional(),
  })
  .meta({ title: 'What an Idempotency-Key led to' });

export const PriceList = z
  .looseObject({
    schemaVersion: z.string(),
    updatedAt: z.string(),
    currency: z.string(),
    subscriptions: z.array(z.unknown()),
    boostPackages: z.array(z.unknown()),
    meteredRates: z.array(
      z.looseObject({ endpoint: z.string(), creditsPerCall: cents, description: z.string() }),
    ),
    agentMinuteRate: z.looseObject({
      creditsPerMinute: cents,
      minCreditsToStart: cents,
      maxSessionHours: z.number(),
    }),
    notes: z.array(z.string()),
  })
  .meta({ title: 'Prices' });

export const ActiveBilling = z
  .looseObject({
    active: z.array(
      z.looseObject({
        machine_id: z.string(),
        display_name: z.string(),
        status: MachineStatus,
        os_type: z.string(),
        rate_cents_per_hour: cents,
        running_credits_per_hour: cents,
        stopped_credits_per_hour: cents,
        accrued_cents: cents,
        since: z.string().nullable(),
        total_credits_billed: cents,
        suspended_for_billing: z.boolean(),
        auto_destroy_at: z.string().nullable(),
        ttl_minutes: z.int().nullable(),
      }),
    ),
    current_run_rate_cents_per_hour: cents,
    request_id: requestId,
  })
  .meta({ title: 'What is running and costs' });

const hourly = {
  running_linux: cents,
  running_windows: cents,
  stopped: cents,
  creating: cents,
  error: cents,
  terminated: cents,
};

/** Three shapes of the same numbers, one per generation of clients (v1-api.md 7.5). */
export const MachinePricing = z
  .looseObject({
    object: z.literal('machine.pricing'),
    unit: z.literal('credits_per_hour'),
    rates: z.looseObject(hourly),
    snapshot_credits: cents,
    provision_gate_credits: cents,
    note: z.string(),
    pricing: z.looseObject({ ...hourly, snapshot_credits: cents, provision_gate_credits: cents }),
    runtime_hourly_cents: z.looseObject({
      linux_running: cents,
      windows_running: cents,
      stopped: cents,
      creating: cents,
      terminated: cents,
    }),
    one_time_cents: z.looseObject({ snapshot: cents }),
    provisioning_gate_cents: cents,
    request_id: requestId,
  })
  .meta({ title: 'Prices of machines' });

export const Snapshot = z
  .looseObject({
    machine_id: z.string(),
    snapshot_id: z.string(),
    name: z.string(),
    created_at: z.string(),
    credits_charged: count,
    request_id: requestId,
  })
  .meta({ title: 'Snapshot' });

export const EnrolledMachine = z
  .looseObject({ machine: MachineRecord, enrollment: Enrollment, request_id: requestId })
  .meta({ title: 'A new pairing code' });

/** A desktop of one's own has nothing to connect to but its link: all is null but the size of the screen. */
export const MachineConnection = z
  .looseObject({
    machine_id: z.string(),
    public_ip: z.string().nullable(),
    ssh_port: z.int().nullable(),
    ssh_username: z.string().nullable(),
    ssh_private_key_pem: z.string().nullable(),
    vnc_port: z.int().nullable(),
    vnc_password: z.string().nullable(),
    websocket_port: z.int().nullable(),
    websocket_url: z.string().nullable(),
    devtools_url: z.string().nullable(),
    vnc_url: z.string().nullable(),
    screen_width: z.number().nullable(),
    screen_height: z.number().nullable(),
    request_id: requestId,
  })
  .meta({ title: 'How to reach the machine' });
