import type { MachineRecord, MachineStatus } from '@deskhand/protocol';
import type { Selectable } from 'kysely';
import type { MachinesTable } from '../storage/schema.ts';

export type MachineRow = Selectable<MachinesTable>;

export type MachinePrices = Readonly<{ linux: number; windows: number; stopped: number }>;

/**
 * What a self-registered desktop's state is called in public (v1-api.md 7.3). Suspended by the API and stopped
 * by its person both read `stopped`; only the person undoes the second.
 */
export function machineStatus(row: MachineRow, connected: boolean): MachineStatus {
  if (row.removed_at !== null) return 'terminated';
  if (row.suspended !== 0 || row.latched !== 0) return 'stopped';
  // A virtual desktop starts when it is needed, so it counts as up.
  if (row.mode === 'test') return 'running';
  if (row.started_at === null) return 'provisioning';
  return connected ? 'running' : 'error';
}

/** The price of the state a machine is in. */
export function hourlyCents(status: MachineStatus, osType: string, prices: MachinePrices): number {
  if (status === 'running') return osType === 'windows' ? prices.windows : prices.linux;
  return status === 'stopped' || status === 'suspended' ? prices.stopped : 0;
}

export function toMachine(row: MachineRow, connected: boolean, prices: MachinePrices): MachineRecord {
  const status = machineStatus(row, connected);
  return {
    id: row.id,
    display_name: row.display_name,
    status,
    os_type: row.os_type,
    provider: 'self_hosted',
    desktop_enabled: row.desktop_enabled !== 0,
    cpu_cores: row.cpu_cores,
    memory_gb: row.memory_gb,
    storage_gb: row.storage_gb,
    public_ip: null,
    is_test: row.mode === 'test',
    created_at: row.created_at,
    started_at: row.started_at,
    auto_destroy_at: row.auto_destroy_at,
    ttl_minutes: row.ttl_minutes,
    metadata: row.metadata === null ? null : (JSON.parse(row.metadata) as Record<string, unknown>),
    billing: {
      billed_to: 'api_wallet',
      running_credits_per_hour: row.os_type === 'windows' ? prices.windows : prices.linux,
      stopped_credits_per_hour: prices.stopped,
      accrued_cents: row.billed_cents,
      projected_daily_cents: hourlyCents(status, row.os_type, prices) * 24,
      since: row.started_at,
      total_credits_billed: row.billed_cents,
      suspended_for_billing: false,
      auto_destroy_at: row.auto_destroy_at,
      ttl_minutes: row.ttl_minutes,
    },
    connected,
    latched: row.latched !== 0,
    latch_reason: row.latch_reason,
    last_seen_at: row.last_seen_at,
    displays: row.displays === null ? [] : (JSON.parse(row.displays) as unknown[]),
    capabilities:
      row.capabilities === null ? null : (JSON.parse(row.capabilities) as Record<string, unknown>),
  };
}
